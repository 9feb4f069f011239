"""The types that cross families: courses, instances, evidence, decisions. This file is their form.

All are frozen. A course is what an author wrote, resolved to one locale; a `Syllabus` is a course
with the arrays the scoring needs and the item difficulties a lesson is pinned to; an `Instance` is
one item with its numbers drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from engines.course_words import Bkt as Bkt
from engines.course_words import Finding as Finding
from engines.course_words import Media, SharedMisconception, Variants
from engines.course_words import Skill as Skill
from engines.course_words import Source as Source
from engines.widget_words import ShownWidget, Widget, Word

if TYPE_CHECKING:
    from engines.beliefs import Beliefs
    from engines.quantum.final.stage import Final
    from engines.quantum.scoring import Scoring

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Value = Fraction | str
"""What a template's name stands for: an exact rational, or a text."""

AnswerKind = Literal[
    "choice", "multi", "number", "fraction", "expression", "equation", "interval", "set", "matrix",
    "text", "order", "match", "parts",
]  # fmt: skip
HintLevel = Literal["nudge", "point", "scaffold", "sibling", "bottom-out"]
VerdictName = Literal["correct", "incorrect", "partial", "wrong_form", "unreadable"]
Mode = Literal["practice", "socratic", "worked", "review", "exam", "peer"]
Act = Literal[
    "greet", "nudge", "point", "probe", "scaffold", "explain", "simpler", "example", "show_step",
    "bottom_out", "compare", "affirm", "submit_prompt", "clarify", "recall", "redirect", "rest",
    "safety",
]  # fmt: skip
"""What the tutor may do in one turn; closed. The text of `safety` is given from outside."""
ACTS: tuple[Act, ...] = get_args(Act)
Wish = Literal[
    "candidate", "off_topic", "rest", "wording", "simpler", "example", "step", "compare", "plea",
    "reason", "memory", "thanks", "help", "greeting", "nothing", "statement",
]  # fmt: skip
"""What a learner's words ask of the tutor. `candidate` is an answer typed into the chat, `plea`
asks for the answer, `step` for the next one, `statement` is anything else that was said."""
Move = Literal[
    "", "elicit", "probe", "narrow", "contrast", "counterexample", "confirm", "summarise",
    "ladder", "told",
]  # fmt: skip
"""The moves of a Socratic plan (Collins & Stevens 1982); empty before the first one."""
PlanEnd = Literal["", "met", "told", "spent"]
"""How a Socratic plan ended: all goals met, the way told, its turns spent; empty while it runs."""


class Tolerance(Word, frozen=True):
    """How far a number may be off; exactly one field is set."""

    abs: str | None = None
    rel: str | None = None
    places: int | None = None
    sigfig: int | None = None


class UnitSpec(Word, frozen=True):
    """The unit of a number: the value is in `want`, which a right answer may be written in.

    Any unit that measures the same is converted; with `accept`, only those may be written.
    Without one the number counts as it is, unless `required`.
    """

    want: str
    accept: tuple[str, ...] = ()
    required: bool = True


class AnswerSpec(Word, frozen=True):
    """What is right: `value` is an expression over the params, an option id, or a text.

    `form` asks for a form (`engines.exercises.forms`), or several joined by ` & `; `accept` lists
    further right answers (templates); `examples` are checked when the course is built.
    """

    kind: AnswerKind
    value: str | tuple[str, ...] | Mapping[str, str]
    form: str = "any"
    form_policy: Literal["ask", "accept", "require"] = "ask"
    accept: tuple[str, ...] = ()
    tolerance: Tolerance | None = None
    unit: UnitSpec | None = None
    percent: Literal["equal", "separate"] = "equal"
    typos: bool = False
    partial: bool = False
    """For `multi`: right options earn a share, which wrong ones lower; all options earn none."""
    variables: tuple[str, ...] = ()
    """Names of many letters that are variables of the answer; one letter needs no declaring."""
    integers: tuple[str, ...] = ()
    """Variables that stand for whole numbers only: `cos(2 pi n)` is 1 for them."""
    complex: bool = False
    """Whether `i` is the imaginary unit."""
    domain: Literal["any", "strict"] = "any"
    """`strict`: a divisor that can be 0 counts, so `x/x` is not 1."""
    examples: Mapping[str, tuple[str, ...]] = {}


