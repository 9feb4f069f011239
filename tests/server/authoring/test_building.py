"""A build is the same wherever it runs, refuses open errors, and its file is known by its hash."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engines.exercises.course import BadCourse
from server.authoring.building import OpenErrors, built
from server.authoring.checking import checked
from server.authoring.compiled import map_path, opened
from server.authoring.starter import started

ROOT = Path(__file__).parents[3]
COURSES = ROOT / "server" / "courses"
SOURCES = COURSES / "linear-equations"
COMPILED = COURSES / "linear-equations.json"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "linear-equations.json"
    return built(checked(SOURCES, strict=True), out)


def test_the_committed_course_is_what_its_sources_build(shipped):
    assert shipped.path.read_bytes() == COMPILED.read_bytes()
    assert map_path(shipped.path).read_bytes() == map_path(COMPILED).read_bytes()


def test_a_build_elsewhere_in_another_locale_and_hash_seed_is_byte_equal(tmp_path):
    here = tmp_path / "here"
    shutil.copytree(SOURCES, here)
    for path in (here / "items").iterdir():
        if path.name[:2] not in ("01", "08"):  # a unit in two languages, and one of widgets
            path.unlink()
    ours = built(checked(here), tmp_path / "here.json")
    copied = tmp_path / "ailleurs é"
    shutil.copytree(here, copied)
    for path in copied.rglob("*.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "server.cli", "content", "build", str(copied)]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--out", str(out), "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sha256"] == ours.sha256
    assert out.read_bytes() == ours.path.read_bytes()


def test_one_changed_character_is_another_version(tmp_path):
    folder = tmp_path / "small"
    started(folder, "small")
    before = built(checked(folder), tmp_path / "small.json").sha256
    path = folder / "items" / "01-first.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "# a note changes nothing\n", encoding="utf-8")
    assert built(checked(folder), tmp_path / "small.json").sha256 == before
    path.write_text(text.replace("Start at", "Begin at"), encoding="utf-8")
    assert built(checked(folder), tmp_path / "small.json").sha256 != before


def test_the_map_names_file_and_line_of_every_id(shipped):
    beside = json.loads(map_path(shipped.path).read_text(encoding="utf-8"))
    assert beside["sha256"] == shipped.sha256
    course = opened(shipped.path)
    assert set(beside["items"]) == {item.id for item in course.items}
    assert set(beside["skills"]) == {skill.id for skill in course.skills}
    for name, (file, line) in beside["items"].items():
        lines = (SOURCES / file).read_text(encoding="utf-8").splitlines()
        assert lines[line - 1].strip() == f"- id: {name}"


def test_no_path_and_no_time_gets_into_the_bytes(shipped):
    text = shipped.path.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert ".yaml" not in text


def test_altered_truncated_and_mapless_files(shipped, tmp_path):
    copy = tmp_path / "course.json"
    text = shipped.path.read_bytes()
    copy.write_bytes(text)
    assert opened(copy).sha256 == shipped.sha256
    shutil.copy(map_path(shipped.path), map_path(copy))
    assert opened(copy).sha256 == shipped.sha256
    copy.write_bytes(text.replace(b"CC-BY-4.0", b"CC-BY-5.0"))
    with pytest.raises(BadCourse, match=r"course\.json.*expected.*build it again"):
        opened(copy)
    copy.write_bytes(text[: len(text) // 2])
    with pytest.raises(BadCourse, match="expected"):
        opened(copy)
    map_path(copy).write_text("{}", encoding="utf-8")
    with pytest.raises(BadCourse, match="not a source map"):
        opened(copy)


def test_a_course_with_errors_is_not_built(tmp_path):
    folder = Path(__file__).parent / "faulty"
    out = tmp_path / "faulty.json"
    with pytest.raises(OpenErrors, match="nothing is built"):
        built(checked(folder), out)
    assert not out.exists()


def test_opening_a_course_reads_no_yaml():
    program = (
        "import sys; from pathlib import Path; import server.authoring.compiled as c;"
        f"c.opened(Path({str(COMPILED)!r}));"
        "sys.exit(any(name.startswith('ruamel') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert done.returncode == 0
