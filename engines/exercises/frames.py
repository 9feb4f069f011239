"""The built-in tutor's own sentences, around what the item itself says. This file is their table.

An opening and a closing are picked by turn, so that the same words never come in two turns running.
They hold no numbers and praise nobody; openings end where the item's own words begin.
"""

from __future__ import annotations

from engines.words import Act, Move

OPENINGS: dict[Act, tuple[str, ...]] = {
    "greet": (
        "Hello. This is what we are working on:",
        "Welcome back to the exercise. Here it is again:",
        "Good to have you here. The question on the table:",
    ),
    "nudge": (
        "A small push, and the rest stays yours.",
        "Let us look at where to begin.",
        "Here is something to look at before you write.",
        "Start with what the question gives you.",
    ),
    "point": (
        "Here is where the work happens.",
        "Look closely at this place.",
        "This is the move to think about now.",
        "Keep your eye on this part.",
    ),
    "probe": (
        "I would like to hear your thinking first.",
        "A question back to you.",
        "Before we go on, think about this.",
        "Let us find out what you already see.",
    ),
    "scaffold": (
        "Let us cut it into a smaller piece.",
        "Here is a smaller question on the way.",
        "Take just this piece, and leave the rest aside.",
        "A step you can do on its own:",
    ),
    "explain": (
        "Here is the reason behind it.",
        "Let us see why it works this way.",
        "The idea underneath is this.",
        "This is what makes the step hold.",
    ),
    "simpler": (
        "In plainer words.",
        "Let me say it more simply.",
        "The same thing with fewer words.",
        "Step back for a moment; it comes down to this.",
    ),
    "example": (
        "Here is the same kind of question with other numbers, worked through.",
        "Watch how a similar question goes, then return to yours.",
        "Let us work a question of the same shape together.",
        "A worked relative of your question:",
    ),
    "show_step": (
        "Here is a step, written out.",
        "This is how the next line comes about.",
        "Look at this line of the working.",
        "The working continues like this.",
    ),
    "bottom_out": (
        "Here is the whole way to the end.",
        "Let us finish it together.",
        "This is how it closes.",
        "The complete working, from the start:",
    ),
    "compare": (
        "Put both ways side by side.",
        "Let us hold your way against another.",
        "Look at both lines and what sets them apart.",
        "A comparison helps here.",
    ),
    "affirm": (
        "All right, let us go on from there.",
        "Then carry it further.",
        "Good, so let us use it.",
        "Fine. On to the next line.",
    ),
    "submit_prompt": (
        "That looks like an answer. Put it into the answer box and it is checked at once.",
        "Enter it in the answer box; the check there is immediate and exact.",
        "I leave the verdict to the answer box. Type it there and send it.",
        "Let the checker decide: write it in the answer box and submit.",
    ),
    "clarify": (
        "Let us look at what is asked.",
        "Here is what the question wants.",
        "About the wording only:",
        "Read the question with me once more.",
    ),
    "recall": (
        "Before any help, try to bring it back from memory.",
        "Pause and remember first; that is what makes it stick.",
        "Try to recall the rule before you look at anything.",
        "Close your notes for a moment.",
    ),
    "redirect": (
        "That lies outside this exercise, so I will leave it there.",
        "I can only help with the exercise in front of us.",
        "Let us keep that for another time.",
        "I stay with the lesson, so back to the question.",
    ),
    "rest": (
        "A short break is a good idea.",
        "Take a few minutes away from the screen.",
        "It is fine to stop here for a while.",
        "Stand up, stretch, have some water.",
    ),
    "safety": (
        "What you wrote sounds serious, and it matters.",
        "Thank you for saying this. It matters.",
        "I am glad that you wrote this down.",
    ),
}

