"""`tutorstream fit`: writes the same bytes, goes on after a break, says what is wrong in a line."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engines.maths.verification import log_loss
from engines.quantum.fit import cascade
from engines.quantum.fit.coordinates import Design
from engines.quantum.fit.filtering import filtered
from engines.quantum.fit.nested import RESULT, Settings, plan
from server import fitting
from server.cli import main
from server.logs import read_responses
from tests.engines.quantum.fit.logs import drawn_log

QUICK = ["--levels", "4", "--kappa", "10"]


@pytest.fixture
def written(tmp_path):
    """A log as CSV, of 40 learners with 20 answers."""
    log = drawn_log(1)
    lines = ["user,order,item,skill,correct,fold"]
    lines += [
        f"{log.learners[log.learner[row]]},{row},{log.items[log.item[row]]},"
        f"{log.combinations[log.combination[row]]},{log.right[row]},{log.fold[row]}"
        for row in range(len(log))
    ]
    path = tmp_path / "drawn.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def fit(*words: object) -> int:
    return main(["fit", *map(str, words)])


def test_the_file_holds_what_was_said_and_two_runs_are_the_same_bytes(written, tmp_path, capsys):
    out, again = tmp_path / "a.tsp", tmp_path / "b.tsp"
    options = [*QUICK, "--folds", "1,2,3,4", "--seed", "3"]
    assert fit(written, "--out", out, *options, "--json") == 0
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert fit(written, "--out", again, *options) == 0
    assert out.read_bytes() == again.read_bytes()
    fitted = fitting.read_fitted(out)
    log = read_responses(written)
    assert (fitted.design, fitted.folds, fitted.seed) == ("Q4 at 10", (1, 2, 3, 4), 3)
    assert fitted.items == log.items
    assert facts["answers"] == fitted.item_answers.sum() == (log.fold != 0).sum()
    assert facts["crc"] == f"{fitted.parameters.crc:08x}"
    test = log.fold == 0
    p = filtered(fitted.parameters, fitted.rows_of(log))[1][test]
    assert facts["left_out"]["log_loss"] == pytest.approx(log_loss(log.right[test], p), abs=1e-12)
    lines = said.err.splitlines()
    assert lines[0] == "1/17 G on all"
    assert lines[-1].startswith("17/17 forecasts, ")
    assert "cross-fitted AUC" in capsys.readouterr().out


def test_a_broken_fit_goes_on_and_ends_in_the_same_bytes(written, tmp_path, capsys, monkeypatch):
    whole, broken = tmp_path / "whole.tsp", tmp_path / "broken.tsp"
    words = [written, *QUICK, "--folds", "1,2,3"]
    assert fit(*words, "--out", whole) == 0
    folder, kept = tmp_path / "results", fitting._store
    stored: list[str] = []

    def breaking(place, arrays):
        if len(stored) == 4:
            raise KeyboardInterrupt
        stored.append(place.name)
        kept(place, arrays)

    monkeypatch.setattr(fitting, "_store", breaking)
    assert fit(*words, "--out", broken, "--resume", folder) == 130
    assert not broken.exists()
    monkeypatch.setattr(fitting, "_store", kept)
    computed: list[int] = []
    for name in ("fit_g", "fit_registers"):
        monkeypatch.setattr(cascade, name, counted(getattr(cascade, name), computed))
    assert fit(*words, "--out", broken, "--resume", folder) == 0
    units = 3 + 1 + 3 + 4  # G with two folds out, none, one out; qubits
    assert len(computed) == units - 4
    assert broken.read_bytes() == whole.read_bytes()
    assert not list(folder.glob("*.part"))


def counted(loop: Any, calls: list[int]) -> Any:
    def run(*args: Any, **named: Any) -> Any:
        calls.append(1)
        return loop(*args, **named)

    return run


def test_a_folder_of_another_fit_is_refused(written, tmp_path, capsys):
    words = [written, "--out", tmp_path / "a.tsp", "--resume", tmp_path / "results", *QUICK]
    assert fit(*words, "--folds", "1,2,3") == 0
    capsys.readouterr()
    assert fit(*words, "--folds", "1,2,3", "--seed", "9") == 1
    assert "got another settings; take a new folder" in capsys.readouterr().err
    written.write_text(written.read_text().replace("u1,", "v1,"))
    assert fit(*words, "--folds", "1,2,3") == 1
    assert "got another logs" in capsys.readouterr().err
    assert fit(written, "--out", tmp_path / "b.tsp", "--resume", tmp_path, *QUICK) == 1
    assert "to be empty or to hold a fit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["LOG"], 2, "expected --out FILE, or --defaults"),
        (["LOG", "--out", "OUT", "--folds", "1,2"], 2, "three folds at least"),
        (["LOG", "--out", "OUT", "--kappa", "-1"], 2, "expected choose, or 0 and more"),
        (["LOG", "--out", "OUT", "--levels", "5"], 2, "expected levels of 3, 4, 8, got 5"),
        (["LOG", "--out", "nowhere/OUT"], 2, "expected a folder for --out"),
        (["absent.csv", "--out", "OUT"], 1, "absent.csv"),
        (["LOG", "LOG", "--out", "OUT"], 1, "names of their own"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(written, tmp_path, capsys, words, code, complaint):
    named = {"LOG": str(written), "OUT": str(tmp_path / "x.tsp")}
    assert fit(*(named.get(word, word) for word in words)) == code
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert complaint in said.err
    assert not (tmp_path / "x.tsp").exists()


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "x.tsp"
    path.write_bytes(b"something else")
    with pytest.raises(fitting.FitRefused, match=r"x\.tsp: expected fitted parameters"):
        fitting.read_fitted(path)


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_a_person_sees_one_bar_that_redraws_itself_with_the_time_left():
    units = plan(drawn_log(2), Settings((Design(4, pull=10.0, epochs=1),), (1, 2, 3)))
    screen = Screen()
    done = fitting.run(units, None, fitting.Progress(units, screen))
    assert np.isfinite(done[RESULT]["p"]).all()
    said = screen.getvalue()
    assert "\n" not in said
    assert re.search(r"\[#+ +\] 5/12 qubits on all +, \d+ s left", said)
    assert said.endswith("\r")


def test_two_logs_share_their_physics(written, tmp_path, capsys):
    other = tmp_path / "second.csv"
    other.write_text(written.read_text())
    out = tmp_path / "both.tsp"
    assert fit(written, other, "--out", out, "--basis", "classical", "--levels", "4") == 0
    fitted = fitting.read_fitted(out)
    assert fitted.combinations[0].startswith("drawn/")
    assert fitted.combinations[-1].startswith("second/")
    assert fitted.design == "C4"
    assert len(fitted.items) == 2 * len(read_responses(written).items)


def test_the_printed_defaults_are_a_module_with_these_numbers(written, tmp_path, capsys):
    other = tmp_path / "second.csv"
    other.write_text("\n".join(written.read_text().splitlines()[:400]) + "\n")
    assert fit(written, other, "--defaults", "--levels", "4") == 0
    names: dict[str, Any] = {}
    exec(capsys.readouterr().out, names)
    assert set(names["WITHOUT"]) == {"drawn", "second"}
    assert names["SHIPPED"].base.shape == (4,)
    assert replace(names["SHIPPED"]).transition.sum(axis=1) == pytest.approx(np.ones((2, 4)))
    p = names["parameters"](2, np.array([0, 1]), np.zeros(2), np.full((2, 1), -1), np.zeros((2, 1)))
    assert p.levels == 4
