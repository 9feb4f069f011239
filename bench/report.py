"""A record as a table and as one self-contained page. This file draws the record's figures.

The page holds no script and loads nothing: it can be opened from a disk, mailed, and compared byte
by byte.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.record import verdict

COLOURS = ("#0b5cad", "#6b7280", "#b45309", "#9d174d")
DASHES = ("", "2 3", "7 3", "7 3 2 3")
WIDE, HIGH, EDGE = 720, 320, 48
ROWS: tuple[tuple[str, str], ...] = (
    ("p50 ms", "p50_ms"), ("p95 ms", "p95_ms"), ("p99 ms", "p99_ms"), ("worst ms", "worst_ms"),
    ("CPU us an answer", "cpu_us"), ("payload bytes an answer", "bytes_an_answer"),
    ("events an answer", "events_an_answer"), ("answers", "answers"), ("rounds", "rounds"),
    ("cuts", "cuts"), ("identical after them", "identical"), ("turns", "turns"),
    ("resumed live", "live_resumes"), ("by replay", "replay_resumes"),
    ("by snapshot", "snapshot_resumes"), ("cancelled", "cancelled"),
    ("ended by themselves first", "too_late"), ("deltas after the end", "late_deltas"),
    ("longest loop gap ms", "loop_gap_max_ms"), ("kernels compiled under load", "compiles"),
    ("RSS KB a learner", "rss_kb"), ("PSS KB a learner", "pss_kb"),
    ("idle loop gaps under ms", "idle_gap_under_ms"),
    ("first delta p50 ms", "first_p50_ms"), ("first delta worst ms", "first_worst_ms"),
    ("gap p50 ms", "gap_p50_ms"), ("gap p99 ms", "gap_p99_ms"), ("gap worst ms", "gap_worst_ms"),
    ("off the pace p50 ms", "jitter_p50_ms"), ("off the pace p99 ms", "jitter_p99_ms"),
    ("deltas a second", "deltas_a_s"), ("messages a second", "messages_a_s"),
    ("CPU us a delta", "delta_cpu_us"), ("deltas", "deltas"),
    ("texts unlike their digest", "texts_wrong"),
    ("overhead p50 ms", "overhead_p50_ms"), ("overhead p99 ms", "overhead_p99_ms"),
    ("held back p50 ms", "held_p50_ms"), ("held back p99 ms", "held_p99_ms"),
    ("outside p50 ms", "outside_p50_ms"), ("outside p99 ms", "outside_p99_ms"),
    ("cancel p99 ms", "cancel_p99_ms"), ("loop lag p99 ms", "loop_lag_p99_ms"),
    ("loop lag max ms", "loop_lag_max_ms"), ("CPU us a token", "cpu_us_a_token"),
    ("share of a core", "core_share"),
    ("answer p50 us", "answer_us"), ("answer p99 us", "answer_p99_us"),
    ("1,000 candidates us", "candidates_us"), ("their information us", "informed_us"),
    ("mastery of all skills us", "mastery_all_us"), ("react p50 us", "react_us"),
    ("react p99 us", "react_p99_us"), ("state bytes", "state_bytes"),
    ("formulas", "formulas"), ("share of them read", "read_share"),
    ("keys", "keys"), ("keys refused as typed", "keys_refused"),
    ("read and judged p50 us", "judged_us"), ("read and judged p99 us", "judged_p99_us"),
    ("worst us", "judged_worst_us"),
    ("AUC", "auc"), ("log-loss", "log_loss"), ("calibration error", "ece"),
    ("after 30 learners, calibrated", "late_ece"), ("uncalibrated", "late_ece_raw"),
    ("learners", "learners"), ("answers after 30 learners", "late_answers"),
    ("mean error, logits", "error"), ("RMSE, logits", "rmse"),
    ("sessions", "sessions"), ("turns completed", "turns_completed"),
    ("turns lost, with an end that says so", "turns_lost"), ("faults found", "faults"),
    ("logs that began anew", "resets"), ("slowest end of a lost turn ms", "lost_after_max_ms"),
    ("reconnects", "reconnects"), ("back p50 ms", "back_p50_ms"), ("back p99 ms", "back_p99_ms"),
    ("slowest back ms", "back_max_ms"), ("appends of an old owner refused", "fenced"),
    ("CPU us a return, nodes", "cpu_us_a_return"),
    ("CPU us a return, Redis", "redis_cpu_us_a_return"), ("failed on the way", "again"),
    ("not back", "not_back"), ("Redis commands a second", "redis_commands_a_s"),
    ("Redis bytes a second", "redis_bytes_a_s"), ("share of a core, Redis", "redis_cpu_share"),
    ("share of a core, node", "node_cpu_share"), ("RSS MB, node", "node_rss_mb"),
    ("RSS MB, Redis", "redis_rss_mb"), ("members", "members"),
    ("to the last member p50 ms", "last_p50_ms"), ("to the last member p99 ms", "last_p99_ms"),
    ("CPU us a member", "cpu_us_a_member"), ("Redis CPU us a member", "redis_cpu_us_a_member"),
    ("highest exposure", "exposure"), ("share inside the band", "in_band"),
)  # fmt: skip
PLOTTED = {"resume": "resumes that caught up", "cancel": "cancelled turns that ended",
           "llm": "first tokens, model's time taken off, seen from outside"}  # fmt: skip
"""What the curves of a scenario count, where that is not answers."""
Record = Mapping[str, Any]


def text_of(made: Record) -> str:
    """The record as JSON with a line end; keys in the record's own order."""
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def figure(value: Any) -> str:
    """One figure: a median with its rounds' least and greatest, or a plain number.

    >>> figure({"median": 2.5, "min": 1.0, "max": 3.0}), figure(7.0), figure(None)
    ('2.5 (1-3)', '7', '')
    """
    if isinstance(value, Mapping):
        return f"{value['median']:g} ({value['min']:g}-{value['max']:g})"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def rows(made: Record) -> list[list[str]]:
    """The summary as a table, heads included; a row that nobody has is left out."""
    summary = made.get("summary", {})
    found = [["", *summary]]
    for label, key in ROWS:
        if any(key in each for each in summary.values()):
            found.append([label, *(figure(each.get(key)) for each in summary.values())])
    return found


