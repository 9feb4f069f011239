"""What all tests share: their loops; in CI a skipped test is a failure; the folder of real data."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.virtual import pytest_asyncio_loop_factories, virtual

__all__ = ["pytest_asyncio_loop_factories", "virtual"]

# A busy machine is no defect: what has a speed is measured by the benchmarks.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
SHARED = ROOT.parent / "shared"


SLOW = (
    "bench",
    "models/test_actor_machine.py",
    "server/authoring/test_building.py",
    "server/authoring/test_checking.py",
    "server/commands",
    "server/test_doctor.py",
    "server/test_run.py",
    "server/test_stores.py",
    "streaming/providers",
    "streaming/test_attacks.py",
    "streaming/test_records_mongo.py",
    "streaming/test_screen.py",
    "test_readme.py",
    "web",
    "wire",
)
"""Files and folders whose tests begin programs or go over a whole corpus."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make check` leaves to CI."""
    slow = [TESTS / name for name in SLOW]
    for item in items:
        if any(path in (item.path, *item.path.parents) for path in slow):
            item.add_marker(pytest.mark.slow)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Stores of several nodes under the servers that tests start; run such a suite with -n 0."""
    parser.addoption("--store", help="mongodb://HOST/NAME instead of each test's own SQLite file")
    parser.addoption("--redis", help="redis://HOST, where the logs of such a store are")


def pytest_configure(config: pytest.Config) -> None:
    """Hand the options on to those who start servers."""
    for option in ("store", "redis"):
        if config.getoption(option):
            os.environ[f"TESTS_{option.upper()}"] = str(config.getoption(option))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run where tests that share a browser or a model would be spread over processes.

    `--dist loadgroup` tells the group behind an @, and where it does not it groups in silence
    nothing: every process then begins the browser anew for each of its few browser tests.
    """
    if getattr(session.config.option, "loadgroup", False):
        grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
        loose = [item.nodeid for item in grouped if "@" not in item.nodeid]
        if loose:
            raise RuntimeError(f"expected its group behind the name of {loose[0]}, got none")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where CI forbids it: what was not run was not proved."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real response logs and course content, outside the project; skips aloud."""
    if not SHARED.is_dir():
        pytest.skip("real data is not here: expected a folder 'shared' beside the checkout")
    return SHARED
