"""The commands of formulas that the page's renderer draws. This file is that table.

KaTeX 0.16 with `trust` off, as the pages call it. Commands that define others, load something or
colour by a fixed name are left out: a course has no use for them. A test in a browser holds every
name against the renderer itself.
"""

from __future__ import annotations

_PLAIN = (
    "alef alefsym aleph allowbreak Alpha alpha amalg And angle angln approx approxeq ast asymp "
    "backepsilon backprime backsim backsimeq backslash barwedge Bbbk because Beta beta beth "
    "between bigcirc bigstar bigtriangledown bigtriangleup blacklozenge blacksquare blacktriangle "
    "blacktriangledown blacktriangleleft blacktriangleright bot bowtie Box boxdot boxminus "
    "boxplus boxtimes bull bullet Bumpeq bumpeq Cap cap cdot cdotp cdots centerdot checkmark Chi "
    "chi circ circeq circlearrowleft circlearrowright circledast circledcirc circleddash circledR "
    "circledS clubs clubsuit cnums colon Colonapprox colonapprox coloncolon coloncolonapprox "
    "coloncolonequals coloncolonminus coloncolonsim Coloneq coloneq Coloneqq coloneqq colonequals "
    "colonminus Colonsim colonsim complement Complex cong copyright Cup cup curlyeqprec "
    "curlyeqsucc curlyvee curlywedge curvearrowleft curvearrowright dag Dagger dagger daleth Darr "
    "dArr darr dashleftarrow dashrightarrow dashv dblcolon ddag ddagger ddots degree Delta delta "
    "diagdown diagup Diamond diamond diamonds diamondsuit digamma div divideontimes Doteq doteq "
    "doteqdot dotplus dots dotsb dotsc dotsm dotso dotsx doublebarwedge doublecap doublecup "
    "Downarrow downarrow downdownarrows downharpoonleft downharpoonright ell empty emptyset "
    "Epsilon epsilon eqcirc Eqcolon eqcolon Eqqcolon eqqcolon eqsim eqslantgtr eqslantless "
    "equalscolon equalscoloncolon equiv Eta eta eth exist exists fallingdotseq Finv flat forall "
    "frown Game Gamma gamma ge geq geqq geqslant gets gg ggg gggtr gimel gnapprox gneq gneqq "
    "gnsim gt gtrapprox gtrdot gtreqless gtreqqless gtrless gtrsim gvertneqq Harr hArr harr hbar "
    "hearts heartsuit hookleftarrow hookrightarrow hslash iiint iint Im image imageof imath in "
    "infin infty int intercal Iota iota isin jmath Join Kappa kappa KaTeX Lambda lambda land lang "
    "langle Larr lArr larr LaTeX lBrace lbrace lbrack lceil ldotp ldots le leadsto Leftarrow "
    "leftarrow leftarrowtail leftharpoondown leftharpoonup leftleftarrows Leftrightarrow "
    "leftrightarrow leftrightarrows leftrightharpoons leftrightsquigarrow leftthreetimes leq leqq "
    "leqslant lessapprox lessdot lesseqgtr lesseqqgtr lessgtr lesssim lfloor lgroup lhd ll "
    "llbracket llcorner Lleftarrow lll llless lmoustache lnapprox lneq lneqq lnot lnsim "
    "Longleftarrow longleftarrow Longleftrightarrow longleftrightarrow longmapsto Longrightarrow "
    "longrightarrow looparrowleft looparrowright lor lozenge lparen lq Lrarr lrArr lrarr lrcorner "
    "Lsh lt ltimes lVert lvert lvertneqq maltese mapsfrom mapsto mathellipsis mathsterling "
    "measuredangle mho mid minuscolon minuscoloncolon models mp Mu mu multimap N nabla natnums "
    "natural ncong ne nearrow neg neq nexists ngeq ngeqq ngeqslant ngtr ni nLeftarrow nleftarrow "
    "nLeftrightarrow nleftrightarrow nleq nleqq nleqslant nless nmid nobreak nobreakspace not "
    "notin notni nparallel nprec npreceq nRightarrow nrightarrow nshortmid nshortparallel nsim "
    "nsubseteq nsubseteqq nsucc nsucceq nsupseteq nsupseteqq ntriangleleft ntrianglelefteq "
    "ntriangleright ntrianglerighteq Nu nu nVDash nVdash nvDash nvdash nwarrow odot oiiint oiint "
    "oint Omega omega Omicron omicron ominus oplus ordinarycolon origof oslash otimes owns P "
    "parallel partial perp Phi phi Pi pi pitchfork plusmn pm pounds prec precapprox preccurlyeq "
    "preceq precnapprox precneqq precnsim precsim prime propto Psi psi R rang rangle Rarr rArr "
    "rarr rBrace rbrace rbrack rceil Re real Reals reals restriction rfloor rgroup rhd Rho rho "
    "Rightarrow rightarrow rightarrowtail rightharpoondown rightharpoonup rightleftarrows "
    "rightleftharpoons rightrightarrows rightsquigarrow rightthreetimes risingdotseq rmoustache "
    "rparen rrbracket Rrightarrow Rsh rtimes rVert rvert S sdot searrow sect setminus sharp "
    "shortmid shortparallel Sigma sigma sim simeq smallfrown smallsetminus smallsmile smile space "
    "spades spadesuit sphericalangle sqcap sqcup sqsubset sqsubseteq sqsupset sqsupseteq square "
    "star sub sube Subset subset subseteq subseteqq subsetneq subsetneqq succ succapprox "
    "succcurlyeq succeq succnapprox succneqq succnsim succsim supe Supset supset supseteq "
    "supseteqq supsetneq supsetneqq surd swarrow Tau tau TeX textcopyright textregistered "
    "therefore Theta theta thetasym thickapprox thicksim times to top triangle triangledown "
    "triangleleft trianglelefteq triangleq triangleright trianglerighteq twoheadleftarrow "
    "twoheadrightarrow Uarr uArr uarr ulcorner unlhd unrhd Uparrow uparrow Updownarrow "
    "updownarrow upharpoonleft upharpoonright uplus Upsilon upsilon upuparrows urcorner varDelta "
    "varepsilon varGamma varkappa varLambda varnothing varOmega varPhi varphi varPi varpi "
    "varpropto varPsi varrho varSigma varsigma varsubsetneq varsubsetneqq varsupsetneq "
    "varsupsetneqq varTheta vartheta vartriangle vartriangleleft vartriangleright varUpsilon "
    "varvdots varXi Vdash vDash vdash vdots vee veebar Vert vert Vvdash wedge weierp wp wr Xi xi "
    "yen Z Zeta zeta"
)
PLAIN = frozenset(_PLAIN.split())
"""Signs: they stand alone, and may be an exponent without braces."""
_ALONE = (
    "AA aa approxcolon approxcoloncolon arccos arcctg arcsin arctan arctg arg argmax argmin bf "
    "bigcap bigcup bigodot bigoplus bigotimes bigsqcup biguplus bigvee bigwedge bmod cal ch "
    "coprod cos cosec cosh cot cotg coth csc ctg cth deg det dim displaystyle DOTSB DOTSI dotsi "
    "DOTSX enskip enspace exp footnotesize gcd hom Huge huge iff impliedby implies inf injlim "
    "intop it ker LARGE Large large lg lim liminf limsup ln log mathstrut max medspace min minuso "
    "negmedspace negthickspace negthinspace newline normalsize plim Pr prod projlim qquad quad "
    "ratio rm rq scriptscriptstyle scriptsize scriptstyle sec sf sh simcolon simcoloncolon sin "
    "sinh sixptsize small smallint sum sup tan tanh textstyle tg th thickspace thinspace tiny tt "
    "varinjlim varliminf varlimsup varprojlim vcentcolon"
)
ALONE = frozenset(_ALONE.split())
"""Names and switches that stand alone, and need braces as an exponent."""
_SIGNS = "! # $ % & , : ; > _ { | }"
SIGNS = frozenset(_SIGNS.split())
"""Escaped signs; a backslash before a blank is one more."""
_ONE = (
    "Bbb Bra Braket H Ket Overrightarrow Set acute bar bcancel bm bold boldsymbol boxed bra "
    "braket breve c cancel check ddddot dddot ddot dot frak grave hat hphantom ket mathbb mathbf "
    "mathbin mathcal mathclap mathclose mathfrak mathinner mathit mathllap mathnormal mathop "
    "mathopen mathord mathpunct mathreflectbox mathrel mathring mathrlap mathrm mathscr mathsf "
    "mathsfit mathtt mod operatorname operatornamewithlimits overbrace overbracket overgroup "
    "overleftarrow overleftharpoon overleftrightarrow overline overlinesegment overrightarrow "
    "overrightharpoon phantom phase pmb pmod pod r set smash sout textcircled tilde u underbrace "
    "underbracket undergroup underleftarrow underleftrightarrow underline underlinesegment "
    "underrightarrow utilde v vcenter vec vphantom widecheck widehat widetilde xLeftarrow "
    "xLeftrightarrow xRightarrow xcancel xhookleftarrow xhookrightarrow xleftarrow "
    "xleftequilibrium xleftharpoondown xleftharpoonup xleftrightarrow xleftrightharpoons "
    "xlongequal xmapsto xrightarrow xrightequilibrium xrightharpoondown xrightharpoonup "
    "xrightleftarrows xrightleftharpoons xtofrom xtwoheadleftarrow xtwoheadrightarrow"
)
ONE = frozenset(_ONE.split())
"""Commands with one argument."""
_TEXT = (
    "angl clap emph fbox hbox llap reflectbox rlap text textbf textit textmd textnormal textrm "
    "textsf texttt textup underbar"
)
TEXT = frozenset(_TEXT.split())
"""Commands whose one argument is words."""
_TWO = "binom cfrac dbinom dfrac frac overset stackrel tbinom tfrac underset"
TWO = frozenset(_TWO.split())
"""Commands with two arguments."""
_BARE = (
    "Bbb binom bold cfrac dbinom ddddot dddot dfrac emph frac frak mathbb mathbf mathcal mathfrak "
    "mathit mathnormal mathrm mathscr mathsf mathsfit mathtt mod pmod pod set tbinom text textbf "
    "textit textmd textnormal textrm textsf texttt textup tfrac"
)
BARE = frozenset(_BARE.split())
"""Commands with arguments that may be an exponent without braces."""
_INFIX = "atop brace brack choose over"
INFIX = frozenset(_INFIX.split())
"""Commands that stand between two halves; one in each pair of braces."""
_SIZED = "big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm biggm Biggm"
SIZED = frozenset(_SIZED.split())
"""Commands with one delimiter."""
_DELIMITERS = (
    "langle rangle lfloor rfloor lceil rceil lvert rvert lVert rVert vert Vert backslash uparrow "
    "downarrow updownarrow Uparrow Downarrow Updownarrow lbrace rbrace lbrack rbrack lt gt lgroup "
    "rgroup lmoustache rmoustache"
)
DELIMITERS = frozenset(_DELIMITERS.split())
"""Commands that are delimiters; besides them `( ) [ ] | / < > .` and escaped braces and bars."""
_TABLES = (
    "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix cases dcases rcases drcases "
    "aligned gathered array"
)
TABLES = frozenset(_TABLES.split())
"""Environments that stand within a formula; `array` has an argument."""
