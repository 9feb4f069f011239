"""Numbers with units: read, converted exactly, asked for."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.grading import graded, key_spelled, reading
from engines.exercises.limits import ExpressionError
from engines.exercises.quantities import amount, quantity_read
from engines.exercises.template import instance
from engines.exercises.units import known_units, unit_named, units_of
from engines.words import AnswerSpec, Instance, Item, Misconception, Tolerance, UnitSpec


def asked(value: str, unit: UnitSpec, **answer: object) -> Instance:
    spec = AnswerSpec("number", value, unit=unit, **answer)  # type: ignore[arg-type] # by name
    wrong = (Misconception("tenfold", f"10*({value})", "Ten times too much."),)
    return instance(Item("i", ("s",), "How much?", spec, misconceptions=wrong), "", 0)


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("5 cm", "cm", "5"),
        ("5cm", "m", "1/20"),
        ("0.05 m", "cm", "5"),
        ("1 1/2 kg", "g", "1500"),
        ("½ h", "min", "30"),
        ("2 h 30 min", "min", "150"),
        ("2h30min", "h", "5/2"),
        ("1 m 20 cm", "cm", "120"),
        ("-1 h 30 min", "min", "-90"),
        ("5'3\"", "in", "63"),
        ("5 ft 3 in", "cm", "8001/50"),
        ("18 km/h", "m/s", "5"),
        ("5 m/s", "km/h", "18"),
        ("5 m s^-1", "km/h", "18"),
        ("5 metres per second", "km/h", "18"),
        ("60 mph", "km/h", "301752/3125"),
        ("5 m²", "cm^2", "50000"),
        ("5 cm2", "mm^2", "500"),
        ("2 square metres", "m^2", "2"),
        ("1 ha", "m^2", "10000"),
        ("3 L", "cm^3", "3000"),
        ("250 ml", "L", "1/4"),
        ("1 gal", "in^3", "231"),
        ("2 t", "kg", "2000"),
        ("1 lb", "g", "45359237/100000"),
        ("1 kWh", "J", "3600000"),
        ("3 N", "kg m/s^2", "3"),
        ("1 year", "months", "12"),
        ("$5", "$", "5"),
        ("5 $", "$", "5"),
        (r"\$5", "$", "5"),
        ("50 cents", "$", "1/2"),
        ("50 ct", "€", "1/2"),
        ("-€2.50", "€", "-5/2"),
        ("EUR 5", "€", "5"),
        ("5 pounds", "£", "5"),
        ("5 pounds", "kg", "45359237/20000000"),
        ("30°", "°", "30"),
        (r"30^\circ", "°", "30"),
        ("30 degrees", "°", "30"),
        ("30'", "°", "1/2"),
        ("20 °C", "°C", "20"),
        ("20 degrees", "°C", "20"),
        ("20 deg C", "°C", "20"),
        ("68 degrees F", "°C", "20"),
        ("68 °F", "°C", "20"),
        ("293.15 K", "°C", "20"),
        ("9 Δ°F", "ΔK", "5"),
        ("5 °C", "ΔK", "5"),
        (r"\frac{3}{4}\,\mathrm{kg}", "g", "750"),
        ("$5\\text{ cm}$", "cm", "5"),
        ("2.4E3 m", "km", "12/5"),
        ("2*10^3 m", "km", "2"),
        ("25%", "%", "25"),
        ("5 KM", "km", "5"),
        ("3 Stunden", "min", "180"),
        ("٣ كم", "m", "3000"),
        ("2 dozen", "dozen", "2"),
    ],
)
def test_a_quantity_is_converted_exactly(text: str, wanted: str, value: str) -> None:
    read = quantity_read(text, UnitSpec(wanted))
    assert read.named
    assert amount(read, unit_named(wanted)) == Fraction(value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("5 cm", "cm^2"), ("5 kg", "N"), ("$5", "€"), ("5 s", "m"), ("5 rad", "°"), ("5 °C", "J"),
     ("3 months", "d"), ("2 h 5 m", "min")],
)  # fmt: skip
def test_another_dimension_has_no_amount(text: str, wanted: str) -> None:
    assert amount(quantity_read(text, UnitSpec(wanted)), unit_named(wanted)) is None


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("5 cn", 3, "a unit as cm"),
        ("5 blobs", 3, "a unit as cm"),
        ("cm", 1, "a number"),
        ("", 1, "a number"),
        ("5 m 2", 6, "a unit"),
        ("5 m/", 3, "a unit as cm"),
        ("1 d 2 h 3 min 4 s 5 ms", 19, "too large"),
        ("3/ cm", 3, "a number"),
        ("x = 5 cm", 1, "the number alone"),
    ],
)
def test_what_is_no_quantity_is_told_with_its_column(text: str, column: int, expected: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        quantity_read(text, UnitSpec("cm"))
    assert refused.value.column == column
    assert expected in refused.value.reason or expected in str(refused.value)


def test_a_missing_unit_is_asked_for() -> None:
    drawn = asked("5", UnitSpec("cm"))
    verdict = graded(drawn, "5")
    assert (verdict.verdict, verdict.note, verdict.message) == ("wrong_form", "unit", "Which unit?")
    assert graded(drawn, 5).note == "unit"
    assert graded(drawn, "7").verdict == "incorrect"
    assert graded(asked("5", UnitSpec("cm", required=False)), "5").verdict == "correct"
    accepted = asked("500", UnitSpec("cm", accept=("m",)))
    assert graded(accepted, "5").note == "unit"  # of metres it would be right
    assert graded(asked("5", UnitSpec("cm"), form_policy="accept"), "5").verdict == "correct"
    assert graded(asked("5", UnitSpec("cm"), form_policy="require"), "5").verdict == "incorrect"


def test_a_wrong_dimension_is_wrong_and_a_fitting_unit_is_converted() -> None:
    drawn = asked("5", UnitSpec("cm"))
    verdict = graded(drawn, "5 kg")
    assert (verdict.verdict, verdict.note) == ("incorrect", "dimension")
    assert "5" not in verdict.message
    for text in ("5 cm", "0.05 m", "50 mm", "5 centimetres", "1/20 m"):
        assert graded(drawn, text).verdict == "correct", text
    assert graded(drawn, "5 m").verdict == "incorrect"
    assert graded(drawn, "0.5 m").misconception == "tenfold"
    assert graded(drawn, "5 cn").verdict == "unreadable"


def test_only_the_units_named_may_be_written_where_some_are_named() -> None:
    drawn = asked("500", UnitSpec("cm", accept=("m",)))
    assert graded(drawn, "5 m").verdict == "correct"
    assert graded(drawn, "5 metres").verdict == "correct"
    verdict = graded(drawn, "5000 mm")
    assert (verdict.verdict, verdict.note) == ("wrong_form", "unit")
    assert verdict.message == "Right value. Write it in cm."


def test_form_and_tolerance_hold_beside_the_unit() -> None:
    drawn = asked("3/4", UnitSpec("m"), form="decimal")
    assert graded(drawn, "0.75 m").verdict == "correct"
    assert graded(drawn, "3/4 m").verdict == "wrong_form"
    near = instance(
        Item("i", ("s",), "?", AnswerSpec("number", "10", unit=UnitSpec("m"),
                                          tolerance=Tolerance(abs="1/20"))), "", 0,
    )  # fmt: skip
    assert graded(near, "1004 cm").verdict == "correct"
    assert graded(near, "1006 cm").verdict == "incorrect"


def test_a_quantity_is_shown_back_in_its_language() -> None:
    drawn = asked("5/2", UnitSpec("km"))
    assert reading(drawn, "2,5 km", locale="sv")[0] == r"2{,}5\,\mathrm{km}"
    assert graded(drawn, "2,5 km", locale="sv").verdict == "correct"
    assert reading(asked("5", UnitSpec("$")), "$5")[0] == r"\$5"
    assert reading(asked("5", UnitSpec("°")), "5°")[0] == r"5^{\circ}"


@pytest.mark.parametrize("unit", ["cm", "km/h", "m^2", "°", "°C", "$", "€", "%", "kr", "h", "كم"])
def test_a_key_accepts_itself(unit: str) -> None:
    for value in ("5", "-3/4", "0.5"):
        for form in ("any", "decimal"):
            drawn = asked(value, UnitSpec(unit), form=form)
            for locale in ("en", "de", "ar"):
                typed = key_spelled(drawn, locale=locale)
                assert graded(drawn, typed, locale=locale).verdict == "correct", typed


def test_an_unknown_unit_is_no_item() -> None:
    with pytest.raises(ExpressionError, match="a unit as cm"):
        asked("5", UnitSpec("blob"))


@settings(max_examples=40)
@given(st.sampled_from(sorted(known_units())), st.fractions(max_denominator=99))
def test_every_unit_of_the_table_is_read_behind_a_number(name: str, value: Fraction) -> None:
    read = quantity_read(f"{value} {name}", UnitSpec(name))
    assert amount(read, unit_named(name)) == value


@settings(max_examples=40)
@given(st.text("0123456789 ./^-m²kghs°C$€%'\"\\{}", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert isinstance(units_of(text), tuple)
    drawn = asked("5", UnitSpec("m"))
    assert graded(drawn, text).verdict in ("correct", "incorrect", "wrong_form", "unreadable")
