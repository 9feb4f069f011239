"""One evaluation as one page of HTML that loads nothing. This file is that page.

It holds no script: it can be opened from a disk, mailed, and compared byte by byte.
"""

from __future__ import annotations

from server.evaluation import table
from server.evaluation.figures import safe
from server.evaluation.plots import Figure, figures
from server.evaluation.scores import Judged

STYLE = """
:root{color-scheme:light dark;--paper:#f5f3ee;--card:#fffefb;--ink:#1d2529;--soft:#566168;
--line:#e2ddd2;--edge:#87857b;--band:#1d252922;--bars:#e4ded0;--a:#1d2529;--b:#0d6b64;--c:#b4441a;
--d:#3b55b0;--z:#a9a598;--best:#e3f0ed}
@media (prefers-color-scheme:dark){:root{--paper:#14181b;--card:#1b2125;--ink:#e9e6df;
--soft:#a7b1b8;--line:#2e373d;--edge:#76828a;--band:#e9e6df22;--bars:#303a41;--a:#e9e6df;
--b:#63cfc2;--c:#f2a06f;--d:#9db3ff;--z:#5d686f;--best:#173330}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:17px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:1120px;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem}h2{font-size:1.2rem;margin:0 0 .3rem}
p{margin:.3rem 0 1rem;max-width:46rem}.soft,figcaption{color:var(--soft)}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;
padding:1.3rem 1.4rem;margin:1.2rem 0}
figure{margin:0}figcaption{max-width:46rem;margin:0 0 .9rem;font-size:.95rem}
svg{display:block;width:100%;height:auto;font-size:13px;fill:var(--ink)}
figure>svg{max-width:760px}#roc figure>svg{max-width:560px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:1rem}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,250px),1fr));gap:.9rem}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}
.line.a{stroke:var(--a);stroke-dasharray:7 3}.line.b{stroke:var(--b);stroke-width:2.8}
.line.c{stroke:var(--c)}.line.d{stroke:var(--d);stroke-dasharray:2 2.5}
.line.z{stroke:var(--z);stroke-width:1.2}
.panels .line{stroke-dasharray:none}.panels .line.d,.panels .dot.d{stroke:var(--soft)}
.panels .dot.d{fill:var(--soft)}
.line.chance{stroke:var(--edge);stroke-width:1;stroke-dasharray:3 4}
.dot{stroke:var(--card);stroke-width:1}.dot.a{fill:var(--a)}.dot.b{fill:var(--b)}
.dot.c{fill:var(--c)}.dot.d{fill:var(--d)}.dot.seen{fill:var(--ink)}
.band{fill:var(--band)}.bars{fill:var(--bars)}
.grid{stroke:var(--line);stroke-width:1;fill:none}.axis{stroke:var(--edge);fill:none}
.zero{stroke:var(--ink);stroke-width:1.2;fill:none}
.whisker{stroke:var(--soft);stroke-width:1.8;fill:none}.clear{fill:var(--b)}
.open{fill:var(--card);stroke:var(--soft);stroke-width:2}
.tick{fill:var(--soft);font-size:12px}.name{fill:var(--soft);font-size:13px}.row{font-size:13px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:.7rem 0 0;padding:0;
font-size:.9rem}.legend li{display:flex;align-items:center;gap:.5rem}
.legend svg{width:34px;flex:none}
.wide{overflow-x:auto}.wide:focus-visible,summary:focus-visible{outline:2px solid var(--b);
outline-offset:2px}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:.32rem .7rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
thead th{color:var(--soft);font-weight:600}
th:first-child,td:first-child{text-align:left}
td.best{font-weight:700;background:var(--best)}
details{margin-top:.9rem}summary{cursor:pointer;color:var(--soft)}details .wide{margin-top:.6rem;
max-height:26rem;overflow:auto}
@media (forced-colors:active){.line,.dot,.clear,.open{forced-color-adjust:none}}
@media print{section{break-inside:avoid}details:not([open])>*{display:none}}
"""


def page(it: Judged, name: str) -> str:
    """The whole page; `name` is the log's."""
    title = f"Forecasts of {name}"
    best = min(it.scores, key=lambda model: it.scores[model].log_loss)
    titles = {entry.name: entry.title for entry in it.entries}
    said = f"Least log-loss: {titles[best]}, {it.scores[best].log_loss:.4f}."
    against = it.against.get(best)
    if against is not None:
        said += (
            f" Against {titles[it.reference]}: AUC {table.signed(against.auc)}, "
            f"log-loss {table.signed(against.log_loss)}."
        )
    drawn = "\n".join(_section(figure) for figure in figures(it))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{safe(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{safe(title)}</h1>\n<p class="soft">{safe(table.heading(it, name))}</p>\n'
        f"<p>{safe(said)}</p>\n{_scores(it)}\n{drawn}\n</main>\n</body>\n</html>\n"
    )


def _scores(it: Judged) -> str:
    rows = [row[:-2] for row in table.cells(it)]
    caption = (
        "Answers of the test fold, each forecast before it is seen. AUC, accuracy: more is better; "
        "RMSE, log-loss, ECE: less. µs: one forecast, on this machine."
    )
    return (
        '<section aria-labelledby="scores"><h2 id="scores">Scores</h2>'
        f'<p class="soft">{safe(caption)}</p>{_table(rows, "Scores of every model")}</section>'
    )


def _section(figure: Figure) -> str:
    name = figure.name
    return (
        f'<section id="{name}-part" aria-labelledby="{name}-h"><h2 id="{name}-h">'
        f"{safe(figure.title)}</h2><figure>"
        f"<figcaption>{safe(figure.caption)}</figcaption>{figure.svg}</figure>"
        f"<details><summary>The numbers as a table</summary>"
        f"{_table(figure.rows, figure.title + ', as a table')}</details></section>"
    )


def _table(rows: list[list[str]], label: str) -> str:
    """A table in a part that scrolls by itself; figures marked best are bold and say so."""
    heads = "".join(f'<th scope="col">{safe(cell)}</th>' for cell in rows[0])
    lines = "".join(
        f'<tr><th scope="row">{safe(row[0])}</th>{"".join(map(_cell, row[1:]))}</tr>'
        for row in rows[1:]
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{safe(label)}"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    if text.endswith(table.MARK):
        return f'<td class="best" title="best of its column">{safe(text[:-1])}</td>'
    return f"<td>{safe(text)}</td>"
