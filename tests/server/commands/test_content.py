"""`tutorstream content`: exit codes, what is printed where, and a whole author's day."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from server.cli import main

HERE = Path(__file__).parent
FAULTY = HERE.parent / "authoring" / "faulty"
OATUTOR = HERE.parent / "authoring" / "oatutor.jsonl"


def run(capsys, *words: object) -> tuple[int, str, str]:
    code = main(["content", *map(str, words)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_an_authors_day(tmp_path, capsys):
    folder = tmp_path / "my course"
    code, out, _ = run(capsys, "new", folder)
    assert code == 0
    assert "course.yaml" in out
    assert run(capsys, "check", folder, "--strict")[0] == 0
    code, out, _ = run(capsys, "build", folder, "--json")
    told = json.loads(out)
    assert code == 0
    assert Path(told["file"]) == tmp_path / "my course.json"
    assert Path(told["file"]).stat().st_size == told["size_bytes"]
    assert run(capsys, "check", folder / "course.yaml", "--since", told["file"])[0] == 0
    assert run(capsys, "new", folder)[0] == 2


def test_errors_are_printed_and_exit_with_one(tmp_path, capsys):
    code, out, err = run(capsys, "check", FAULTY)
    assert code == 1
    assert "items/b-broken.yaml:2:11: C101" in out
    assert "errors" in err
    code, out, _ = run(capsys, "check", FAULTY, "--json")
    assert code == 1
    assert json.loads(out)["errors"] > 20
    out_file = tmp_path / "x.json"
    code, out, err = run(capsys, "build", FAULTY, "--out", out_file)
    assert code == 1
    assert "nothing is built" in err
    assert not out_file.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["check", "no-such-folder"],
        ["build"],
        ["frobnicate"],
        ["import", "oatutor", "no-such-file.jsonl", "--out", "x"],
        ["check", "x", "--profile", "loose"],
    ],
)
def test_wrong_usage_exits_with_two_and_one_line(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_an_import_is_reported_and_never_overwrites(tmp_path, capsys):
    out_folder = tmp_path / "course"
    code, out, _ = run(capsys, "import", "oatutor", OATUTOR, "--out", out_folder)
    assert code == 0
    assert out.startswith("7 of 14 steps imported (50.0%)")
    assert "not imported: figure x1" in out
    report = json.loads((out_folder / "import-report.json").read_text(encoding="utf-8"))
    assert report["items"] == 7
    code, _, err = run(capsys, "import", "oatutor", OATUTOR, "--out", out_folder)
    assert code == 2
    assert "--force" in err
    again = run(capsys, "import", "oatutor", OATUTOR, "--out", out_folder, "--force", "--json")
    assert again[0] == 0
    assert json.loads(again[1])["items"] == 7
    assert run(capsys, "check", out_folder, "--profile", "imported")[0] == 0
    assert run(capsys, "check", out_folder, "--profile", "authored")[0] == 1
    assert run(capsys, "build", out_folder, "--out", tmp_path / "c.json")[0] == 0


def test_nothing_through_is_an_error_and_writes_nothing(tmp_path, capsys):
    source = tmp_path / "bad.jsonl"
    source.write_text("no\nproblems\n", encoding="utf-8")
    code, out, err = run(capsys, "import", "oatutor", source, "--out", tmp_path / "c")
    assert code == 1
    assert "not-json x2" in out
    assert "nothing came through" in err
    assert not (tmp_path / "c").exists()


def test_the_schema_is_one_and_takes_what_the_loader_takes(capsys, tmp_path):
    code, out, _ = run(capsys, "schema")
    assert code == 0
    schema = json.loads(out)
    Draft202012Validator.check_schema(schema)
    course: dict[str, Any] = {
        "course": "c",
        "version": "1.0.0",
        "title": {"en": "C"},
        "skills": [{"id": "s", "title": "S", "bkt": {"slip": 0.1}}],
        "items": [
            {
                "id": "i",
                "skills": ["s"],
                "params": {"a": {"int": [1, 9]}},
                "prompt": "?",
                "answer": {"kind": "number", "value": "a"},
            }
        ],
    }
    validator = Draft202012Validator(schema)
    assert validator.is_valid(course)
    course["items"][0]["promt"] = "?"
    assert not validator.is_valid(course)


def test_the_codes_are_listed(capsys):
    code, out, _ = run(capsys, "check", "--codes")
    assert code == 0
    assert "C303 E  two choices read the same" in out
    assert "C601 E  a formula that the page's renderer refuses" in out
    code, out, _ = run(capsys, "check", "--codes", "--json")
    assert json.loads(out)["codes"]["C104"][0] == "W"


def test_without_the_extra_the_fix_is_named(tmp_path):
    program = (
        "import sys; sys.modules['ruamel'] = None; sys.modules['ruamel.yaml'] = None\n"
        "from server.cli import main; sys.exit(main(['content', 'check', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(FAULTY)],
        cwd=HERE.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "tutorstream[authoring]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