class Option(Word, frozen=True):
    """One choice; `text` is a template."""

    id: str
    text: str


class Misconception(Word, frozen=True):
    """A known wrong way: `when` is an expression, an option id or a text; `say` a template.

    `shared`: other items of the course name it too, and what is said stands with the course.
    """

    id: str
    when: str
    say: str = ""
    shared: bool = False


class HintStep(Word, frozen=True):
    """One level of a hint ladder; a scaffold has `ask`, an `answer` and `hints` of its own."""

    level: HintLevel
    say: str = ""
    ask: str = ""
    answer: AnswerSpec | None = None
    options: tuple[Option, ...] = ()
    hints: tuple[str, ...] = ()


class WorkedStep(Word, frozen=True):
    """One worked step: what is written, and why; `ask` is the answer that a blank there takes."""

    show: str
    why: str = ""
    ask: AnswerSpec | None = None
    options: tuple[Option, ...] = ()


class Goal(Word, frozen=True):
    """What a learner is to find by questions, with a question for each move; empty: a general one.

    It is met by `expect`, an answer that the checker grades, or by two of its `phrases` (all of
    them where there are fewer).
    """

    id: str
    elicit: str = ""
    probe: tuple[str, ...] = ()
    narrow: str = ""
    contrast: str = ""
    counterexample: str = ""
    confirm: str = ""
    summarise: str = ""
    expect: AnswerSpec | None = None
    options: tuple[Option, ...] = ()
    phrases: tuple[str, ...] = ()


class ItemPart(Word, frozen=True):
    """One of an item's several questions, with an answer of its own kind."""

    id: str
    prompt: str
    answer: AnswerSpec
    options: tuple[Option, ...] = ()
    widget: Widget | None = None


class Item(Word, frozen=True):
    """One exercise; texts are templates over `params` (content format, section 2)."""

    id: str
    skills: tuple[str, ...]
    prompt: str
    answer: AnswerSpec = AnswerSpec("parts", ())
    difficulty: float = 0.0
    title: str = ""
    params: Mapping[str, Mapping[str, Any]] = {}
    where: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    widget: Widget | None = None
    parts: tuple[ItemPart, ...] = ()
    """Several questions in place of one answer; then `answer` is left as it is."""
    misconceptions: tuple[Misconception, ...] = ()
    hints: tuple[HintStep, ...] = ()
    steps: tuple[WorkedStep, ...] = ()
    tags: tuple[str, ...] = ()
    time_hint_s: float | None = None
    source: Source | None = None
    variants: Variants | None = None
    goals: tuple[Goal, ...] = ()
    media: tuple[Media, ...] = ()


class Course(Word, frozen=True):
    """A course in one locale. `sha256` is the hash of its canonical bytes, its version's name.

    `locales` are all that it has, where that is more than one. `reading_grade` is the school grade
    above which an item's texts are told of when the course is checked.
    """

    id: str
    version: str
    title: str
    license: str
    attribution: tuple[str, ...]
    skills: tuple[Skill, ...]
    items: tuple[Item, ...]
    locale: str = "en"
    locales: tuple[str, ...] = ()
    sha256: str = ""
    goals: tuple[Goal, ...] = ()
    misconceptions: tuple[SharedMisconception, ...] = ()
    reading_grade: float | None = None


