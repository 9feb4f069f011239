"""The page of `content preview`: choosers, findings, verdicts, frames. This file is its text."""

from __future__ import annotations

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Preview</title>
<link rel="stylesheet" href="desk.css">
<script type="module" src="desk.js"></script>
</head>
<body>
<header>
<label>Item <select id="item"></select></label>
<label>Seed <input id="seed" type="number" min="0" max="4294967295" value="0"></label>
<button id="next" type="button">Next seed</button>
<button id="again" type="button">Begin again</button>
</header>
<main>
<section aria-labelledby="console-title">
<h2 id="console-title">Verdict</h2>
<form id="console">
<label>Answer <input id="answer" autocomplete="off" spellcheck="false"></label>
<button>Judge</button>
</form>
<pre id="verdict" aria-live="polite"></pre>
</section>
<section aria-labelledby="findings-title">
<h2 id="findings-title">Findings</h2>
<p id="trouble" role="status"></p>
<ol id="findings"></ol>
</section>
</main>
<div id="pages"></div>
</body>
</html>
"""

STYLE = """\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; padding: .75rem; align-items: center; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 0 1rem;
  padding: 0 .75rem; }
h2 { font-size: 1rem; margin: .25rem 0; }
input, select, button { font: inherit; min-height: 2rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; max-height: 14rem;
  overflow: auto; }
ol { max-height: 12rem; overflow: auto; margin: 0; padding-inline-start: 1.5rem; }
#pages { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: .75rem;
  padding: .75rem; }
#pages iframe { width: 100%; height: 70vh; border: 1px solid; }
"""

SCRIPT = """\
const at = (id) => document.getElementById(id);
let version = -1;
let shown = "";

function frames(state) {
  at("pages").replaceChildren(...state.pages.map(({ tag, url }) => {
    const figure = document.createElement("figure");
    figure.style.margin = 0;
    const caption = document.createElement("figcaption");
    caption.textContent = tag;
    const frame = document.createElement("iframe");
    frame.title = `The learner's page, ${tag}`;
    frame.src = `${url}preview/start`;
    figure.append(caption, frame);
    return figure;
  }));
}

function drawn(state) {
  const now = JSON.stringify([state.version, state.item, state.seed]);
  at("trouble").textContent = state.trouble;
  if (now === shown) return;
  shown = now;
  if (state.version !== version) {
    version = state.version;
    at("item").replaceChildren(...state.items.map((id) => new Option(id, id)));
    at("findings").replaceChildren(...state.findings.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
  }
  at("item").value = state.item;
  at("seed").value = state.seed;
  document.title = `${state.item} - preview`;
  frames(state);
  judge();
}

async function posted(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  return answer.json();
}

async function show(seed) {
  const state = await posted("show", { item: at("item").value, seed });
  if (state.error) at("trouble").textContent = state.error;
  else drawn(state);
}

const pairs = (of) => Object.entries(of).map(([name, value]) => `${name} = ${value}`).join(", ");

function told([tag, { verdict, key, wrong, values }]) {
  const said = Object.entries(verdict).filter(([, value]) => value !== null && value !== "");
  return [
    `${tag}: ${said.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ")}`,
    `  key ${JSON.stringify(key)}; wrong ways: ${pairs(wrong) || "none"}; ${pairs(values)}`,
  ].join("\\n");
}

async function judge() {
  const judged = await posted("verdict", { response: at("answer").value });
  at("verdict").textContent = judged.error ?? Object.entries(judged).map(told).join("\\n\\n");
}

at("item").addEventListener("change", () => show(0));
at("seed").addEventListener("change", () => show(Number(at("seed").value)));
at("next").addEventListener("click", () => show(Number(at("seed").value) + 1));
at("again").addEventListener("click", () => { shown = ""; look(); });
at("console").addEventListener("submit", (event) => { event.preventDefault(); judge(); });

async function look() {
  try {
    drawn(await (await fetch("state")).json());
  } catch {
    at("trouble").textContent = "The preview has ended.";
  }
}
look();
setInterval(look, 1000);
"""

START = """\
<!doctype html><meta charset="utf-8"><title>Preview</title><script src="start.js"></script>
"""
