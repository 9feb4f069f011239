"""Words for numbers, in English and in languages a tutor may be asked for. This file is their list.

All spellings are folded (`engines.exercises.folding`). A word that is also an everyday word of
English (`one`, `once`) is weak: it names a number only where an answer stands.
"""

from __future__ import annotations

from engines.exercises.folding import folded, word_list, word_set

_UNITS = word_list(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = word_list("twenty thirty forty fifty sixty seventy eighty ninety")
CARDINALS: dict[str, int] = {word: n for n, word in enumerate(_UNITS)}
CARDINALS |= {word: 10 * n for n, word in enumerate(_TENS, 2)}
CARDINALS |= {"nought": 0, "naught": 0, "dozen": 12, "fourty": 40}
SCALES: dict[str, int] = {"hundred": 100, "thousand": 1000, "million": 10**6}
SCALES |= {"hundreds": 100, "thousands": 1000, "millions": 10**6}
_ORDINALS = word_list(
    "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
PARTS: dict[str, int] = {word: n for n, word in enumerate(_ORDINALS, 3)}
PARTS |= {"quarter": 4, "thirtieth": 30, "fortieth": 40, "fiftieth": 50, "sixtieth": 60}
PARTS |= {"hundredth": 100, "thousandth": 1000, "half": 2, "halve": 2}
PARTS |= {f"{word}s": n for word, n in list(PARTS.items()) if word != "half"}
PLACES: dict[str, int] = {"first": 1, "second": 2} | {w: n for w, n in PARTS.items() if n > 2}
"""Ordinals that may tell which of the options."""

# --- other languages: 0 to 20, then the tens ------------------------------------------------------

_FOREIGN = {
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
    " dieciseis diecisiete dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta setenta"
    " ochenta noventa",
    "fr": "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze"
    " seize dix-sept dix-huit dix-neuf vingt trente quarante cinquante soixante soixante-dix"
    " quatre-vingts quatre-vingt-dix",
    "de": "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn"
    " funfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreissig vierzig funfzig sechzig siebzig"
    " achtzig neunzig",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici"
    " quattordici quindici sedici diciassette diciotto diciannove venti trenta quaranta cinquanta"
    " sessanta settanta ottanta novanta",
    "pt": "zero um dois tres quatro cinco seis sete oito nove dez onze doze treze catorze quinze"
    " dezesseis dezessete dezoito dezenove vinte trinta quarenta cinquenta sessenta setenta"
    " oitenta noventa",
    "nl": "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien"
    " vijftien zestien zeventien achttien negentien twintig dertig veertig vijftig zestig zeventig"
    " tachtig negentig",
    "sv": "noll ett tva tre fyra fem sex sju atta nio tio elva tolv tretton fjorton femton sexton"
    " sjutton arton nitton tjugo trettio fyrtio femtio sextio sjuttio attio nittio",
    "pl": "zero jeden dwa trzy cztery piec szesc siedem osiem dziewiec dziesiec jedenascie"
    " dwanascie trzynascie czternascie pietnascie szesnascie siedemnascie osiemnascie"
    " dziewietnascie dwadziescia trzydziesci czterdziesci piecdziesiat szescdziesiat"
    " siedemdziesiat osiemdziesiat dziewiecdziesiat",
    "tr": "sifir bir iki uc dort bes alti yedi sekiz dokuz on on-bir on-iki on-uc on-dort on-bes"
    " on-alti on-yedi on-sekiz on-dokuz yirmi otuz kirk elli altmis yetmis seksen doksan",
    "ru": "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать"
    " тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать"
    " тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
    "ar": "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة",
    "hi": "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह"
    " तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस बीस",
    "ur": "صفر ایک دو تین چار پانچ چھ سات آٹھ نو دس",
}
_FOREIGN_PARTS = {
    2: "medio media mitad medios demi demie moitie halb halbe halbes halfte mezzo mezza meta meio"
    " metade helft halv halva halften половина polowa yarim",
    3: "tercio tercios tiers drittel terzo terzi terco tercos derde tredjedel tredjedelar треть",
    4: "cuarto cuartos quart quarts viertel quarto quarti quartos kwart fjardedel fjardedelar"
    " четверть четверти ceyrek",
    5: "quinto quintos cinquieme cinquiemes funftel quinti vijfde femtedel femtedelar",
    6: "sexto sextos sixieme sixiemes sechstel sesto sesti zesde sjattedel sjattedelar",
    7: "septimo septimos septieme septiemes siebtel settimo settimi setimo setimos zevende",
    8: "octavo octavos huitieme huitiemes achtel ottavo ottavi oitavo oitavos achtste attondel"
    " attondelar",
    9: "noveno novenos neuvieme neuviemes neuntel nono noni nonos negende niondel niondelar",
    10: "decimo decimos dixieme dixiemes zehntel decimi tiende tiondel tiondelar",
}
_WEAK = (
    "zero one once due elf sei um un uno eins een ett bir jeden media quart quarts"
    " quarto null nul tiers один एक واحد ایک"
)


def _foreign() -> dict[str, int]:
    found: dict[str, int] = {}
    for words in _FOREIGN.values():
        for n, word in enumerate(folded(words).split()):
            found.setdefault(word, n if n <= 20 else 10 * (n - 18))
    found |= _glued(("ein zwei drei vier funf sechs sieben acht neun"), "und", "de")
    found |= _glued(("een twee drie vier vijf zes zeven acht negen"), "en", "nl")
    units = word_list("uno due tre quattro cinque sei sette otto nove")
    for ten, stem in enumerate(
        ["vent", "trent", "quarant", "cinquant", "sessant", "settant", "ottant", "novant"]
    ):
        last = "i" if ten == 0 else "a"
        for n, unit in enumerate(units, 1):
            joined = stem + ("" if unit in ("uno", "otto") else last) + unit
            found.setdefault(joined, 10 * (ten + 2) + n)
    for n, unit in enumerate(
        ["uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"], 1
    ):
        found.setdefault(f"veinti{unit}", 20 + n)
    return found


def _glued(units: str, between: str, language: str) -> dict[str, int]:
    """`siebenundzwanzig`: the unit, "and", the ten, in one word."""
    tens = folded(_FOREIGN[language]).split()[20:]
    return {
        f"{unit}{between}{ten}": 10 * at + n
        for at, ten in enumerate(tens, 2)
        for n, unit in enumerate(units.split(), 1)
    }


_ENGLISH = word_set("on sex set")
"""Words of other languages that English says far too often."""
FOREIGN: dict[str, int] = {
    word: n for word, n in _foreign().items() if word not in CARDINALS and word not in _ENGLISH
}
FOREIGN_PARTS: dict[str, int] = {
    word: n
    for n, words in _FOREIGN_PARTS.items()
    for word in folded(words).split()
    if word not in PARTS
}
WEAK: frozenset[str] = word_set(_WEAK)
AND = frozenset(("and", "y", "e", "et", "och", "und", "en"))
"""Words between a ten and its unit, or before the fraction of a mixed number."""
POINTS = frozenset(("point", "dot", "punto", "coma", "virgule", "komma", "virgola", "virgula"))
MINUS = word_set("minus negative menos moins meno минус")
OVER = frozenset(("over", "sur", "uber", "sobre"))
PERCENT = frozenset(("percent", "prozent", "procent"))
CHINESE = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
CHINESE_SCALES = {"十": 10, "百": 100, "千": 1000}


def roman(value: int) -> str:
    """A whole number from 1 to 3,999 in Roman numerals; an empty text else.

    >>> roman(14), roman(4000)
    ('XIV', '')
    """
    if not 0 < value < 4000:
        return ""
    out = ""
    for size, sign in (
        (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
        (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ):  # fmt: skip
        out += sign * (value // size)
        value %= size
    return out