CLOSINGS: dict[Act, tuple[str, ...]] = {
    "greet": (
        "Where would you like to begin? Write your answer in the box, or tell me what you think of "
        "trying.",
        "What do you notice first? Write your answer in the box, or say what stops you.",
    ),
    "nudge": (
        "What does that tell you about the first thing to do?",
        "Write down only that, and then see what is left.",
        "What would you try first, and what do you expect to happen?",
    ),
    "point": (
        "Do that, write the new line, and look at what remains.",
        "What does the line look like after that move?",
        "Try it on paper and compare the line before with the line after.",
    ),
    "probe": (
        "What makes you think so? Say it in your own words.",
        "How could you check that without me?",
        "Which part are you sure of, and which part is a guess?",
    ),
    "scaffold": (
        "Answer that piece, then put it back into the whole.",
        "Once you have it, the next piece will look much smaller.",
        "Write down what you get, and then go on from there.",
    ),
    "explain": (
        "Can you say in your own words why that keeps the value right?",
        "Now go back to your line: which part of it does this reason change?",
        "With that in mind, what would you write differently?",
    ),
    "simpler": (
        "Which of these words is still unclear?",
        "Do only that much, and tell me what you have then.",
        "Read it slowly once more, and try that single move.",
    ),
    "example": (
        "Now do the same with your own numbers, line by line.",
        "Which of these lines is the one you need in your question?",
        "Cover the lines, and try to write the same steps for your question.",
    ),
    "show_step": (
        "Why is that step allowed? Say it before you go on.",
        "What would be the next line after this?",
        "Copy the line, and explain to yourself what changed.",
    ),
    "bottom_out": (
        "Read it once more from the top, and then try a question of this kind on your own.",
        "Which line was the one you missed? Try to write it again without looking.",
        "Go through each line and say why it follows from the one before.",
    ),
    "compare": (
        "At which line do they part, and which of them can you justify?",
        "What is the same in both, and where does the difference begin?",
        "Which of them would survive a check with the original question?",
    ),
    "affirm": (
        "What is the next thing it leads to?",
        "Carry it one line further.",
        "Now use it on the question itself.",
    ),
    "submit_prompt": (
        "If you like, test it first: put it back into the question and see whether all of it fits.",
        "A quick test before you send it: does it answer exactly what was asked, in the form that "
        "was asked for?",
        "While you type it, read the question once more and make sure that it is what was asked.",
    ),
    "clarify": (
        "Which word or sign in it is unclear? Name it, and I will say what it means.",
        "Nothing more is asked than that. Which part would you like to have in other words?",
        "Say in your own words what you have to find, and then begin.",
    ),
    "recall": (
        "What is the first thing you did the last time you met such a question?",
        "Write down whatever comes to mind, even if it is only a part of it.",
        "Say the rule aloud, and then try it here.",
    ),
    "redirect": (
        "What is your next idea for it?",
        "Where did you stop? We can go on from there.",
        "Shall we look at the next step together?",
    ),
    "rest": (
        "Your work is kept. When you return, the question will be waiting where you left it.",
        "Nothing is lost by pausing, and many people see the way more clearly afterwards.",
        "Come back when you are ready; we will take it in small steps from here.",
    ),
    "safety": (
        "The exercise can wait. It will be here whenever you want to return to it.",
        "Leave the exercise for now; nothing of it is lost.",
    ),
}

NO_MATERIAL = (
    "Write down the last step that you are sure of, and we will go on from there.",
    "Which is the last line you trust? Begin with that, and say what you wanted to do next.",
    "Tell me how far you are certain, in your own words, and where the doubt begins.",
)
LOCKED = (
    "The full answer opens with the last hint or with the worked steps; both have a button of "
    "their own. Until then, here is a piece of the way.",
    "I do not say the answer before you have opened it by the last hint or the worked steps. What "
    "I can give you now is a piece of the way.",
)
"""Openings in place of those of `bottom_out`, while the key is locked."""
NOT_NOW = (
    "The answer stays closed for now. What I can give you is a piece of the way.",
    "I do not say the answer here. Let us look at a piece of the way instead.",
)
"""The same where no button opens it."""
SAFETY = (
    "I am a program and cannot help with this the way a person can. Please tell an adult you trust "
    "now: a parent, a teacher, a doctor. If somebody is in danger, call the emergency number."
)
"""What stands for a safety text where none was given."""
ANCHORS = (
    "We are still with this question:",
    "For reference, the question:",
    "Keep the question in view:",
)
KINDS = {
    "number": "The answer is a single number.",
    "fraction": "The answer is a number, written in lowest terms.",
    "choice": "Exactly one of the options fits.",
    "multi": "Mark every option that fits; there may be several.",
    "text": "The answer is a short text or formula.",
    "expression": "The answer is an expression.",
    "equation": "The answer is an equation or an inequality.",
    "interval": "The answer is an interval, or several of them together.",
    "set": "The answer is a set: all its members, in any order.",
    "matrix": "The answer is a matrix, row by row.",
    "order": "The answer is an order: put the entries one after the other.",
    "match": "Each entry at the left gets one from the right.",
    "parts": "There are several questions; each takes an answer of its own.",
}
FORMS = {
    "integer": "It is wanted as a whole number.",
    "lowest-terms": "It is wanted in lowest terms.",
    "mixed": "It is wanted as a mixed number.",
    "decimal": "It is wanted as a decimal.",
    "sigfig": "It is wanted to so many significant figures as the question says.",
    "scientific": "It is wanted in scientific notation.",
    "expanded": "It is wanted multiplied out.",
    "collected": "It is wanted with like terms collected.",
    "factored": "It is wanted as a product, fully factored.",
    "prime-factors": "It is wanted as a product of primes.",
    "rational-denominator": "It is wanted without a root in a denominator.",
    "simplified-root": "It is wanted with its roots simplified.",
    "solved-for": "It is wanted solved for the letter asked.",
    "no-parentheses": "It is wanted without brackets.",
}
UNIT = "Its unit belongs to it."
TESTS = {
    "number": "Any number that you can justify line by line is worth checking.",
    "fraction": "See also whether top and bottom still share a factor.",
    "choice": "Each option can be tested against the question on its own.",
    "multi": "Test each option on its own against the question.",
    "text": "Compare each sign of what you wrote with what the question gives.",
    "expression": "Put a number for the letter into the question and into what you wrote.",
    "equation": "Put a number in that makes one side true, and look at the other.",
    "interval": "Test a number inside, one outside, and both ends.",
    "set": "Put each member back into the question, and look for one that is missing.",
    "matrix": "Work out one entry again, its row and its column.",
    "order": "Take two neighbours at a time: does the first belong before the second?",
    "match": "Test each pair on its own against the question.",
    "parts": "Check the questions one by one; one may help with the next.",
}

