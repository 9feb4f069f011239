"""`tutorstream eval`: figures, forecasts and page from a small simulated log; errors and codes."""

import csv
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.maths.verification import auc, calibration_error, log_loss
from server.cli import main
from server.commands.eval import run as run_command
from tests.engines.classical.logs import simulated

CHEAP = "item-mean,elo,pfa,recency"


def run(capsys, *words: object) -> tuple[int, str, str]:
    code = main(["eval", *map(str, words)])
    told = capsys.readouterr()
    return code, told.out, told.err


def untimed(table: str) -> str:
    """A table without its two columns of time, and without the room that they take."""
    return re.sub(r"\s+", " ", re.sub(r"\d+\.\d\d[* ] +\d+\.\d\s", "", table))


@pytest.fixture(scope="module")
def log_file(tmp_path_factory) -> Path:
    """A log of 60 learners; `order` goes up by tens, rows of learners are mixed."""
    log = simulated()
    rows = [
        (
            log.learners[log.learner[n]], 10 * int(log.place[n]) + 5, log.items[log.item[n]],
            log.combinations[log.combination[n]], int(log.right[n]), int(log.fold[n]),
        )
        for n in range(len(log))
    ]  # fmt: skip
    dice = np.random.Generator(np.random.PCG64(0))
    path: Path = tmp_path_factory.mktemp("logs") / "small.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user", "order", "item", "skill", "correct", "fold"])
        out.writerows(rows[k] for k in dice.permutation(len(rows)))
    return path


def test_figures_forecasts_and_page_agree(log_file, tmp_path, capsys):
    forecasts, page = tmp_path / "p.csv", tmp_path / "page.html"
    code, out, err = run(
        capsys, log_file, "--model", CHEAP, "--json", "--predictions", forecasts, "--report", page
    )
    assert code == 0
    told = json.loads(out)
    assert list(told["models"]) == ["item-mean", "pfa", "elo", "recency"]
    assert "1/4 item mean" in err
    assert told["answers"] == 480
    assert told["learners"] == 12
    rows = list(csv.DictReader(forecasts.read_text().splitlines()))
    assert list(rows[0]) == ["user", "order", "correct", "p", "model"]
    assert len(rows) == 4 * told["answers"]
    answers = {
        (row["user"], row["order"]): row["correct"]
        for row in csv.DictReader(log_file.read_text().splitlines())
    }
    text = page.read_text()
    for name, figures in told["models"].items():
        mine = [row for row in rows if row["model"] == name]
        assert all(answers[row["user"], row["order"]] == row["correct"] for row in mine)
        assert len({(row["user"], row["order"]) for row in mine}) == told["answers"]
        right = np.array([int(row["correct"]) for row in mine])
        p = np.array([float(row["p"]) for row in mine])
        assert auc(right, p) == figures["auc"]
        assert log_loss(right, p) == figures["log_loss"]
        assert calibration_error(right, p) == figures["ece"]
        assert f"{figures['auc']:.4f}" in text
        assert f"{figures['log_loss']:.4f}" in text
    assert set(told["differences"]) == {"item-mean", "pfa", "elo"}
    elo = told["differences"]["elo"]["log_loss"]
    losses = {name: each["log_loss"] for name, each in told["models"].items()}
    assert elo["at"] == pytest.approx(losses["elo"] - losses["recency"], abs=1e-12)
    assert elo["low"] <= elo["at"] <= elo["high"]


def test_the_table_marks_the_best_and_gzip_gives_the_same(log_file, tmp_path, capsys):
    zipped = tmp_path / "small.csv"  # known by its bytes, not by its name
    zipped.write_bytes(gzip.compress(log_file.read_bytes()))
    first = run(capsys, log_file, "--model", "elo", "--reference", "item-mean")
    again = run(capsys, zipped, "--model", "elo", "--reference", "item-mean")
    assert first[0] == again[0] == 0
    lines = first[1].splitlines()
    assert lines[0].startswith("small.csv: 480 answers of 12 learners (fold 0), fitted on 1,920")
    row = next(line for line in lines if line.startswith("Elo, ability + skill"))
    assert re.search(r"0\.\d{4}\*", row)
    assert re.search(r"[+-]0\.\d{4} \[[+-]0\.\d{4}, [+-]0\.\d{4}\]", row)
    assert untimed(first[1]) == untimed(again[1])


