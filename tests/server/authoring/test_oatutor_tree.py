"""The original layout is read: steps, pathways, skills, figures; steps that lean on one another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.authoring.checking import checked
from server.authoring.oatutor import imported_tree, read, report_of
from server.authoring.oatutor_tree import FILE_BYTES, Tree
from server.authoring.writing import folder_written
from server.transfer.landing import pictures_written
from tests.server.authoring.oatutor_problems import hint, items, made, problem, scaffold, step

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SAMPLE = Path(__file__).parents[4] / "shared" / "oatutor" / "raw"


def planted(folder: Path, *problems: dict[str, Any]) -> Path:
    """A content folder that holds these problems as the source lays them out."""
    skills = {}
    for each in problems:
        home = folder / "content-pool" / each["id"]
        (home / "steps").mkdir(parents=True)
        put(home / f"{each['id']}.json", {k: v for k, v in each.items() if k != "steps"})
        for one in each["steps"]:
            (home / "steps" / one["id"] / "tutoring").mkdir(parents=True)
            at = home / "steps" / one["id"]
            own = {k: v for k, v in one.items() if k not in ("tutoring", "knowledgeComponents")}
            put(at / f"{one['id']}.json", own)
            pathway = one["tutoring"]["DefaultPathway"]
            put(at / "tutoring" / f"{one['id']}DefaultPathway.json", pathway)
            skills[one["id"]] = one["knowledgeComponents"]
    put(folder / "skillModel.json", skills)
    return folder


def put(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def test_a_tree_gives_what_the_joined_file_gives(tmp_path):
    one = problem(step("p1a", "Say $$7$$.", "$$7$$", hint("Seven."), scaffold("Which?", "7", "h2")))
    done, listing = read(planted(tmp_path, one))
    assert items(done) == items(made(one))
    assert done.skipped.counts == {}
    assert listing.count(b"\n") == 3


def test_what_cannot_be_read_is_told(tmp_path):
    folder = planted(tmp_path, problem(step("p1a", "Say $$7$$.", "$$7$$")))
    pool = folder / "content-pool"
    (pool / "bad").mkdir()
    (pool / "bad" / "bad.json").write_text("{", encoding="utf-8")
    (pool / "p1" / "steps" / "p1b").mkdir()
    (pool / "big").mkdir()
    (pool / "big" / "big.json").write_bytes(b" " * (FILE_BYTES + 1))
    (pool / "led").symlink_to(pool / "p1")
    done = imported_tree(Tree(folder))
    assert done.count == 1
    assert done.skipped.first["not-json"] == ["bad", "big", "p1"]
    with pytest.raises(FileNotFoundError, match="content-pool"):
        Tree(tmp_path / "content-pool")


def test_a_figure_with_a_file_is_carried(tmp_path):
    shown = step("p1a", "How many? ##dots.png##", "$$7$$", hint("Count."))
    folder = planted(tmp_path / "t", problem(shown, title="Dots"))
    (folder / "content-pool" / "p1" / "figures").mkdir()
    (folder / "content-pool" / "p1" / "figures" / "dots.png").write_bytes(PNG)
    done = imported_tree(Tree(folder))
    (item,) = items(done).values()
    assert item["prompt"] == "How many?"
    (picture,) = item["media"]
    assert picture["alt"] == "Figure: Dots"
    assert done.notes.counts["figure-undescribed"] == 1
    folder_written(tmp_path / "c", done.head(), done.files(), force=False)
    pictures_written(tmp_path / "c", done.shown())
    assert (tmp_path / "c" / picture["file"]).read_bytes() == PNG
    found = checked(tmp_path / "c")
    assert found.report.errors == 0, found.report.text()


@pytest.mark.parametrize(("name", "body"), [("dots.gif", b"GIF89a"), ("dots.png", b"GIF89a")])
def test_a_figure_without_a_file_or_of_another_type_is_told(tmp_path, name, body):
    folder = planted(tmp_path, problem(step("p1a", f"How many? ##{name}##", "$$7$$")))
    assert imported_tree(Tree(folder)).skipped.counts == {"figure": 1}
    (folder / "content-pool" / "p1" / "figures").mkdir()
    (folder / "content-pool" / "p1" / "figures" / name).write_bytes(body)
    assert imported_tree(Tree(folder)).skipped.counts == {"figure": 1}


LEANING = problem(
    step("p1a", "Solve $$2x=6$$.", "$$x=3$$", hint("Halve both sides.")),
    step("p1b", "Double your answer from part (a).", "$$6$$", hint("Add it to itself.")),
    body="Work in two parts.",
)


def test_steps_that_ask_about_earlier_answers_are_parts_of_one_item():
    done = made(LEANING)
    (item,) = items(done).values()
    assert (done.steps, done.taken, done.count) == (2, 2, 1)
    assert item["id"] == "p1"
    assert item["prompt"] == "Work in two parts."
    assert [part["prompt"] for part in item["parts"]] == [
        "Solve $2x=6$.",
        "Double your answer from part (a).",
    ]
    assert [rung["level"] for rung in item["hints"]] == ["nudge", "point", "bottom-out"]
    assert item["hints"][-1]["say"] == "The answer is $x=3$.\n\nThe answer is $6$."
    assert done.notes.first["joined"] == ["p1a", "p1b"]


def test_parts_are_written_and_checked(tmp_path):
    done = made(LEANING)
    folder_written(tmp_path / "c", done.head(), done.files(), force=False)
    found = checked(tmp_path / "c")
    assert found.report.errors == 0, found.report.text()


def test_steps_that_do_not_lean_are_items_of_their_own():
    done = made(problem(step("p1a", "Say 1.", "1"), step("p1b", "In part, say 2.", "2")))
    assert sorted(items(done)) == ["p1a", "p1b"]


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="sample not present: ../shared/oatutor")
def test_the_original_layout_of_the_sample(tmp_path):
    done, listing = read(SAMPLE)
    report = report_of(done, SAMPLE, listing)
    assert (report["problems"], report["steps"]) == (60, 82)
    assert {reason: entry["count"] for reason, entry in report["not_imported"].items()} == {
        "figure": 7
    }
    folder_written(tmp_path / "c", done.head(), done.files(), force=False)
    found = checked(tmp_path / "c")
    assert found.report.errors == 0, found.report.text()
