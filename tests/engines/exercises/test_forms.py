from __future__ import annotations

import pytest

from engines.exercises.forms import form_named
from engines.exercises.reading import number_read

HELD = {
    "integer": ["3", "-3", "0", "+7", "1,234", "٣", "-٣", "−4", "(5)", "$6$", "007"],
    "lowest-terms": [
        "3/4", "-3/4", "4/3", "3", "0", "1 1/2", "-1 1/2", r"\frac{3}{4}", r"-\frac{3}{4}", "½",
        r"\frac{-3}{4}", "2½", "7/1", "(3/4)",
    ],
    "mixed": [
        "1 1/2", "-1 1/2", "2½", r"1\frac{1}{2}", "3", "0", "-4", "3/4", "-3/4", "12 3/5", "½",
    ],
    "decimal": ["0.75", ".75", "-0.5", "3", "3.0", "1,234.5", "٣٫٥", "0", "−1.25", "10.00"],
    "decimal(2)": [
        "0.75", ".75", "-0.50", "3.00", "1,234.50", "٣٫٥٠", "0.00", "−1.25", "10.00", "(2.25)",
    ],
    "any": ["3", "3/4", "6/8", "0.75", "75%", "1 1/2", "3.0", "3/-4", "7/1", "2.4*10^9"],
}  # fmt: skip
MISSED = {
    "integer": ["3.0", "3/1", "6/2", "300%", "1 1/2", "2+1", "9/3", "0.3*10^1", "½", "3!"],
    "lowest-terms": [
        "6/8", "0.75", "75%", "1 2/4", "1 3/2", "3/-4", "-6/8", r"\frac{6}{8}", "1/2 + 1/4",
        "(1/2)/2", "2/2", "10/5", "3*1/4",
    ],
    "mixed": [
        "3/2", "1.5", "1 2/4", "1 3/2", "150%", "-3/2", "6/8", r"\frac{3}{2}", "1 + 1/2", "2/2",
        "3/-4",
    ],
    "decimal": ["3/4", "75%", "1 1/2", "½", r"\frac{3}{4}", "0.5+0.25", "3/1", "2½", "2^2"],
    "decimal(2)": [
        "0.7", "0.750", "3", "3/4", "75%", "1 1/2", "½", "0.5+0.25", "10.0", "1,234",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("form", "text"), [(f, t) for f, many in HELD.items() for t in many])
def test_a_form_takes(form: str, text: str) -> None:
    assert form_named(form).holds(number_read(text))


@pytest.mark.parametrize(("form", "text"), [(f, t) for f, many in MISSED.items() for t in many])
def test_a_form_refuses(form: str, text: str) -> None:
    assert not form_named(form).holds(number_read(text))


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="decimal"):
        form_named("pretty")