QUESTIONS: dict[Move, tuple[str, ...]] = {
    "elicit": (
        "What would you do first in this exercise?",
        "Which rule do you already know that could be of use here?",
        "How would you begin, in your own words?",
    ),
    "probe": (
        "What makes you think that this is the way to go?",
        "Which part of the question tells you so?",
        "How would you explain that step to a friend?",
    ),
    "narrow": (
        "What would the very first line of your working be?",
        "Which single thing could you change without changing anything else?",
        "What is the smallest step that you are sure of?",
    ),
    "contrast": (
        "In what would a much simpler question of this kind differ from this one?",
        "What is the same here as in the last question that you could do, and what is not?",
        "Which other way of doing it comes to your mind?",
    ),
    "counterexample": (
        "Can you think of a case in which your idea would go wrong?",
        "What would have to be different for your idea to fail?",
        "How could somebody show you that the idea does not always hold?",
    ),
    "confirm": (
        "How could you test that without me?",
        "Why does that hold?",
        "How would you convince somebody who doubts it?",
    ),
    "summarise": (
        "How would you put what you have found into one sentence?",
        "What would you tell a friend to do first with such a question?",
        "Which rule have you found, in your own words?",
    ),
    "": (
        "What do you want to try next?",
        "Where does that lead in the question?",
        "What is left to do in the exercise?",
    ),
}
"""Socratic questions where a goal has none of its own; those of no move come after a plan's end."""
SOCRATIC_CLOSINGS = (
    "Take your time; a guess is fine.",
    "Write down whatever you think, in your own words.",
    "Say as much as you are sure of.",
    "An unfinished thought is a good start.",
)
"""Closings that ask nothing: the question before them is the only one of its turn."""
HINTS_OPEN = (
    "The hints of this exercise are open now.",
    "From here on you may open the hints as well.",
)
RE_ASKED = "If it was meant for my question, say how you came to it."
"""After a candidate answer in discovery."""
SELF_EXPLAIN = (
    "Why is this step allowed? Say it in your own words.",
    "What was done here, and what makes it right? Explain it to yourself before you go on.",
    "Which rule stands behind this line? Try to name it.",
)
FADED = (
    "The next line is left out. What would you write there?",
    "From here the example is yours: which line comes next?",
    "I leave this line empty. How does the working go on?",
)
TO_YOUR_OWN = (
    "Now hold it against your own exercise. What is the same, and where do the numbers differ?",
    "Put your exercise beside the example: which line of it do you need first?",
    "Your exercise has the same build. Which of these lines would look different in it?",
)
YOUR_LINE = (
    "Which line do you write first?",
    "What is the first line of your own working?",
    "How does your own working begin?",
)
REASON_GIVEN = ("The reason that the working gives:", "For that line the working says:")
REASONS = (
    "Which answer do you lean to, and what is your strongest reason for it?",
    "What in the question made you decide as you did?",
    "Suppose somebody beside you chose differently: what would you want to hear from them?",
    "Which of your reasons would you still stand by if all others disagreed?",
)
OPINIONS = (
    "Take your reason and one that speaks for another answer. Where exactly do they part?",
    "Say the best reason for an answer that you did not choose, then weigh it against your own.",
    "Listen for the other reason first. What would it have to explain, and does it?",
    "Write down what both opinions agree on. What is left between them?",
)
EXAM_OPENINGS: dict[Act, tuple[str, ...]] = {
    "redirect": (
        "In an exam I explain the wording of a question, and nothing else.",
        "I cannot help with that while the exam is open.",
        "This has to stay yours until the exam closes.",
    ),
    "submit_prompt": (
        "Answers go into the answer box.",
        "I take no answers here; write it in the answer box.",
        "The answer box is the place for that.",
    ),
    "rest": OPENINGS["rest"],
    "clarify": OPENINGS["clarify"],
    "safety": OPENINGS["safety"],
}
EXAM_CLOSINGS: dict[Act, tuple[str, ...]] = {
    "redirect": (
        "If a word or a sign is unclear, name it.",
        "Ask me about the wording if you need to.",
    ),
    "submit_prompt": (
        "Read it once more before you send it.",
        "I say nothing about it, neither yes nor no.",
    ),
    "rest": (
        "What you have entered so far is kept.",
        "Look away from the screen and breathe out; then read the question afresh.",
    ),
    "clarify": CLOSINGS["clarify"][:2],
    "safety": CLOSINGS["safety"],
}