@dataclass(frozen=True, slots=True)
class ShownChoice:
    """An option as shown: shuffled by the seed, text rendered."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One item with its numbers drawn from a seed: all texts rendered, all keys evaluated.

    `key` is the right value (a Fraction for number kinds, an option id or text otherwise),
    `wrong` maps a misconception's id to the value it leads to.
    """

    item: Item
    seed: int
    values: Mapping[str, Value | tuple[Value, ...]]
    prompt: str
    key: Value | tuple[str, ...]
    choices: tuple[ShownChoice, ...]
    accept: tuple[str, ...]
    wrong: tuple[tuple[str, Value], ...]
    widget: ShownWidget | None = None
    parts: tuple[Instance, ...] = ()
    """The item's several questions, each as an instance of its own."""
    locale: str = "en"
    """How its decimals are printed (BCP 47)."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """How an answer was read and judged; `column` (1-based) is where reading failed."""

    verdict: VerdictName
    read_as: str
    message: str = ""
    misconception: str | None = None
    column: int | None = None
    note: str | None = None
    share: float | None = None
    parts: Mapping[str, VerdictName] | None = None
    """Of an item of several questions, the verdict on each."""


class SocraticState(msgspec.Struct, frozen=True, gc=False):
    """Where a Socratic plan stands: the goal's place, the move played last, the turns so far."""

    goal: int = 0
    move: Move = ""
    turns: int = 0
    end: PlanEnd = ""


class ModeState(msgspec.Struct, frozen=True, gc=False):
    """What the modes remember of the open item between turns; a new item begins with a fresh one.

    `step` counts the steps gone through of the worked example, `steps_explained` those of them
    that the learner was asked to explain. `misconception` is the newest one found, in so many
    wrong tries running.
    """

    socratic: SocraticState = SocraticState()
    step: int = 0
    steps_explained: int = 0
    misconception: str | None = None
    same_misconception: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known when a turn begins: the work on the open item and the tutor's acts so far.

    `attempts`, `verdict` and `misconception` are of the open item, the newest last; `hint_texts`
    are those shown; `acts` are the acts of earlier turns, oldest first. `mood` is what the learner
    reported of late, `revealed` is said by a facilitator, `closed` by an exam's end;
    `skill_answers` counts the answers to items of the open item's first skill.
    """

    attempts: int = 0
    verdict: VerdictName | None = None
    misconception: str | None = None
    hints_used: int = 0
    hint_texts: tuple[str, ...] = ()
    steps_shown: bool = False
    steps_blank: bool = False
    """Whether the steps, asked for now, would leave their last one to the learner."""
    mode: Mode = "practice"
    acts: tuple[str, ...] = ()
    mood: str | None = None
    wheel_spinning: bool = False
    revealed: bool = False
    closed: bool = False
    skill_answers: int = 0
    state: ModeState = field(default_factory=ModeState)
    # What the item and the words add (`engines.tutoring`):
    hints_of: int = 0
    """Levels of the hint ladder, the bottom-out included."""
    told: bool = False
    """Whether a hint shown says the answer."""
    goals: int = 0
    """Socratic goals of the item."""
    met: bool = False
    """Whether the words meet the goal whose question is open."""
    example_steps: int = 0
    """Steps of the worked example."""
    example_given: int = 0
    """How many of them are shown; the others are left to the learner."""


def ragged(rows: Ints, values: Ints, n_rows: int) -> Ints:
    """Values by row in one read-only int64 array: row k is `a[a[k]:a[k + 1]]`.

    The first `n_rows + 1` numbers are the offsets. Within a row the order given stays.

    >>> ragged(np.array([1, 0, 1]), np.array([7, 8, 9]), 2).tolist()
    [3, 4, 6, 8, 7, 9]
    """
    ends = n_rows + 1 + np.cumsum(np.bincount(rows, minlength=n_rows))
    made = np.concatenate(([n_rows + 1], ends, values[np.argsort(rows, kind="stable")]))
    made = made.astype(np.int64)
    made.flags.writeable = False
    return made


@dataclass(frozen=True, slots=True)
class Syllabus:
    """A course with the arrays of its scoring, pinned to one version of item difficulties.

    `item_skills` is (n_items, 4) int64, padded with -1, first is primary; `d` is (n_items,)
    float64 in logits; `requires` is (n_skills, n_skills) bool, row needs column; `bkt` is
    (n_skills, 5) float64: init, learn, slip, guess, forget; `mastery` is (n_skills,) float64;
    `guess_floor` is (n_items,) float64, 1/choices for choice items, else 0.
    """

    course: Course
    d_version: str
    d: Floats
    item_skills: Ints
    requires: npt.NDArray[np.bool_]
    bkt: Floats
    mastery: Floats
    guess_floor: Floats
    skill_index: Mapping[str, int] = field(repr=False)
    item_index: Mapping[str, int] = field(repr=False)
    scoring: Scoring | None = field(default=None, repr=False)
    """The scoring it is pinned to (`engines.pinning.pinned`), else None."""
    final: Final | None = field(default=None, repr=False)
    """The final stage behind the scoring, where one was fitted for the course."""
    references: Floats = field(default_factory=lambda: np.empty((0, 2)), repr=False)
    """(n_skills, 2) float64: a skill's reference combination, and that item's difficulty."""
    combination_titles: tuple[str, ...] = field(default=(), repr=False)
    """What each combination of skills is called, in the scoring's order."""
    rapid_ms: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    """(n_items,) float64: an answer that took less is a rapid guess."""
    exposure: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    """(n_items,) float64: the share of lessons that an item was shown in."""
    items_of: Ints = field(init=False, repr=False)
    """Made here: row k of this ragged array holds skill k's items; see `ragged`."""
    needs_of: Ints = field(init=False, repr=False)
    """Made here: row k of this ragged array holds the skills that skill k requires."""

    def __post_init__(self) -> None:
        n_skills = len(self.mastery)
        item, column = np.nonzero(self.item_skills >= 0)
        taught = self.item_skills[item, column]
        object.__setattr__(self, "items_of", ragged(taught, item, n_skills))
        skill, needed = np.nonzero(self.requires)
        object.__setattr__(self, "needs_of", ragged(skill, needed, n_skills))


