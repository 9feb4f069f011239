"""How each kind of field is written in TypeScript."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from msgspec import inspect

from protocol.typescript import _written, declarations


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (str, "string"),
        (bool, "boolean"),
        (int, "number"),
        (float, "number"),
        (Any, "unknown"),
        (str | None, "string | null"),
        (int | float | str, "number | string"),
        (Literal["a", "b"], '"a" | "b"'),
        (list[str], "string[]"),
        (list[str | None], "(string | null)[]"),
        (tuple[int, int], "[number, number]"),
        (dict[str, list[str]], "Record<string, string[]>"),
    ],
)
def test_a_field_is_written(kind, text):
    assert _written(inspect.type_info(kind)) == text


def test_a_type_the_wire_does_not_have_is_refused():
    with pytest.raises(TypeError, match="no TypeScript is known"):
        _written(inspect.type_info(bytes))


def test_names_of_the_wire_are_used_not_those_of_python():
    text = declarations()
    assert "readonly class: string;" in text
    assert "readonly from: string;" in text
    assert "class_" not in text
    assert "readonly span?: number;" in text
