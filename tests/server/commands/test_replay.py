"""`replay` and `refit` over a store: other models beside what was told, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocol import commands as cmd
from protocol import events as ev
from server.cli import main
from tests.streaming.test_session import answer, started
from tests.virtual import run
from tests.world import Learner, World, kill_all


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, list[float]]:
    """A store with four learners of six right answers: its URL, one session, its forecasts."""
    path = f"{tmp_path_factory.mktemp('replay')}/store.db"

    async def lessons() -> tuple[str, list[float]]:
        world = await World.begin(path=path)
        last = Learner(world)
        for _ in range(4):
            last = learner = await started(world)
            for n in range(6):
                await answer(learner, None if n != 4 else "-7")
                if n == 4:
                    await learner.send(cmd.ItemNext(learner.new_id()))
        await world.ownership.drain(0.0)
        await world.store.aclose()
        assert last.sid is not None
        return last.sid, [f.p_expected for f in last.of(ev.Feedback)]

    sid, told = run(lessons())
    kill_all()
    return f"sqlite:///{path}", sid, told


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_shipped_model_says_what_was_told(store, capsys) -> None:
    url, sid, told = store
    assert main(["replay", sid, "--store", url, "--model", "shipped", "--json"]) == 0
    *rows, summary = lines(capsys)
    assert [row["told"] for row in rows] == told
    assert [row["other"] for row in rows] == pytest.approx(told, abs=1e-12)
    assert [row["right"] for row in rows] == [True] * 4 + [False, True]
    assert summary["course"] == "sums"
    assert summary["told"] == pytest.approx(summary["shipped"])


def test_another_model_is_scored_beside_it(store, capsys) -> None:
    url, _, _ = store
    assert main(["replay", "--all", "--store", url, "--model", "item-mean"]) == 0
    out = capsys.readouterr().out
    assert "sums: 24 scored answers" in out
    assert "told " in out
    assert "item-mean " in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--all", "--model", "oracle"], "expected a model (shipped, elo"),
        (["s_nobody", "--model", "shipped"], "no session 's_nobody'"),
        (["s_nobody"], "no session 's_nobody'"),
        ([], "name one session, or say --all"),
    ],
)
def test_what_is_unknown_is_said(store, capsys, words, said) -> None:
    assert main(["replay", *words, "--store", store[0]]) in (1, 2)
    assert said in capsys.readouterr().err


def test_a_file_of_another_kind_is_no_model(store, capsys, tmp_path: Path) -> None:
    other = tmp_path / "other.tsp"
    other.write_bytes(b"hello")
    assert main(["replay", "--all", "--store", store[0], "--model", str(other)]) == 1
    assert "expected fitted parameters" in capsys.readouterr().err


def test_too_few_answers_are_not_refitted(store, capsys) -> None:
    url, _, _ = store
    assert main(["refit", "--store", url, "--json"]) == 0
    (verdict,) = lines(capsys)
    assert (verdict["course"], verdict["learners"], verdict["answers"]) == ("sums", 4, 24)
    assert verdict["accepted"] is False
    assert verdict["why"] == "expected 30 learners and 1,000 scored answers at least"
    assert main(["refit", "--store", url, "--course", "nope"]) == 1
    assert "no answers on a course 'nope'; there are some on: sums" in capsys.readouterr().err
    assert main(["refit", "--store", "nowhere"]) == 2
