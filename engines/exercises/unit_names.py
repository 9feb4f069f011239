"""What units are called, in symbols and in words, with their exact factors. This file is that list.

A factor is a text that `Fraction` reads, in the base unit of the dimension named beside it: metre,
kilogram, second, degree, kelvin, ampere, mole, candela, byte. `_` stands for a blank.
"""

from __future__ import annotations

NAMED: tuple[tuple[str, str, str, str], ...] = (
    # length
    ("m", "1", "length", "0"),
    ('in inch inches "', "127/5000", "length", "0"),
    ("ft foot feet '", "381/1250", "length", "0"),
    ("yd yds yard yards", "1143/1250", "length", "0"),
    ("mi mile miles", "201168/125", "length", "0"),
    ("nmi nautical_mile nautical_miles", "1852", "length", "0"),
    ("Å angstrom", "1/10000000000", "length", "0"),
    # mass
    ("g gr", "1/1000", "mass", "0"),
    ("t ton tons tonne tonnes", "1000", "mass", "0"),
    ("lb lbs pound pounds", "45359237/100000000", "mass", "0"),
    ("oz ounce ounces", "45359237/1600000000", "mass", "0"),
    ("st stone stones", "317514659/50000000", "mass", "0"),
    ("ct carat carats", "1/5000", "mass", "0"),
    # time
    ("s sec secs second seconds", "1", "time", "0"),
    ("min mins minute minutes", "60", "time", "0"),
    ("h hr hrs hour hours", "3600", "time", "0"),
    ("d day days", "86400", "time", "0"),
    ("wk week weeks", "604800", "time", "0"),
    ("month months mo", "1", "months", "0"),
    ("year years yr yrs", "12", "months", "0"),
    ("decade decades", "120", "months", "0"),
    ("century centuries", "1200", "months", "0"),
    # angle; a radian is no rational part of a turn
    ("° deg degree degrees", "1", "angle", "0"),
    ("' arcmin", "1/60", "angle", "0"),
    ('" arcsec', "1/3600", "angle", "0"),
    ("gon grad", "9/10", "angle", "0"),
    ("turn turns rev revolution revolutions", "360", "angle", "0"),
    ("rad radian radians", "1", "radians", "0"),
    # temperature: scales, and differences
    ("K kelvin kelvins", "1", "temperature", "0"),
    ("°C ° C celsius degree_Celsius degrees_Celsius", "1", "temperature", "5463/20"),
    ("deg degree degrees deg_C degree_C degrees_C", "1", "temperature", "5463/20"),
    ("°F F fahrenheit degree_Fahrenheit degrees_Fahrenheit", "5/9", "temperature", "45967/180"),
    ("deg_F degree_F degrees_F", "5/9", "temperature", "45967/180"),
    ("ΔK Δ°C", "1", "temperature_difference", "0"),
    ("Δ°F", "5/9", "temperature_difference", "0"),
    # volume and area
    ("L l", "1/1000", "length^3", "0"),
    ("cc", "1/1000000", "length^3", "0"),
    ("gal gallon gallons", "473176473/125000000000", "length^3", "0"),
    ("qt quart quarts", "473176473/500000000000", "length^3", "0"),
    ("pt pint pints", "473176473/1000000000000", "length^3", "0"),
    ("cup cups", "473176473/2000000000000", "length^3", "0"),
    ("fl_oz fluid_ounce fluid_ounces", "473176473/16000000000000", "length^3", "0"),
    ("tbsp tablespoon tablespoons", "473176473/32000000000000", "length^3", "0"),
    ("tsp teaspoon teaspoons", "157725491/32000000000000", "length^3", "0"),
    ("a are ares", "100", "length^2", "0"),
    ("ha hectare hectares", "10000", "length^2", "0"),
    ("acre acres", "316160658/78125", "length^2", "0"),
    # speed
    ("mph", "1397/3125", "length time^-1", "0"),
    ("kph kmh kmph", "5/18", "length time^-1", "0"),
    ("mps", "1", "length time^-1", "0"),
    ("fps", "381/1250", "length time^-1", "0"),
    ("kn knot knots", "463/900", "length time^-1", "0"),
    # electricity, amount, light, data
    ("A", "1", "current", "0"),
    ("mol mole moles", "1", "amount", "0"),
    ("cd candela", "1", "light", "0"),
    ("B byte bytes", "1", "data", "0"),
    ("bit bits", "1/8", "data", "0"),
    # money: a kind each
    ("$ USD dollar dollars US$", "1", "dollar", "0"),
    ("¢ cent cents", "1/100", "dollar", "0"),
    ("€ EUR euro euros", "1", "euro", "0"),
    ("ct cent cents", "1/100", "euro", "0"),
    ("£ GBP pound pounds quid", "1", "pound_sterling", "0"),
    ("p penny pence", "1/100", "pound_sterling", "0"),
    ("¥ JPY yen", "1", "yen", "0"),
    ("CNY RMB yuan 元", "1", "yuan", "0"),
    ("₹ INR rupee rupees", "1", "rupee", "0"),
    ("₽ RUB rouble roubles ruble rubles руб", "1", "rouble", "0"),
    ("₺ TRY TL lira", "1", "lira", "0"),
    ("₪ ILS shekel shekels", "1", "shekel", "0"),
    ("₩ KRW won", "1", "won", "0"),
    ("zł PLN", "1", "zloty", "0"),
    ("gr", "1/100", "zloty", "0"),
    ("kr krona kronor krone kroner SEK NOK DKK ISK", "1", "krona", "0"),
    ("öre øre", "1/100", "krona", "0"),
    ("CHF Fr franc francs Franken", "1", "franc", "0"),
    ("SAR riyal riyals ريال", "1", "riyal", "0"),
    ("EGP جنيه", "1", "egyptian_pound", "0"),
    ("AED dirham dirhams درهم", "1", "dirham", "0"),
    ("دينار JOD dinar dinars", "1", "dinar", "0"),
    # parts of a whole
    ("% percent percents", "1/100", "", "0"),
    ("‰", "1/1000", "", "0"),
    ("dozen dozens", "12", "", "0"),
)
"""Names, factor, dimension, and the zero of a scale in the base unit."""