class Answered(msgspec.Struct, frozen=True, gc=False):
    """Evidence: one submitted answer. `attempt_no` counts readable answers from 1.

    `p_before` is computed by `react`, not taken from here; `eid` names the evidence uniquely.
    """

    eid: str
    syllabus: Syllabus
    instance: Instance
    response: Any
    taken_ms: int
    attempt_no: int
    hints_used: int
    steps_shown: bool
    """Some of the worked steps, or all, were shown, or the tutor told the answer."""
    learning_done: bool
    """True once the learning step of this instance was applied (an earlier attempt)."""
    mode: Mode = "practice"
    steps_told: bool | None = None
    """Whether that told the answer; None: it did, if they were shown."""
    again: bool = False
    """The answer was told: the item's first skill comes again, with other numbers."""
    aside: bool = False
    """Not on the open item, as a vote in a room: nothing is chosen after it, and a wrong one that
    was given with help counts as practice alone."""


class Moved(msgspec.Struct, frozen=True, gc=False):
    """Mastery of one skill before and after, the latter's interval, in hundredths.

    `due_s` is when the skill is due for review, None where it has no card.
    """

    skill: str
    before: float
    after: float
    low: float
    high: float
    mastered: bool
    due_s: float | None


class LiveDifficulty(msgspec.Struct, frozen=True, gc=False):
    """Ability (logits) with its standard deviation, the success band aimed at, and why.

    `theta` is on `skill`; `items` is the range of item difficulties (logits) that meets the band;
    `b` is the difficulty of the item just answered, `right` how it went.
    """

    theta: float
    sd: float
    target: tuple[float, float]
    step: float
    reason: str
    items: tuple[float, float]
    skill: str
    b: float
    right: bool


class Chosen(msgspec.Struct, frozen=True, gc=False):
    """The next item: which, with which numbers, how likely it goes right, and why this one."""

    item: str
    seed: int
    p_success: float
    why: str


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What follows from one evidence. `done` closes the instance; then `chosen` is the next."""

    beliefs: Beliefs
    verdict: Verdict
    p_expected: float
    counted: bool
    """Whether the answer was a scored attempt (first, unassisted, read)."""
    assisted: bool
    done: bool
    moved: tuple[Moved, ...]
    difficulty: LiveDifficulty | None
    chosen: Chosen | None
    reasons: tuple[str, ...] = ()
    """What moved a skill that was not answered, in words."""
    weight: float | None = None
    """Weight of the evidence: 1 counted, less a rapid guess, 0 practice alone, None none."""
    gradient: float = 0.0
    """G: how the answer pulls its skill's levels up and its item's difficulty down."""
    p_raw: float = 0.5
    """The forecast before it was calibrated."""
