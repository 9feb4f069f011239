"""Wordings of distress in English, over the plain words of a text. This file is their list.

The words a pattern meets are those that `plain` of `engines.feeling.wellbeing` leaves: lower case,
no marks but a full stop between sentences, contractions spelled out (`do not`, `i am`), family
words joined (`dad` for father, stepfather). A pattern begins with words that can be listed
(`first_words`), for only there it is tried. `explicit` wins over
`ambiguous`; inside a list the order is without meaning. What people say every day ("this sum is
killing me", "to die of laughter") is left out by what must not follow.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["self-harm", "abuse", "violence"]
Level = Literal["explicit", "ambiguous"]


class Wording(NamedTuple):
    """The patterns of one kind and level. Each is matched where a word begins."""

    level: Level
    kind: Kind
    patterns: tuple[str, ...]


def _wording(level: Level, kind: Kind, *patterns: str) -> Wording:
    return Wording(level, kind, patterns)


_ANY = r"(?:\w+ ){0,3}?"
_INTENT = (
    r"(?:want(?:ed|ing)? to|would like to|need(?:ed)? to|going to|about to|plan(?:ning|ned)? (?:to"
    r"|on)"
    r"|ready to|try(?:ing)? to|tried|thinking (?:of|about)|think (?:of|about)|thought (?:of|about)"
    r"|thoughts (?:of|about)|might|will|ill|have to|should|could|may|feel like|feeling like|urge to"
    r"|decided to|wish i could|how (?:do i|to|can i|should i)|just|dream (?:of|about)|tempted to)"
)
_SELF = r"my ?self"
_OTHERS_SELF = r"(?:her|him|them|your|one)sel(?:f|ves)"
_GONE = (
    r"(?:died|die|dead|gone|disappear\w*|killed|not (?:here|alive|around)|never (?:born|here"
    r"|existed)"
    r"|was not|were not|did not exist)"
)
_PILLS = r"(?:pills?|tablets?|meds|medicine|medications?|painkillers?|paracetamol|tylenol|aspirin)"
_PERSON = (
    r"(?:dad|mum|parents?|uncle|aunt(?:ie)?|grandpa|grandma|guardian|teacher|coach|tutor|boyfriend"
    r"|girlfriend|babysitter|neighbou?r|man|guy|boy|boys|priest|pastor|boss|carer|partner|ex|family"
    r"|someone|somebody|he|she|they)"
)
_CHILD = r"(?:brother|sister|cousin|kid|kids|friend|classmates?)"
_ADVERB = (
    r"(?:(?:is|are|was|were|has|have|had|been|always|sometimes|often|still|just|really|also|used to"
    r"|keeps?|kept|started|likes to|gets? drunk|gets? (?:mad|angry)|when|drunk|and|then|would|even"
    r"|so"
    r"|almost|tries to|tried to|comes?|came|into my (?:room|bed)|at night|secretly|now|again|on|the"
    r"|internet|online|boyfriend|girlfriend|friend|in my (?:class|school)|my) ){0,6}?"
)
_HURTS = (
    r"(?:hits?|hitting|beats?|beating|beaten|punch(?:es|ed|ing)?|kick(?:s|ed|ing)?|slap(?:s|ped"
    r"|ping)?"
    r"|chok(?:es?|ed|ing)|strangl(?:es?|ed|ing)|whip(?:s|ped|ping)?|burn(?:s|ed|t|ing)?"
    r"|hurt(?:s|ing)?|abus(?:es?|ed|ing)|molest(?:s|ed|ing)?|rap(?:es?|ed|ing)|rapped"
    r"|grop(?:es?|ed|ing)|assault(?:s|ed|ing)?|smack(?:s|ed|ing)?|stab(?:s|bed|bing)?)"
)
_IN_PLAY = (
    r"(?! (?:at (?!home|night)|in (?:chess|cards|fortnite|minecraft|roblox|smash|mario|a (?:game"
    r"|race)"
    r"|the (?:game|match|next|race|last)|this (?:game|match|round)|every game|basketball|football)"
    r"|to (?:it|the|school)|by \d|with (?:a )?(?:pillow|snowball|ball|question|the next|another)"
    r"|again at|how|why))"
)
_ME = r"(?:me|us|my (?:little |baby |younger |older |big )?(?:mum|sister|brother|siblings))"
_BODY = (
    r"(?:body|privates?|private parts?|chest|breasts?|boobs|bum|butt|bottom|thighs?|genitals|vagina"
    r"|penis|down there)"
)
_TARGET = (
    r"(?:him|her(?! feelings)|them|you|everyone|everybody|someone|somebody|people|kids"
    r"|all of (?:them|you)"
    r"|the (?:whole |other )?(?:class|school|teacher|kids|principal|students)"
    r"|(?:my|our) (?:\w+ )?(?:teachers?|class|classmates?|school|dad|mum|parents|brother|sister"
    r"|family"
    r"|friends?|ex|bully|boss|uncle|coach|principal|girlfriend|boyfriend|neighbou?r)"
    r"|(?:this|that|these|those|a) (?:\w+ )?(?:kids?|boys?|girls?|guys?|teacher|classmate|student"
    r"|person)"
    r"|(?:mr|mrs|ms|miss) \w+)"
)
_AT_SCHOOL = r"(?:school|class|backpack|bag|locker|bus|building|house|classroom|playground)"
_I = r"i (?:(?!not\b|never\b)\w+ ){0,5}?"

_SELF_HARM = _wording(
    "explicit",
    "self-harm",
    rf"kill(?:ed)? (?:of )?{_SELF}(?! laughing)",
    rf"killing {_SELF}(?! (?:laughing|trying|over|to (?:finish|get|solve|learn|pass|study)))",
    rf"{_INTENT} {_ANY}kill {_OTHERS_SELF}",
    rf"(?:wants|going|trying|tried|said|says|how) {_ANY}(?:to |will )?kill {_OTHERS_SELF}",
    r"(?:way|ways) to (?:kill (?:your|one)self|die|end it)",
    r"(?:hang|hanging|drown|drowning|poison|suffocate|unalive"
    rf"|electrocute) {_SELF}(?! (?:in (?:home)?work|up|out|over))",
    rf"(?:shoot|shooting) {_SELF}(?! in the foot)",
    rf"{_INTENT} {_ANY}(?:off|end|overdose|stab) {_SELF}",
    r"i (?:will|am going to|might|want to|could) (?:kms|overdose)",
    r"(?:want|going|will|might|should|could|about) (?:to )?(?:just )?kms",
    r"overdosed|want to overdose",
    rf"i {_ANY}(?:took|take|swallow(?:ed)?|taken|ate) (?:all|too many|a (?:lot|bunch|load|whole"
    r"|bottle)"
    rf"|the (?:whole|entire|pills)|every)(?: \w+){{0,3}}? {_PILLS}",
    r"i took the pills",
    rf"how many {_PILLS} (?:\w+ ){{0,5}}?(?:die|kill)",
    rf"(?:starve|starving) {_SELF}|make {_SELF} (?:throw up|sick|vomit|puke)",
    # hurting oneself
    r"self ?harm(?:s|ed|ing)?|selfharm(?:s|ed|ing)?",
    rf"{_INTENT} {_ANY}(?:cut|hurt|harm|burn|injure|punish|scratch)(?:ting|ing)? {_SELF}(?! (?:a"
    r"|some|out)\b)",
    rf"(?:cutting|harming|burning) {_SELF}(?! (?:a|an|some|another|out|on)\b)",
    r"(?:i|been|keep|started|always|still|often|sometimes) (?:hurting|injuring"
    rf"|scratching) {_SELF}",
    rf"(?:cut|hurt|harm(?:ed)?|burn(?:ed|t)?) {_SELF} (?:again|on purpose|last night|because|when"
    r"|every"
    r"|to feel|to cope|so|instead|with a (?:razor|blade)|at night|to punish)",
    rf"i (?:harm|cut|burn) {_SELF}(?! (?:on|a|with|while|off|some|playing|at))",
    r"(?:cut|cutting|slit|slitting|slash|slashing) my (?:wrists?|arms|thighs|legs|skin|throat)",
    r"urges? to cut(?! (?:the|a|an|this|it|some|paper|cake|corners|down)\b)",
    r"(?:urge|want|need|started|keep|relapsed)(?:ed|ing)? (?:to )?(?:cut|cutting)(?= again| \.|$)",
    # dying, not living
    r"(?:want(?:ed|ing)?|need|deserve|ready|prefer|hope(?: i)?) (?:to |i )?(?:just "
    r"|really )?(?:die|be dead)"
    r"(?! (?:of|from|for|laughing|than|in (?:the|this|a) game|over|cast|to)\b)",
    r"(?:wants|said|told \w+) (?:\w+ ){0,3}?(?:wants )?to die(?! (?:of|for)\b)",
    r"i would rather (?:die|be dead)(?! than)",
    r"wish (?:that )?i (?:was|were|am|could be) (?:dead|gone forever|never born|not alive"
    r"|not here)",
    r"wish (?:that )?i (?:had|was|were)(?: \w+)? (?:never|not) (?:been |be )?(?:born|alive)",
    r"wish i (?:could|would) (?:just )?(?:die|disappear forever|stop existing|not exist)",
    r"(?:asleep|sleep|bed) (?:forever )?and (?:i )?(?:just )?(?:never|not"
    r"|do not) (?:ever )?wake up",
    r"(?:want|wish|hope|could)(?: \w+){0,4} never wake up",
    r"not want to (?:live|go on living|keep living)(?! (?:in|at|with|on|near|here|there|by|next))",
    r"not want to (?:be alive|exist|wake up(?! (?:early|at|so|for|that|yet|now))|be here any ?more"
    r"|be (?:on|in) this (?:earth|world))",
    r"not want to be (?:around|here) (?:any ?more|any longer)",
    r"(?:no|any|a|one|single) reason (?:left )?to (?:live|be alive|stay alive|keep living"
    r"|go on living)",
    r"nothing (?:left )?to live for",
    r"life (?:is|was) not worth (?:living|it)|not worth living",
    r"(?:point|use|purpose|sense) (?:of|in) (?:living|being alive|staying alive|my life"
    r"|going on living)",
    r"(?:tired|sick|done|hate|hating)(?: of| with)? (?:living|being alive)(?! (?:in|at|with|here"
    r"|near))",
    r"better off (?:dead|without me)",
    rf"better off if i {_ANY}{_GONE}",
    r"world (?:is|would be|will be) (?:a )?better (?:place )?without me",
    r"(?:no ?one|nobody|anyone|who) (?:\w+ ){1,3}?(?:miss|care|notice|cry)(?: \w+)? (?:if"
    rf"|when) i {_ANY}{_GONE}",
    r"miss me when i am (?:gone|dead)",
    r"(?:end|ending|ended|take|taking|took) (?:my (?:own )?life|it all)(?! in| a\b)",
    r"end(?:ing)? it (?:tonight|today|tomorrow|now|for good|forever|soon)",
    r"(?:commit|committed|committing|attempt|attempted|attempting|considering"
    r"|contemplating) suicide",
    r"(?:i|me|my) (?:\w+ ){0,6}?(?:suicide|suicidal)",
    r"suicide (?:note|attempt|plan|is (?:\w+ ){0,4}?(?:i|me|my))|suicidal (?:thoughts|feelings)",
    rf"i (?:\w+ ){{0,4}}?{_INTENT} (?:\w+ ){{0,3}}?(?:jump|jumping|throw {_SELF}|step|stepping"
    r"|walk|walking|run|lie)"
    r"(?: down)? (?:off|from|in front of|out of|into|on) (?:a|an|the|my|that|our)?(?: \w+)? ?"
    r"(?:bridge|building|roof|balcony|window|cliff|train|trains|car|cars|bus|truck|lorry|traffic"
    r"|tracks)",
    r"(?:thinking|thoughts|thought) (?:of|about) (?:jumping|stepping|walking) (?:off|in front of"
    r"|from)",
    r"goodbye (?:note|letter)s?|this is my (?:final |last )?goodbye|goodbye forever",
    r"by the time you (?:read|see|find|get) this",
    r"will not be (?:alive|(?:around|here) (?:for )?(?:much longer|any ?more|any longer))",
    r"not have to (?:worry about|deal with|put up with|see|look after) me (?:\w+ )?(?:any ?more"
    r"|longer|again)",
    r"(?:can not|not want to|can) (?:not )?go on (?:living|any ?more|any longer|with (?:my )?life)",
)

_SELF_HARM_PERHAPS = _wording(
    "ambiguous",
    "self-harm",
    rf"(?:hate|hating|loathe) (?:{_SELF}|my life|being me)(?! for\b)",
    r"i am (?:so )?(?:worthless|a burden|a waste of space|unlovable)",
    r"(?:nobody|no ?one) (?:loves|wants) me",
    r"(?:nobody|no ?one) (?:would|will)(?: even| really| ever)? miss me",
    r"(?:please|just|someone|somebody) kill me(?! with)",
    r"want to (?:disappear|vanish)(?! (?:the|this|x)\b)",
    r"(?:can not|not) take (?:it|this|life) any ?more",
    r"dead inside|want (?:everything|the pain|it all) to (?:stop|end|be over)|make it all stop",
    r"(?:no|not see a|not see any) (?:future for me|way out of (?:my|this) life)",
    rf"hurt {_SELF}(?! (?:playing|at|in|during|on|while|when|by|falling|running|with))",
    r"give away (?:all )?my (?:things|stuff)",
    rf"killed {_OTHERS_SELF}",
)

_ABUSE = _wording(
    "explicit",
    "abuse",
    rf"{_PERSON} {_ADVERB}{_HURTS} (?:on )?{_ME}(?! up(?! the)(?<=hit me up))(?! for (?:the"
    r"|a) (?:answer|hint))"
    rf"{_IN_PLAY}",
    rf"(?:they|kids|boys|people|he|she) {_ADVERB}beat(?:s|ing)? me up(?! the)",
    r"i (?:was|am|got|get|have been|am being|keep getting|was being|am getting) (?:\w+ )?"
    r"(?:raped|rapped by|molested|abused|groped|sexually \w+)",
    r"(?:get|gets|got|am|was|being|been) (?:beaten|hit|hurt|whipped) (?:up )?(?:at home|by my"
    r"|every (?:day|night))"
    r"(?! (?:brother|sister|dad|mum|friend|cousin)? ?(?:at|in) )",
    r"(?:he|she|they|someone|dad|uncle|cousin|brother|boyfriend) (?:\w+ )?(?:raped|rapes|molested"
    r"|molests)",
    r"(?:raped|molested) me",
    rf"touch(?:es|ed|ing)? (?:me )?(?:on |in )?my {_BODY}",
    r"touch(?:es|ed|ing)? me (?:inappropriately|down there|where|in (?:ways|a way|places|bad)"
    r"|sexually|under"
    r"|between|while|when i sleep|at night|and|there)",
    rf"{_PERSON} {_ADVERB}(?:touches|touching) me(?! with)",
    r"(?:brother|cousin|sister) (?:\w+ )?(?:touches|touching) me(?! with)",
    r"(?:sexual|sex|dirty) (?:things|stuff|acts) (?:to|with|on) me",
    r"(?:makes?|made|forc(?:es?|ed|ing)|asks?|asked|wants?|told|tells?|pressur(?:es?|ed|ing)"
    r"|blackmail(?:s|ed|ing)?"
    r"|begs?|begged) me"
    r" (?:to |into |for )?(?:\w+ )?(?:have sex|having sex|sex|kiss him|kiss her|undress|get naked"
    r"|strip|nudes?"
    r"|take (?:off )?my clothes|take my clothes off|naked|touch (?:him|her|his|their)|watch porn"
    r"|send(?:ing)? (?:him |her |them )?(?:nudes?|naked)|sleep with (?:him|her)|do sexual)",
    r"(?:sent|sends|send|sending|sent) me (?:nudes?|naked|porn|dick)",
    r"nudes? of me|naked (?:photos?|pictures?|pics|videos?) of me",
    r"(?:post|share|leak|send|show) my (?:nudes|naked)",
    r"(?:scared|afraid|frightened|terrified) (?:to go|to come|of going|of coming) (?:back )?home",
    r"not (?:feel )?(?:safe|secure) (?:at home|in my (?:own )?(?:home|house)|with my (?:dad|mum"
    r"|parents|uncle))",
    r"(?:scared|afraid|frightened|terrified) of my (?:\w+ )?(?:dad|mum|parents|uncle|brother|coach"
    r"|boyfriend)"
    r" (?:when|because|at night|hurt)",
    rf"{_PERSON} {_ADVERB}lock(?:s|ed|ing)? (?:me|us) (?:in|inside|up)(?! (?:a (?:game|level)))",
    r"(?:do|does|did|will|would) not (?:feed me|feed us|give me (?:any )?(?:food|dinner"
    r"|anything to eat))",
    r"(?:no|never any|never enough|not any|not enough) food (?:at home|in (?:the|our|my) house)",
    r"left (?:me|us) (?:home )?alone (?:at home )?(?:for|since) (?:\w+ )?(?:days|weeks?|nights)",
    r"(?:kicked|threw|throws|kicks) me out(?! of the (?:game|team|chat|group|call))",
    r"(?:bruises?|black eye|marks) (?:from|because of) (?:my |where |when )?(?:dad|mum|parents|he"
    r"|she|him|her|uncle"
    r"|the belt|boyfriend|they)",
    rf"{_PERSON} (?:\w+ )?gave me (?:a )?(?:black eye|bruises|bloody nose)",
    r"said (?:\w+ )?(?:would|will|is going to) (?:kill|hurt) (?:me|us|my \w+) if i (?:tell|told"
    r"|say|said|talk)",
    rf"{_PERSON} (?:\w+ )?threaten(?:s|ed|ing)? (?:to|me with) (?:kill|hurt|beat|rape|stab|shoot"
    r"|a (?:knife|gun))"
    r" ?(?:me|us|my mum)?",
    rf"{_PERSON} (?:\w+ )?tried to (?:kill|strangle|choke|drown|rape|stab) (?:me|us|her"
    r"|my mum)(?! in (?:the|this))",
    r"being (?:sexually|physically) (?:abused|assaulted|harassed)|sexually (?:abus|assault"
    r"|harass)\w+ me",
)

_ABUSE_PERHAPS = _wording(
    "ambiguous",
    "abuse",
    rf"{_CHILD} {_ADVERB}{_HURTS} me(?! up){_IN_PLAY}",
    r"(?:bullied|bullies me|bullying me|bully me)",
    rf"{_PERSON} (?:\w+ )?touched me(?! with)",
    r"(?:scared|afraid|frightened|terrified) of my (?:\w+ )?(?:dad|mum|parents|uncle|stepbrother"
    r"|coach|boyfriend)",
    r"told me not to tell (?:anyone|anybody)|our little secret",
    r"not (?:want|like) (?:to )?go(?:ing)? home because",
    r"not eaten (?:anything )?(?:for|in|since) (?:\w+ )?(?:days|a week|yesterday)",
    r"says? (?:he|she|they) (?:will|is going to|are going to) kill me",
)

_VIOLENCE = _wording(
    "explicit",
    "violence",
    rf"{_I}(?:want to|going to|will|ill|plan(?:ning)? (?:to|on)|ready to|about to|thinking (?:of"
    r"|about)|decided to"
    r"|dream(?:ing)? (?:of|about)|need to|have to|feel like|would love to|would like to"
    r"|swear) (?:\w+ ){0,2}?"
    r"(?:kill|murder|shoot|stab|strangle|poison|slaughter|behead|attack|torture)(?:s|ing|ting|bing"
    r"|ling)? (?:up )?"
    rf"{_TARGET}(?! (?:in (?:the|this|a|our|that|fortnite|minecraft|roblox) ?(?:game|match|next"
    r"|round|level|race|chess)?"
    r"|at (?:chess|cards|mario|football)|with kindness|for (?:eating|taking|using|telling|not"
    r"|that)|a (?:hint|text|"
    r"message|question|picture|look)|if (?:he|she|they) (?:eats?|sings?|takes?|uses?)))",
    rf"(?:kill|shoot|stab|murder) (?:them all|everyone|everybody|{_TARGET}) (?:\w+ )?i (?:will|am"
    r"|want|swear)",
    rf"{_I}(?:want to|going to|will|plan to"
    rf"|thinking about) (?:\w+ )?hurt(?:ing)? {_TARGET}(?! (?:feelings|eyes|ears|brain))",
    r"shoot(?:ing)? up (?:the|my|this|our|a) (?:school|class|classroom|place|mall|church|bus)",
    r"blow(?:ing)? up (?:the|my|this|our) (?:school|class|classroom|house)",
    r"(?:burn|burning) (?:down )?(?:the|my|this|our) (?:school|house|classroom) ?(?:down)?(?= \.|$"
    r"| (?:tonight|tomorrow))",
    r"(?:bring|bringing|brought|take|taking|have|has|had|got|carry|carries|carrying|with|hid"
    r"|hiding) (?:a |my |his |her"
    r" |the |dads |some )*(?:real )?(?:guns?|knife|knives|weapons?|pistol|rifle|bomb"
    r"|machete) (?:to|in|into|at|on) "
    rf"(?:the |my |his |her |our |a )?{_AT_SCHOOL}",
    r"(?:has|have|got) a (?:gun|knife|bomb) and (?:\w+ ){0,3}?(?:going|will|use|want|said)",
    r"(?:use (?:it|the gun|a gun|the knife)) on (?:him|her|them|everyone|people|my|myself)",
    r"(?:how (?:do i|do you|to|can i)|want to|going to|know how to) (?:make|build) (?:a )?(?:pipe "
    r"|real )?(?:bomb|explosives?)"
    r"(?! calorimeter)",
    r"bomb (?:in|at|under|inside) (?:the|my|our|this) (?:school|class|classroom|building|bus|gym)",
    r"(?:active shooter|shooter (?:is )?(?:in|at|inside|outside) (?:the|my|our) school)",
    r"pull(?:s|ed|ing)? (?:out )?a (?:knife|gun) (?:on|at) ",
    r"threaten(?:ed|s|ing)? to (?:kill|hurt|stab|shoot|beat|jump|bomb)",
    r"(?:said|says|told me|going to|want to) (?:\w+ ){0,4}?(?:kill|shoot|stab|jump) (?:me"
    r"|us) (?:after|at|before|in) "
    r"(?:school|class|break|lunch)",
    r"(?:said|says) (?:he|she|they) (?:would|will|is going to|are going to) (?:shoot|stab"
    r"|jump) (?:me|us|him|her|them)",
    r"(?:everyone|everybody|all of you|you all|the whole (?:class|school)"
    r"|all of them)(?: \w+){0,4}? (?:going to|will|must|"
    r"should|deserves? to|need to) (?:all )?(?:die|bleed)(?: (?:tomorrow|today|soon|at school|on"
    r"|for|here))",
    r"(?:he|she|they|you|everyone|teacher|people) (?:all )?(?:deserves?|needs?) to die",
    r"(?:have|on|made|writing|wrote|with) (?:a|my) (?:kill|death) list",
    r"make (?:him|her|them|you|everyone) (?:all )?(?:bleed|suffer)",
    r"(?:kill|hang|shoot) yourself",
)

_VIOLENCE_PERHAPS = _wording(
    "ambiguous",
    "violence",
    rf"{_I}(?:could|would) (?:kill|murder|strangle|stab|shoot) {_TARGET}(?! (?:in|at|with|for"
    r"|a)\b)",
    rf"{_I}(?:want to|going to|will) (?:\w+ )?(?:punch|beat up|fight|smash"
    rf"|destroy) {_TARGET}(?! (?:in|at)\b)",
    r"(?:kys|go die)",
    r"hope (?:you|he|she|they) (?:all )?dies?",
    r"make (?:him|her|them|you|everyone) (?:all )?pay(?! (?:for (?:lunch|it|the (?:book|pizza"
    r"|ticket))|the|me|\d|in))",
    r"bomb threat|hit list|school shooting",
)

ENGLISH = (
    _SELF_HARM,
    _ABUSE,
    _VIOLENCE,
    _SELF_HARM_PERHAPS,
    _ABUSE_PERHAPS,
    _VIOLENCE_PERHAPS,
)
"""All wordings, explicit ones first."""

RUNS = re.compile(
    r"killmyself|killmeself|wanttodie|wannadie|endmylife|suicid|hurtmyself|cutmyself|selfharm"
    r"|hangmyself"
)
"""Words written without a space between, sought inside long words."""
