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
<label for="answer">Answer</label>
<input id="answer" autocomplete="off" spellcheck="false">
<button>Judge</button>
</form>
<div id="verdict" aria-live="polite"></div>
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
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; padding: .75rem 1rem; }
header label { display: flex; align-items: center; gap: .5rem; min-width: 0; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: .75rem 1.5rem; padding: 0 1rem; }
main > section { min-width: 0; }
h2, h3 { font-size: 1rem; margin: .25rem 0; }
input, select, button { font: inherit; min-height: 2rem; min-width: 0; max-width: 100%;
  box-sizing: border-box; }
#seed { width: 8rem; }
#console { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
#console input { flex: 1 1 12rem; }
#verdict { display: grid; gap: .75rem 1.5rem; margin: .75rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
dl { margin: 0; display: grid; gap: .25rem .75rem; grid-template-columns: max-content 1fr; }
dt { opacity: .75; }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; white-space: pre-line; }
ol { max-height: 14rem; overflow: auto; margin: 0; padding-inline-start: 1.5rem;
  overflow-wrap: anywhere; }
#pages { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: 1rem; padding: 1rem; }
#pages figcaption { font-weight: 600; margin-bottom: .25rem; }
#pages iframe { width: 100%; height: max(85vh, 44rem); border: 1px solid; box-sizing: border-box; }
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

const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** A value in words: the entries of a map each on a line, so that parts stand one by one. */
function inWords(value) {
  if (!isMap(value)) return Array.isArray(value) ? value.map(inWords).join(", ") : `${value}`;
  return Object.entries(value).map(([name, of]) => `${name}: ${inWords(of)}`).join("\\n") || "none";
}

function told([tag, { verdict, key, wrong, values }]) {
  const section = document.createElement("section");
  const head = document.createElement("h3");
  const { verdict: word, ...more } = verdict;
  head.textContent = `${tag}: ${word}`;
  const rows = Object.entries({ ...more, key, "wrong ways": wrong, values })
    .filter(([, value]) => value !== null && value !== "")
    .flatMap(([name, value]) => {
      const [term, said] = ["dt", "dd"].map((kind) => document.createElement(kind));
      term.textContent = name.replaceAll("_", " ");
      said.textContent = inWords(value);
      said.dir = "auto";
      return [term, said];
    });
  const list = document.createElement("dl");
  list.append(...rows);
  section.append(head, list);
  return section;
}

async function judge() {
  const judged = await posted("verdict", { response: at("answer").value });
  const found = judged.error ? [judged.error] : Object.entries(judged).map(told);
  at("verdict").replaceChildren(...found);
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