def test_one_model_alone_writes_no_model_column(log_file, tmp_path, capsys):
    forecasts = tmp_path / "p.csv"
    code, _, _ = run(
        capsys, log_file, "--model", "elo", "--reference", "elo", "--predictions", forecasts,
        "--report", tmp_path / "page.html",
    )  # fmt: skip
    assert code == 0
    assert forecasts.read_text().splitlines()[0] == "user,order,correct,p"
    assert "Differences" not in (tmp_path / "page.html").read_text()


def test_another_fold_is_another_test(log_file, capsys):
    told = [
        json.loads(run(capsys, log_file, "--model", "item-mean", "--reference", "item-mean",
                       "--json", "--test-fold", fold)[1])["models"]["item-mean"]["auc"]
        for fold in (0, 3)
    ]  # fmt: skip
    assert told[0] != told[1]


def test_what_is_kept_gives_the_same_figures(log_file, tmp_path, capsys):
    def figures() -> dict[str, Any]:
        words = (log_file, "--model", "bkt,irt,recency,quantum", "--cache", tmp_path, "--json")
        code, out, _ = run(capsys, *words)
        assert code == 0
        models: dict[str, Any] = json.loads(out)["models"]
        return models

    first, again = figures(), figures()
    for name, each in again.items():
        assert each["fit_s"] is None
        assert first[name]["fit_s"] >= 0.0
        assert {k: v for k, v in each.items() if k not in ("us", "fit_s")} == {
            k: v for k, v in first[name].items() if k not in ("us", "fit_s")
        }


def test_our_engine_fitted_here_equals_the_file_of_fit(log_file, tmp_path, capsys):
    words = ("--model", "quantum,final", "--json", "--seed", 2)
    code, out, _ = run(capsys, log_file, *words)
    assert code == 0
    here = json.loads(out)["models"]
    fitted = tmp_path / "fitted.tsp"
    fit = ["fit", str(log_file), "--out", str(fitted), "--kappa", "10", "--folds", "1,2,3,4"]
    assert main([*fit, "--seed", "2"]) == 0
    capsys.readouterr()
    code, out, _ = run(capsys, log_file, *words, "--params", fitted)
    assert code == 0
    there = json.loads(out)["models"]
    for name in ("quantum", "final"):
        assert there[name]["auc"] == pytest.approx(here[name]["auc"], abs=1e-9)
        assert there[name]["log_loss"] == pytest.approx(here[name]["log_loss"], abs=1e-9)
    code, _, err = run(capsys, log_file, "--model", "quantum", "--params", fitted, "--test-fold", 2)
    assert code == 1
    assert "expected parameters fitted without fold 2" in err
    assert "folds 1, 2, 3, 4 came" in err


def test_the_ablation_compares_what_differs_in_one_part(log_file, tmp_path, capsys):
    fewer = tmp_path / "fewer.csv"
    head, *rows = log_file.read_text().splitlines()
    fewer.write_text("\n".join([head, *(row for row in rows if len(row.split(",")[0]) == 2)]))
    words = (fewer, "--ablation", "--cache", tmp_path)
    code, out, _ = run(capsys, *words, "--json")
    assert code == 0
    told = json.loads(out)
    assert len(told["variants"]) == 6 * 4
    for each in told["variants"].values():
        assert 0.5 < each["auc"] < 1.0
    links = told["differences"]["links on - off: classical, d = 8"]["auc"]
    on = told["variants"]["classical, d = 8: with qubits and links"]["auc"]
    off = told["variants"]["classical, d = 8: with qubits"]["auc"]
    assert links["at"] == pytest.approx(on - off, abs=1e-12)
    same = told["differences"]["G alone: complex - real"]["log_loss"]
    assert same["low"] <= same["at"] <= same["high"]
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert f"{on:.4f}" in out
    assert "complex - classical of 16" in out


# --- errors ------------------------------------------------------------------------------------
def test_an_unknown_model_is_told_the_nearest(log_file, capsys):
    code, _, err = run(capsys, log_file, "--model", "recensy")
    assert code == 2
    assert "no model 'recensy', the nearest is 'recency'" in err
    assert run(capsys, log_file, "--reference", "elos")[0] == 2