def ratio_lines(made: Record) -> list[str]:
    """Ours against each other server, with intervals."""
    return [
        f"ours / {name}, {key}: {r['ratio']:g} (95 % {r['low']:g}-{r['high']:g})"
        for name, each in made.get("ratios", {}).items()
        for key, r in each.items()
    ]


def notes(made: Record) -> list[str]:
    """What must be known to read the figures: n, runs, machine, arrivals, disturbances."""
    machine = made["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, {machine['python']}"
    pinned = "servers and load on a core each" if machine["pinned"] else "cores shared"
    pinned = made.get("placed", pinned)
    found = [
        f"{made['command']}   commit {made['commit'] or 'of the wheel'}",
        f"{where}; {pinned}",
        made.get("arrivals", ""),
    ]
    if made.get("flagged"):
        found.append(
            f"{made['flagged']} windows are flagged: others took over 10 % of the machine in them"
        )
    return [line for line in found if line]


def table(made: Record, earlier: Record | None = None) -> str:
    """The record for a terminal; with an earlier one, the change of each median."""
    cells = rows(made)
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w)
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    lines += ["", *ratio_lines(made), *notes(made)]
    if earlier is not None:
        lines += ["", *changes(made, earlier)]
    return "\n".join([*lines, verdict(made)]) + "\n"


def changes(made: Record, earlier: Record) -> list[str]:
    """Each median of this record beside an earlier one's; `*` where the rounds do not overlap."""
    found = [f"against commit {earlier.get('commit') or 'unknown'}:"]
    for name, each in made.get("summary", {}).items():
        before = earlier.get("summary", {}).get(name, {})
        for label, key in ROWS:
            new, old = each.get(key), before.get(key)
            if not isinstance(new, Mapping) or not isinstance(old, Mapping) or not old["median"]:
                continue
            apart = new["min"] > old["max"] or new["max"] < old["min"]
            change = (new["median"] / old["median"] - 1) * 100
            mark = " *" if apart else ""
            moved = f"{figure(old)} -> {figure(new)}, {change:+.1f} %{mark}"
            found.append(f"  {name}, {label}: {moved}")
    return found


# --- the page -------------------------------------------------------------------------------------