DERIVED: tuple[tuple[str, str, str], ...] = (
    ("Hz", "1", "time^-1"),
    ("N", "1", "mass length time^-2"),
    ("Pa", "1", "mass length^-1 time^-2"),
    ("bar", "100000", "mass length^-1 time^-2"),
    ("atm", "101325", "mass length^-1 time^-2"),
    ("J", "1", "mass length^2 time^-2"),
    ("eV", "1602176634/10000000000000000000000000000", "mass length^2 time^-2"),
    ("cal", "523/125", "mass length^2 time^-2"),
    ("Wh", "3600", "mass length^2 time^-2"),
    ("W", "1", "mass length^2 time^-3"),
    ("C", "1", "current time"),
    ("V", "1", "mass length^2 time^-3 current^-1"),
    ("Ω", "1", "mass length^2 time^-3 current^-2"),
    ("F", "1", "mass^-1 length^-2 time^4 current^2"),
    ("T", "1", "mass time^-2 current^-1"),
    ("rpm", "1/60", "time^-1"),
)

PREFIXED = "m g t s L l K A mol cd B bit Hz N Pa bar J eV cal Wh W C V Ω F T"
"""Symbols that take the SI prefixes."""
EVERYDAY = frozenset(
    ["km", "dm", "cm", "mm", "kg", "mg", "mL", "ml", "cL", "cl", "dL", "dl", "kW", "kWh", "kJ"]
)
"""Of those with a prefix, the ones that are known in any case."""
PREFIXES = {
    "y": -24, "z": -21, "a": -18, "f": -15, "p": -12, "n": -9, "μ": -6, "u": -6, "m": -3, "c": -2,
    "d": -1, "da": 1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "Z": 21, "Y": 24,
}  # fmt: skip
PREFIX_WORDS = {
    "nano": -9, "micro": -6, "mikro": -6, "milli": -3, "mili": -3, "centi": -2, "zenti": -2,
    "deci": -1, "dezi": -1, "déci": -1, "deca": 1, "deka": 1, "hecto": 2, "hekto": 2, "kilo": 3,
    "mega": 6, "giga": 9, "tera": 12, "ملي": -3, "ميلي": -3, "سنتي": -2, "ديسي": -1, "كيلو": 3,
}  # fmt: skip
PREFIXED_WORDS: tuple[tuple[str, str], ...] = (
    ("m", "metre metres meter meters mètre mètres metro metros متر"),
    ("g", "gram grams gramme grammes Gramm gramo gramos غرام جرام"),
    ("L", "litre litres liter liters litro litros لتر"),
    ("s", "second seconds sekund sekunder"),
    ("Hz", "hertz"),
    ("N", "newton newtons نيوتن"),
    ("Pa", "pascal pascals"),
    ("J", "joule joules جول"),
    ("W", "watt watts واط"),
    ("A", "ampere amperes amp amps"),
    ("V", "volt volts"),
    ("Ω", "ohm ohms"),
    ("cal", "calorie calories"),
    ("B", "byte bytes"),
    ("Wh", "watt-hour watt-hours"),
)
"""A symbol and its words, in the languages of lessons, that take a prefix in words."""
SPOKEN: tuple[tuple[str, str], ...] = (
    ("s", "Sekunde Sekunden seconde secondes segundo segundos ثانية ث"),
    ("min", "Minute Minuten minuter minut minuto minutos دقيقة دقائق د"),
    ("h", "Stunde Stunden Std timme timmar tim heure heures hora horas ساعة ساعات س"),
    ("d", "Tag Tage dag dagar jour jours día días dia dias يوم أيام"),
    ("wk", "Woche Wochen vecka veckor semaine semaines semana semanas أسبوع أسابيع"),
    ("month", "Monat Monate månad månader mois mes meses شهر أشهر"),
    ("year", "Jahr Jahre år an ans año años سنة سنوات عام"),
    ("°", "grad Grad grader degré degrés grado grados درجة درجات"),
    ("m", "م"),
    ("cm", "سم"),
    ("mm", "مم ملم"),
    ("km", "كم"),
    ("g", "غ جم غم"),
    ("kg", "كغ كجم كغم kilo kilos Kilo"),
    ("L", "ل"),
    ("mL", "مل"),
    ("%", "Prozent procent pourcent"),
    ("USD", "دولار"),
    ("EUR", "يورو"),
)
"""A unit and further words for it."""