def test_a_file_that_is_no_log_is_named(tmp_path, capsys):
    path = tmp_path / "x.csv"
    path.write_text("user,item,correct\na,b,1\n")
    code, _, err = run(capsys, path)
    assert code == 1
    assert "expected columns order, skill" in err
    code, _, err = run(capsys, tmp_path / "none.csv")
    assert code == 1
    assert "none.csv" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", 1, 1), ("b", 0, 2)], "expected learners in the test fold 0; folds 1, 2 came"),
        ([("a", 1, 0), ("b", 0, 0)], "expected learners in other folds to fit on; fold 0 alone"),
        ([("a", 1, 0), ("a", 0, 0), ("b", 1, 1)], "right and wrong answers to fit on; only 1 came"),
        (
            [("a", 1, 0), ("b", 1, 1), ("b", 0, 1)],
            "right and wrong answers of the test fold; only 1 came",
        ),
    ],
)
def test_a_log_that_cannot_be_judged_on_says_why(tmp_path, capsys, rows, expected):
    path = tmp_path / "x.csv"
    lines = [f"{user},{n},i,s,{right},{fold}" for n, (user, right, fold) in enumerate(rows)]
    path.write_text("\n".join(["user,order,item,skill,correct,fold", *lines]) + "\n")
    code, _, err = run(capsys, path, "--model", "elo")
    assert code == 1
    assert expected in err


def test_wrong_calls_exit_with_two(log_file, tmp_path, capsys):
    for words in (
        [log_file, "--test-fold", "5"],
        [log_file, "--report", tmp_path / "none" / "x.html"],
        [log_file, "--predictions", tmp_path],
        [log_file, "--seed", "-1"],
        [log_file, "--kappa", "-1"],
        [log_file, "--ablation", "--report", tmp_path / "x.html"],
        [],
    ):
        code, _, err = run(capsys, *words)
        assert code == 2
        assert err.strip()


def test_parameters_that_are_none_are_refused(log_file, tmp_path, capsys):
    path = tmp_path / "x.tsp"
    path.write_bytes(b"nothing of the kind")
    code, _, err = run(capsys, log_file, "--model", "quantum", "--params", path)
    assert code == 1
    assert "x.tsp: expected fitted parameters" in err


def test_help_names_every_model(capsys):
    from server.evaluation.registry import MODELS

    code, out, _ = run(capsys, "--help")
    assert code == 0
    for name, entry in MODELS.items():
        assert re.search(rf"^  {name} +{re.escape(entry.line)}$", out, re.M)
    assert callable(run_command)


# --- the page ----------------------------------------------------------------------------------
class Outline(HTMLParser):
    """What a page holds, and whether its tags close."""

    VOID = frozenset({"meta", "path", "rect", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_loads_nothing_closes_its_tags_and_describes_its_figures(
    log_file, tmp_path, capsys
):
    path = tmp_path / "page.html"
    run(capsys, log_file, "--model", CHEAP, "--report", path)
    text = path.read_text()
    outline = Outline()
    outline.feed(text)
    assert not outline.open
    tags = [tag for tag, _ in outline.seen]
    assert not {"script", "link", "img", "iframe", "image", "use"} & set(tags)
    assert "http" not in text
    assert "url(" not in text
    ids = [attrs["id"] for _, attrs in outline.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    figures = [attrs for tag, attrs in outline.seen if tag == "svg" and "aria-hidden" not in attrs]
    assert len(figures) == 2 + 1 + 4 + 1 + 1  # differences, ROC, a panel a model, two curves
    for attrs in figures:
        assert attrs["role"] == "img"
        title, description = str(attrs["aria-labelledby"]).split()
        assert re.search(rf'<title id="{title}">[^<]+</title><desc id="{description}">[^<]+', text)
    assert tags.count("table") == 1 + 5  # the scores, and one beside each figure
    for heading in ("Differences from Elo + recency", "ROC curves", "Calibration",
                    "Learning curves", "Log-loss by answer number"):  # fmt: skip
        assert f"{heading}</h2>" in text
    assert "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S).lower()


def test_names_out_of_a_log_are_text(log_file, tmp_path, capsys):
    path = tmp_path / "<b>&.csv"
    path.write_bytes(log_file.read_bytes())
    page = tmp_path / "page.html"
    assert run(capsys, path, "--model", "elo", "--report", page)[0] == 0
    assert "<b>" not in page.read_text()
    assert "&lt;b&gt;&amp;.csv" in page.read_text()