def curves(made: Record) -> dict[str, list[list[float]]]:
    """Per server the CDF of its median round by p99."""
    found: dict[str, list[list[float]]] = {}
    for name in made.get("summary", {}):
        mine = [r for r in made.get("rounds", []) if r.get("server") == name and r.get("cdf")]
        if mine:
            mine.sort(key=lambda r: r.get("feedback_ms", {}).get("p99", 0.0))
            found[name] = mine[len(mine) // 2]["cdf"]
    return found


def page(made: Record) -> str:
    """The record as one HTML page."""
    title = f"tutorstream bench: {made['scenario']}"
    parts = [
        f"<h1>{_safe(title)}</h1>",
        f'<p class="{"pass" if made["passed"] else "fail"}">{_safe(verdict(made))}</p>',
        _plot(
            curves(made),
            made["settings"].get("budget_ms", 100.0),
            PLOTTED.get(made["scenario"], "answers with feedback"),
        ),
        _table(rows(made), "All servers; median of the rounds (least-greatest)"),
        _stages(made),
        _list("Ratios", ratio_lines(made)),
        _list("Conditions", notes(made)),
        _list("Versions", [f"{k} {v}" for k, v in made["versions"].items()]),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1a202c;background:#fff;margin:2rem}"
    "main{max-width:62rem;margin:auto}table{border-collapse:collapse;margin:1rem 0}"
    "caption{text-align:left;font-weight:600}td,th{border:1px solid #cbd5e1;padding:.25rem .6rem;"
    "text-align:right}th:first-child{text-align:left}.pass{color:#14532d;font-weight:600}"
    ".fail{color:#991b1b;font-weight:600}svg{max-width:100%;height:auto}"
    "@media (prefers-color-scheme:dark){body{color:#e2e8f0;background:#0f172a}"
    ".pass{color:#86efac}.fail{color:#fca5a5}svg{background:#f8fafc}}"
)


def _safe(text: str) -> str:
    return html.escape(text)


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{_safe(line)}</li>" for line in lines)
    return f"<h2>{_safe(title)}</h2><ul>{items}</ul>"


def _table(cells: list[list[str]], caption: str) -> str:
    if len(cells) < 2:
        return ""
    heads = "".join(f'<th scope="col">{_safe(c)}</th>' for c in cells[0])
    lines = [
        f'<tr><th scope="row">{_safe(row[0])}</th>'
        + "".join(f"<td>{_safe(c)}</td>" for c in row[1:])
        + "</tr>"
        for row in cells[1:]
    ]
    return f"<table><caption>{_safe(caption)}</caption><tr>{heads}</tr>{''.join(lines)}</table>"


def _stages(made: Record) -> str:
    """Where our own answers' time went, from the frames' own clock, of the round in the middle."""
    name = next(iter(made.get("summary", {})), None)
    mine = [r for r in made.get("rounds", []) if r.get("server") == name and r.get("stages")]
    if not mine:
        return ""
    mine.sort(key=lambda r: r["feedback_ms"]["p99"])
    stages = mine[len(mine) // 2]["stages"]
    cells = [["stage, us", "n", "p50", "p95", "p99", "max"]]
    cells += [
        [stage, *(figure(each[k]) for k in ("n", "p50", "p95", "p99", "max"))]
        for stage, each in stages.items()
    ]
    return _table(cells, "Where the server's time went (store: the newest finished group commit)")


def _plot(series: Mapping[str, list[list[float]]], budget_ms: float, what: str) -> str:
    """The CDFs over a logarithmic axis of milliseconds, with the budget's line."""
    points = [ms for curve in series.values() for ms, _ in curve if ms > 0]
    if not points:
        return ""
    low = math.floor(math.log10(min(points)))
    high = math.ceil(math.log10(max(*points, budget_ms * 1.5)))

    def x(ms: float) -> float:
        share = (math.log10(max(ms, 10**low)) - low) / (high - low)
        return EDGE + share * (WIDE - 2 * EDGE)

    def y(p: float) -> float:
        return HIGH - EDGE - p * (HIGH - 2 * EDGE)

    parts = [
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="Share of {what} '
        f'after so many milliseconds; the figures stand in the table" font-size="12">'
    ]
    down = HIGH - EDGE + 16
    for power in range(low, high + 1):
        at = x(10.0**power)
        parts.append(
            f'<path d="M{at:.1f} {y(0):.1f}V{y(1):.1f}" stroke="#cbd5e1"/>'
            f'<text x="{at:.1f}" y="{down}" text-anchor="middle">{10.0**power:g} ms</text>'
        )
    parts.extend(
        f'<path d="M{EDGE} {y(p):.1f}H{WIDE - EDGE}" stroke="#e2e8f0"/>'
        f'<text x="{EDGE - 6}" y="{y(p) + 4:.1f}" text-anchor="end">{p * 100:g} %</text>'
        for p in (0.0, 0.5, 0.9, 1.0)
    )
    at = x(budget_ms)
    parts.append(
        f'<path d="M{at:.1f} {y(0):.1f}V{y(1):.1f}" stroke="#b91c1c" stroke-width="2"/>'
        f'<text x="{at:.1f}" y="{y(1) - 6:.1f}" text-anchor="middle" fill="#b91c1c">'
        f"{budget_ms:g} ms</text>"
    )
    for k, (name, curve) in enumerate(series.items()):
        path = "L".join(f"{x(ms):.1f} {y(p):.1f}" for ms, p in curve)
        colour, dash = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
        parts.append(
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/><text x="{EDGE + 8 + k * 150}" y="16" fill="{colour}">'
            f"{_safe(name)}</text>"
        )
    return "".join(parts) + "</svg>"
