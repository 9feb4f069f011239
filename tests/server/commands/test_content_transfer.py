"""`content import` and `content export`: exit codes, reports, what is never overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.cli import main

HERE = Path(__file__).parent.parent / "transfer"
GIFT = HERE / "questions.gift"
EVERY_KIND = HERE / "course"


def run(capsys: Any, *words: object) -> tuple[int, str, str]:
    code = main(["content", *map(str, words)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_an_import_is_reported_and_checks_clean(tmp_path, capsys):
    out = tmp_path / "course"
    code, told, err = run(capsys, "import", "gift", GIFT, "--out", out)
    assert code == 0
    assert told.startswith("10 of 20 questions imported (50.0%) into")
    assert "not imported: essay x1: an essay or an upload" in told
    assert "give --license before the course is shared" in err
    assert json.loads((out / "import-report.json").read_text(encoding="utf-8"))["items"] == 10
    assert run(capsys, "check", out, "--profile", "imported")[0] == 0
    code, _, err = run(capsys, "import", "gift", GIFT, "--out", out)
    assert code == 2
    assert "--force" in err
    code, told, err = run(
        capsys, "import", "gift", GIFT, "--out", out, "--force", "--json",
        "--license", "CC0-1.0", "--title", "Halves", "--attribution", "A. Teacher",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert json.loads(told)["license"] == "CC0-1.0"
    head = (out / "course.yaml").read_text(encoding="utf-8")
    assert "course: halves\n" in head
    assert "license: CC0-1.0\n" in head
    assert "A. Teacher" in head


def test_nothing_through_is_an_error(tmp_path, capsys):
    source = tmp_path / "only.csv"
    source.write_text("prompt,value,kind\nWhy?,x,essay\n", encoding="utf-8")
    code, told, err = run(capsys, "import", "csv", source, "--out", tmp_path / "c")
    assert code == 1
    assert "0 of 1 questions imported (0.0%)\nnot imported: kind x1" in told
    assert err == "tutorstream content: nothing came through; nothing is written\n"
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["import", "gift", "none.gift", "--out", "c"], 2),
        (["import", "gift", GIFT, "--out", "c", "--locale", "English"], 2),
        (["import", "moodle", GIFT, "--out", "c"], 1),
        (["import", "qti", GIFT, "--out", "c"], 1),
        (["import", "csv", GIFT, "--out", "c"], 1),
        (["import", "anki", GIFT, "--out", "c"], 2),
        (["export", "csv", "none", "--out", "c.csv"], 2),
        (["export", "csv", EVERY_KIND, "--out", "c.csv", "--seeds", "0"], 2),
        (["export", "csv", EVERY_KIND, "--out", "."], 2),
        (["export", "qti", GIFT, "--out", "c.zip"], 1),
        (["export", "yaml", EVERY_KIND], 2),
    ],
)
def test_wrong_usage_is_one_line_with_a_fix(words, code, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, told, err = run(capsys, *words)
    assert (found, told) == (code, "")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_course_goes_out_with_a_report(tmp_path, capsys):
    out = tmp_path / "a" / "course.zip"
    code, told, _ = run(capsys, "export", "qti", EVERY_KIND, "--out", out, "--seeds", "2")
    assert code == 0
    assert f"{out}: 17 of 22 items as 22 questions" in told
    assert "not exported: tolerance x2" in told
    assert "lost: hints" in told
    first = out.read_bytes()
    code, _, err = run(capsys, "export", "qti", EVERY_KIND, "--out", out)
    assert code == 2
    assert "give --force" in err
    assert out.read_bytes() == first
    code, told, _ = run(
        capsys, "export", "qti", EVERY_KIND, "--out", out, "--seeds", "2", "--force", "--json"
    )
    assert code == 0
    assert json.loads(told)["questions"] == 22
    assert out.read_bytes() == first


def test_yaml_comes_back_with_its_version(tmp_path, capsys):
    out = tmp_path / "again"
    code, told, _ = run(capsys, "export", "yaml", EVERY_KIND, "--out", out, "--json")
    assert code == 0
    version = json.loads(told)["version"]
    code, told, _ = run(capsys, "export", "yaml", out, "--out", tmp_path / "third")
    assert code == 0
    assert f"version {version[:12]} as before" in told
    assert run(capsys, "export", "yaml", EVERY_KIND, "--out", out)[0] == 2


@pytest.mark.parametrize("words", [["import", "csv"], ["import", "qti"], ["export", "moodle"]])
def test_help_says_what_is_read_and_written(words, capsys):
    code, told, _ = run(capsys, *words, "--help")
    assert code == 0
    assert "--out" in told
    assert words[0] == "export" or "no licence is made up" in told
