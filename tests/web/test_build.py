"""What `make web` made, and the wheel's refusal to go without it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hatch_build import NEEDED, PagesPresent

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "server" / "pages"


def hook(root: Path, target: str = "wheel") -> PagesPresent:
    return PagesPresent(str(root), {}, None, None, "", target)  # type: ignore[arg-type]  # it reads none of them


def test_a_wheel_without_its_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="run `make web` first"):
        hook(tmp_path).initialize("standard", {})
    hook(tmp_path).initialize("editable", {})
    hook(tmp_path, "sdist").initialize("standard", {})
    for name in NEEDED:
        file = tmp_path / "server/pages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    hook(tmp_path).initialize("standard", {})


def test_every_vendored_file_is_the_recorded_one() -> None:
    if not PAGES.is_dir():
        pytest.skip("the pages are not built: run `make web`")
    record = json.loads((PAGES / "vendor/vendor.json").read_text())
    for entry in record:
        body = (PAGES / "vendor" / entry["file"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == entry["sha256"], entry["file"]
        assert entry["version"]
        assert entry["license"]
    shipped = {p.relative_to(PAGES / "vendor").as_posix() for p in (PAGES / "vendor").rglob("*.*")}
    assert shipped == {entry["file"] for entry in record} | {"vendor.json"}


def test_the_lockfile_names_no_address_of_a_package() -> None:
    lock = json.loads((ROOT / "web/package-lock.json").read_text())
    packages = [entry for name, entry in lock["packages"].items() if name]
    assert [entry["resolved"] for entry in packages if "resolved" in entry] == []
    assert all(entry["integrity"].startswith("sha512-") for entry in packages)
