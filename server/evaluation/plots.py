"""The page's five figures of one evaluation. This file puts each plot and its table together.

A few models stand out: the reference, ours, and the best of the others. The rest are thin and
grey; all are in the tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines.maths.bootstrap import Difference
from server.evaluation import curves
from server.evaluation.curves import Curve
from server.evaluation.figures import Plot, safe, spread, ticks
from server.evaluation.scores import Judged
from server.evaluation.table import signed

STANDING_OUT = 4
FAR = 4.0
"""The scale of the differences ends at so many times the third smallest of them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its id on the page, heading, what it says, the drawing, the table beside it."""

    name: str
    title: str
    caption: str
    svg: str
    rows: list[list[str]]


def styles(it: Judged) -> dict[str, str]:
    """A style a model: `a` the reference, `b` and on ours and the best others, `z` the rest."""
    by_loss = sorted(it.scores, key=lambda name: it.scores[name].log_loss)
    own = [entry.name for entry in reversed(it.entries) if entry.own and entry.name in it.scores]
    first = [it.reference, *(name for name in own if name != it.reference)]
    chosen = [*first, *(name for name in by_loss if name not in first)][:STANDING_OUT]
    found = dict(zip(chosen, "abcd", strict=False))
    return {name: found.get(name, "z") for name in it.scores}


def figures(it: Judged) -> list[Figure]:
    """All five; without the differences where the reference is alone."""
    first = [_differences(it)] if it.against else []
    return [*first, _roc(it), _calibration(it), _learning(it), _by_answer(it)]


def titles(it: Judged) -> dict[str, str]:
    """What each model is called."""
    return {entry.name: entry.title for entry in it.entries}


def _drawn_last_first(style: dict[str, str]) -> list[str]:
    """Grey below, the reference on top."""
    return sorted(style, key=lambda name: style[name], reverse=True)


def _legend(it: Judged, style: dict[str, str], more: str = "") -> str:
    """The models that stand out, with their line; the rest, where `style` has any, in one entry."""
    names = titles(it)
    shown = [(style[name], names[name]) for name in sorted(style, key=lambda n: style[n])]
    entries = [(code, title) for code, title in shown if code != "z"]
    if any(code == "z" for code, _ in shown):
        entries.append(("z", "the other models"))
    keys = "".join(
        f'<li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="line {code}" d="M1 5H33"/>'
        f"</svg>{safe(title)}</li>"
        for code, title in entries
    )
    return f'<ul class="legend">{more}{keys}</ul>'


# --- differences -------------------------------------------------------------------------------
def _differences(it: Judged) -> Figure:
    names = titles(it)
    order = sorted(it.against, key=lambda name: it.scores[name].log_loss)
    reference = names[it.reference]
    sides = (
        ("AUC: right of the line is better", [it.against[n].auc for n in order]),
        ("log-loss: left of the line is better", [it.against[n].log_loss for n in order]),
    )
    parts = [
        _forest(f"differences-{k}", words, [names[n] for n in order], values)
        for k, (words, values) in enumerate(sides)
    ]
    rows = [["model", f"AUC less that of {reference}", f"log-loss less that of {reference}"]]
    rows += [[names[n], signed(it.against[n].auc), signed(it.against[n].log_loss)] for n in order]
    caption = (
        f"Each model less {reference} on the same answers. Bars are 95 % intervals: learners are "
        "drawn with replacement 1,000 times. A filled dot has an interval clear of zero; an arrow "
        "stands for a model far beyond the scale."
    )
    drawn = f'<div class="pair">{"".join(parts)}</div>'
    return Figure("differences", f"Differences from {reference}", caption, drawn, rows)


def _forest(name: str, words: str, titles_: list[str], values: list[Difference]) -> str:
    high = 68 + 30 * len(values)
    sizes = sorted(abs(v.at) for v in values)
    near = [v for v in values if abs(v.at) <= FAR * sizes[:3][-1]]
    low, top = spread([x for v in near for x in (v.low, v.high)] + [0.0], 0.08)
    plot = Plot(low, top, 0.0, 1.0, 520, high, left=150, bottom=34, top=34, right=76)
    at = ticks(low, top, 4)
    plot.axes("", "", [(x, f"{x:+.3g}" if x else "0") for x in at], [])
    for x in at:
        style = "zero" if x == 0.0 else "grid"
        plot.parts.append(f'<path class="{style}" d="M{plot.x(x):.1f} 34V{high - 34}"/>')
    plot.text(plot.left, 20, words, "name")
    for k, (title, v) in enumerate(zip(titles_, values, strict=True)):
        y = plot.top + 30 * k + 15
        plot.text(plot.left - 8, y + 4, title, "row", "end")
        plot.text(plot.wide - 4, y + 4, f"{v.at:+.4f}", "row", "end")
        plot.parts.append(_whisker(plot, v, y))
    told = "; ".join(f"{t} {signed(v)}" for t, v in zip(titles_, values, strict=True))
    return plot.svg(name, words, told)


def _whisker(plot: Plot, v: Difference, y: float) -> str:
    """A dot with its interval, or an arrow where it lies beyond the scale."""
    if not plot.x0 <= v.at <= plot.x1:
        end, way = (plot.x(plot.x0), 1) if v.at < plot.x0 else (plot.x(plot.x1), -1)
        return f'<path class="whisker" d="M{end + 22 * way:.1f} {y}H{end:.1f}l{6 * way} -5m{-6 * way} 5l{6 * way} 5"/>'  # noqa: E501
    left, right = plot.x(max(v.low, plot.x0)), plot.x(min(v.high, plot.x1))
    return (
        f'<path class="whisker" d="M{left:.1f} {y}H{right:.1f}'
        f'M{left:.1f} {y - 5}v10M{right:.1f} {y - 5}v10"/>'
        f'<circle class="{"clear" if v.clear else "open"}" cx="{plot.x(v.at):.1f}" '
        f'cy="{y}" r="5"/>'
    )


# --- ROC ---------------------------------------------------------------------------------------
def _roc(it: Judged) -> Figure:
    style, names = styles(it), titles(it)
    plot = Plot(0.0, 1.0, 0.0, 1.0, 560, 520)
    fifths = [(k / 5, f"{k / 5:g}") for k in range(6)]
    plot.axes("share of wrong answers told likely", "share of right answers told likely",
              fifths, fifths)  # fmt: skip
    plot.line([0.0, 1.0], [0.0, 1.0], "chance")
    for name in _drawn_last_first(style):
        curve = curves.roc(it.right, it.forecasts[name])
        plot.line(curve.x, curve.y, style[name])
    told = ", ".join(f"{names[n]} {it.scores[n].auc:.4f}" for n in it.scores)
    svg = plot.svg("roc", "ROC curves", f"Areas under the curves: {told}.")
    rows = [["model", "AUC", "found at 5 % false", "at 10 %", "at 20 %", "at 50 %"]]
    for name in it.scores:
        x, y = _fine_roc(it, name)
        found = [f"{_at(x, y, share):.3f}" for share in (0.05, 0.1, 0.2, 0.5)]
        rows.append([names[name], f"{it.scores[name].auc:.4f}", *found])
    caption = (
        "Every threshold of a forecast at once: how many right answers it finds against how many "
        "wrong ones it takes for right. The area below is the AUC."
    )
    return Figure("roc", "ROC curves", caption, svg + _legend(it, style), rows)


def _fine_roc(it: Judged, name: str) -> tuple[list[float], list[float]]:
    curve = curves.roc(it.right, it.forecasts[name])
    return curve.x, curve.y


def _at(x: list[float], y: list[float], share: float) -> float:
    """The curve's height, between points by a line.

    >>> _at([0.0, 1.0], [0.0, 1.0], 0.25)
    0.25
    """
    for k in range(1, len(x)):
        if x[k] >= share:
            width = x[k] - x[k - 1]
            part = (share - x[k - 1]) / width if width > 0.0 else 1.0
            return y[k - 1] + part * (y[k] - y[k - 1])
    return y[-1]


# --- calibration -------------------------------------------------------------------------------
def _calibration(it: Judged) -> Figure:
    style, names = styles(it), titles(it)
    order = sorted(it.scores, key=lambda name: (style[name] == "z", it.scores[name].log_loss))
    panels = []
    rows = [["model", "forecast", "share right", "answers"]]
    for name in order:
        curve = curves.calibration(it.right, it.forecasts[name])
        panels.append(_panel(name, names[name], curve, it.scores[name].ece, style[name]))
        rows += [
            [names[name], f"{x:.3f}", f"{y:.3f}", f"{n:,}"]
            for x, y, n in zip(curve.x, curve.y, curve.n, strict=True)
        ]
    caption = (
        "Answers in 15 bins of their forecast: the share that went right (dots; on the diagonal "
        "where forecasts are honest) and how many there are (bars). ECE is the mean distance."
    )
    return Figure(
        "calibration", "Calibration", caption, f'<div class="panels">{"".join(panels)}</div>', rows
    )


def _panel(name: str, title: str, curve: Curve, ece: float, style: str) -> str:
    plot = Plot(0.0, 1.0, 0.0, 1.0, 300, 300, left=36, right=10, top=30, bottom=34)
    halves = [(k / 2, f"{k / 2:g}") for k in range(3)]
    plot.text(36, 18, f"{title} · ECE {ece:.4f}", "row")
    most = max(curve.n)
    for x, n in zip(curve.x, curve.n, strict=True):
        first = min(int(x * 15), 14) / 15
        plot.bar(first, 1 / 15, 60.0 * n / most, "bars")
    plot.axes("", "", halves, halves)
    plot.line([0.0, 1.0], [0.0, 1.0], "chance")
    style = "d" if style == "z" else style
    plot.line(curve.x, curve.y, style)
    plot.dots(curve.x, curve.y, style, 3.2)
    worst = max(
        zip(curve.x, curve.y, curve.n, strict=True), key=lambda bin_: abs(bin_[0] - bin_[1])
    )
    told = (
        f"Expected calibration error {ece:.4f}; farthest from the diagonal is forecast "
        f"{worst[0]:.2f}, where {worst[1]:.2f} of {worst[2]:,} answers were right."
    )
    return plot.svg(f"calibration-{name}", f"Calibration of {title}", told)


# --- learning curves ---------------------------------------------------------------------------
def _learning(it: Judged) -> Figure:
    style, names = styles(it), titles(it)
    learnt = curves.learning(it)
    x = [float(k) for k in learnt.opportunity]
    out = {name: code for name, code in style.items() if code != "z"}
    shown = _drawn_last_first(out)
    values = [*learnt.low, *learnt.high, *(v for n in shown for v in learnt.forecast[n])]
    low, high = spread(values)
    plot = Plot(x[0] - 0.4, x[-1] + 0.4, low, high, 640, 400)
    plot.axes(
        "a learner's answers on the same combination of skills", "share wrong",
        [(k, f"{k:g}") for k in x if len(x) < 12 or k == 1 or k % 5 == 0],
        [(v, f"{v:g}") for v in ticks(low, high)],
    )  # fmt: skip
    plot.area(x, learnt.low, learnt.high, "band")
    for name in shown:
        plot.line(x, learnt.forecast[name], style[name])
    plot.dots(x, learnt.observed, "seen", 3.6)
    svg = plot.svg(
        "learning", "Learning curves",
        f"Observed share wrong goes from {learnt.observed[0]:.3f} at the first answer to "
        f"{learnt.observed[-1]:.3f} at answer {learnt.opportunity[-1]}; lines are forecasts.",
    )  # fmt: skip
    rows = [["answer", "answers", "observed", "95 % interval", *(names[n] for n in it.scores)]]
    for k, nth in enumerate(learnt.opportunity):
        rows.append(
            [
                str(nth), f"{learnt.n[k]:,}", f"{learnt.observed[k]:.3f}",
                f"{learnt.low[k]:.3f}-{learnt.high[k]:.3f}",
                *(f"{learnt.forecast[n][k]:.3f}" for n in it.scores),
            ]
        )  # fmt: skip
    more = '<li><svg viewBox="0 0 34 10" aria-hidden="true"><circle class="dot seen" cx="17" cy="5" r="3.6"/></svg>observed, 95 % interval</li>'  # noqa: E501
    caption = (
        "Share of wrong answers at the first, second, ... answer on the same skills: what happened "
        "and what was forecast. Who answers more often is not everybody, so a curve is not one "
        "learner's."
    )
    return Figure("learning", "Learning curves", caption, svg + _legend(it, out, more), rows)


def _by_answer(it: Judged) -> Figure:
    style, names = styles(it), titles(it)
    by_name = curves.by_answer(it)
    some = next(iter(by_name.values()))
    groups = [curves.group_name(int(x)) for x in some.x]
    x = [float(k) for k in range(len(groups))]
    low, high = spread([v for curve in by_name.values() for v in curve.y], 0.04)
    plot = Plot(-0.3, x[-1] + 0.3, low, high, 640, 400)
    each = 1 + len(groups) // 9
    plot.axes(
        "number of a learner's answer", "log-loss",
        [(k, groups[int(k)]) for k in x if int(k) % each == 0],
        [(v, f"{v:g}") for v in ticks(low, high)],
    )  # fmt: skip
    for name in _drawn_last_first(style):
        plot.line(x, by_name[name].y, style[name])
    told = ", ".join(
        f"{names[n]} {c.y[0]:.3f} at the first, {c.y[-1]:.3f} from answer {c.x[-1]:g} on"
        for n, c in by_name.items()
    )
    svg = plot.svg("answers", "Log-loss by answer number", told + ".")
    rows = [["answer", "answers", *(names[n] for n in by_name)]]
    rows += [
        [group, f"{some.n[k]:,}", *(f"{c.y[k]:.4f}" for c in by_name.values())]
        for k, group in enumerate(groups)
    ]
    caption = (
        "How fast a model gets to know a learner: mean log-loss of the first answer, the second, "
        "and so on; groups of at least 30 answers. Less is better."
    )
    return Figure("answers", "Log-loss by answer number", caption, svg + _legend(it, style), rows)
