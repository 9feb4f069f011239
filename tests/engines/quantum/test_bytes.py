"""A state as bytes: nothing is lost, nothing foreign is read, a resumed run is the unbroken one."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.quantum.scoring import Scoring
from engines.quantum.state import (
    from_bytes,
    pack,
    prepared,
    registers_of,
    rho_of,
    to_bytes,
    unpack,
)
from tests.engines.quantum.twin import answers_of, luck_of, problem, replaced

P = problem(1, 4, skills=8, slots=3)
HEAD, DENSITY = 16, 16 + 8 * 16


def lived(n: int = 20, seed: int = 2) -> np.ndarray:
    scoring = Scoring(P)
    x = scoring.fresh()
    scoring.answer_all(x, *answers_of(seed, P, n))
    return x


@given(st.integers(0, 60), st.integers(0, 99), st.sampled_from([1, 2, 4, 8]))
@settings(max_examples=60, deadline=None)
def test_what_was_written_is_read_bit_for_bit(n: int, seed: int, d: int) -> None:
    p = problem(seed, d)
    scoring = Scoring(p)
    x = scoring.fresh()
    scoring.answer_all(x, *answers_of(seed, p, n))
    data = to_bytes(x, p)
    assert from_bytes(data, p).tobytes() == x.tobytes()
    moved = registers_of(x, p)
    records = int(((moved[1] >= 0) | (moved[0] != p.register_start)).sum())
    assert len(data) == 16 + 8 * d * d + 16 * records


def test_a_run_resumed_at_any_cut_is_the_unbroken_run() -> None:
    scoring, whole = Scoring(P), lived(60)
    items, right = answers_of(2, P, 60)
    for cut in range(61):
        x = scoring.fresh()
        scoring.answer_all(x, items[:cut], right[:cut])
        x = from_bytes(to_bytes(x, P), P)
        scoring.answer_all(x, items[cut:], right[cut:])
        assert x.tobytes() == whole.tobytes()


def test_a_neighbour_moved_but_never_answered_survives() -> None:
    scoring = Scoring(P)
    item = next(i for i in range(P.n_items) if P.neighbours[P.combination[i], 0] >= 0)
    other = int(P.neighbours[P.combination[item], 0])
    x = scoring.fresh()
    scoring.answer(x, item, True)
    z, last = registers_of(x, P)
    assert last[other] == -1
    assert z[other] != P.register_start[other]
    z, last = registers_of(from_bytes(to_bytes(x, P), P), P)
    assert (z[other], last[other]) == (registers_of(x, P)[0][other], -1)


def test_the_layout_is_as_specified() -> None:
    x = lived()
    data = to_bytes(x, P)
    mark, d, n, t, crc = struct.unpack_from("<4sHHII", data)
    assert (mark, d, t, crc) == (b"TSQ1", 4, 20, P.crc)
    assert np.frombuffer(data, "<f8", 16, HEAD).tolist() == x[1:17].tolist()
    rows = [struct.unpack_from("<IId", data, DENSITY + 16 * at) for at in range(n)]
    assert len(data) == DENSITY + 16 * n
    z, last = registers_of(x, P)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    for skill, at, value in rows:
        assert value == z[skill]
        assert at == (last[skill] if last[skill] >= 0 else 0xFFFFFFFF)


def changed(at: int, form: str, value: object) -> bytes:
    data = bytearray(to_bytes(lived(), P))
    struct.pack_into(form, data, at, value)
    return bytes(data)


RECORD = struct.Struct("<IId")


def with_records(*rows: tuple[int, int, float]) -> bytes:
    data = bytearray(to_bytes(prepared(P), P))
    struct.pack_into("<HI", data, 6, len(rows), 9)
    return bytes(data) + b"".join(RECORD.pack(*row) for row in rows)


REFUSALS = {
    "the mark": b"TSQ2" + to_bytes(lived(), P)[4:],
    "a head of 16 bytes": b"TSQ1\x04\x00",
    "parameters": changed(12, "<I", P.crc ^ 1),
    "4 levels, got 5": changed(4, "<H", 5),
    "bytes for": to_bytes(lived(), P)[:-1],
    "bytes for 9 records": changed(6, "<H", 9),
    "finite numbers": changed(HEAD + 8 * 5, "<d", float("nan")),
    "finite numbers, got NaN": with_records((1, 2, float("inf"))),
    "a trace of 1": changed(HEAD, "<d", 0.9),
    "records by rising skill": with_records((2, 1, 0.1), (1, 2, 0.1)),
    r"records by rising skill, got \[1, 1\]": with_records((1, 1, 0.1), (1, 2, 0.1)),
    "skills below 8, got 8": with_records((8, 1, 0.1)),
    r"every \|z\| at most 1": with_records((1, 1, -1.0000001)),
    "last answers before t = 9, got 9": with_records((1, 9, 0.1)),
}


@pytest.mark.parametrize("message", REFUSALS)
def test_other_bytes_are_refused(message: str) -> None:
    with pytest.raises(ValueError, match=f"expected a state with .*{message}"):
        from_bytes(REFUSALS[message], P)


def test_the_records_made_here_are_readable_where_nothing_is_wrong() -> None:
    x = from_bytes(with_records((1, 2, 0.25), (3, 0xFFFFFFFF, -1.0)), P)
    z, last = registers_of(x, P)
    assert (z[1], last[1], z[3], last[3]) == (0.25, 2, -1.0, -1)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for given_bytes in (data, b"TSQ1" + data):
        with pytest.raises(ValueError, match="expected a state"):
            from_bytes(given_bytes, P)


def test_a_state_means_nothing_under_other_parameters() -> None:
    with pytest.raises(ValueError, match="expected a state with parameters"):
        from_bytes(to_bytes(lived(), P), replaced(P, kappa=0.4))


def test_a_packed_matrix_is_unpacked() -> None:
    luck = luck_of(3)
    for d in (1, 2, 5):
        a = luck.normal(size=(d, d)) + 1j * luck.normal(size=(d, d))
        rho = a @ a.conj().T
        assert np.abs(unpack(pack(rho)) - rho).max() <= 1e-15
    with pytest.raises(ValueError, match="expected d\\*d numbers, got 5"):
        unpack(np.zeros(5))


def test_a_fresh_state_is_the_preparation() -> None:
    x = Scoring(P).fresh()
    assert np.array_equal(rho_of(x, P), np.diag(P.start))
    z, last = registers_of(x, P)
    assert np.array_equal(z, P.register_start)
    assert (last == -1).all()
