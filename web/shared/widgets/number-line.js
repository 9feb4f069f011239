// A number line: one point, several, or an interval, by pointer, by arrow keys or typed. This file
// draws it and writes the answer as a text: `3/4`, `{1, 2}`, `[2, 5)`.

import { html, useLayoutEffect, useRef, useState } from "../../vendor/htm-preact.js";
import { defined, Says, WidgetElement } from "./element.js";
import { at, compare, float, labelEvery, placeAt, placeOf, read, scaleOf, share, shown, text, within } from "./numbers.js";

/** @typedef {import("./numbers.js").Ratio} Ratio */
/** @typedef {import("./numbers.js").Scale} Scale */
/** One end of an interval: `closed` where its value belongs to it; a null value has no end there. @typedef {{value: Ratio|null, closed: boolean}} End */

/** Steps of Page Up and Page Down. */
const FAR = 10;
/** Room of a label under the line, in pixels: for each of its signs, and beside it. */
const SIGN_PX = 8;
const BESIDE_PX = 14;
const MOST_TICKS = 120;
const INFINITY = "∞";
const ZERO = { n: 0n, d: 1n };

class NumberLine extends WidgetElement {
  /** Where the mark of a set is, before a point is put there. @type {Ratio|null} */
  cursor = null;

  turned() {
    this.cursor = null;
  }

  view() {
    const scale = scaleOf(this.widget);
    const props = { element: this, scale };
    if (this.widget.takes === "interval") return html`<${Interval} ...${props} />`;
    if (this.widget.takes === "points") return html`<${Points} ...${props} />`;
    return html`<${Point} ...${props} />`;
  }
}

/** @typedef {{element: NumberLine, scale: Scale}} Props */

/** @param {Props} props */
function Point({ element, scale }) {
  const value = read(element.response ?? "");
  const here = value ?? middle(scale);
  const put = (/** @type {Ratio} */ to) => element.tell(text(to));
  return html`<div class="widget number-line" role="group" aria-label=${element.name}>
    <${Line} scale=${scale} settled=${element.settled} onPlace=${put}>
      <${Thumb} scale=${scale} label="Point" value=${here} placed=${value !== null} settled=${element.settled} onMove=${put} onPress=${() => put(here)} />
    <//>
    <div class="typed"><${Typed} scale=${scale} label="Value" value=${value} settled=${element.settled} onValue=${put} />
      <p class="quiet" dir="auto">${value === null ? "Press the line, use the arrow keys, or type the value." : html`Point at <bdi dir="ltr">${shown(value)}</bdi>`}</p></div>
  </div>`;
}

/** @param {Props} props */
function Points({ element, scale }) {
  const points = pointsOf(element.response);
  const cursor = element.cursor ?? middle(scale);
  const move = (/** @type {Ratio} */ to) => {
    element.cursor = to;
    element.changed();
  };
  const turn = (/** @type {Ratio} */ value) => {
    element.cursor = value;
    const rest = points.filter((point) => compare(point, value) !== 0);
    const put = rest.length === points.length;
    element.tell(setOf(put ? [...rest, value] : rest));
    element.say(put ? `Point put at ${shown(value)}` : `Point at ${shown(value)} taken away`);
  };
  const there = points.some((point) => compare(point, cursor) === 0);
  return html`<div class="widget number-line" role="group" aria-label=${element.name}>
    <${Line} scale=${scale} settled=${element.settled} onPlace=${turn}>
      ${points.map((point) => html`<i key=${text(point)} class="point" style=${placed(scale, point)}></i>`)}
      <${Thumb} scale=${scale} label="Mark" value=${cursor} placed=${there} settled=${element.settled} cursor=${true}
        note=${there ? ", a point is here" : ", no point here"} onMove=${move} onPress=${() => turn(cursor)} />
    <//>
    <div class="typed">
      <${Adder} scale=${scale} settled=${element.settled} onValue=${turn} />
      ${points.length === 0 ? html`<p class="quiet" dir="auto">Press the line where a point belongs, or move the mark by arrow keys and put it by Space.</p>` : html`
      <ul class="chips" aria-label="Points">${points.map((point) => html`
        <li key=${text(point)}><bdi dir="ltr">${shown(point)}</bdi><button type="button" class="small icon" disabled=${element.settled} aria-label=${`Take away ${shown(point)}`} onClick=${() => turn(point)}>×</button></li>`)}</ul>`}
    </div>
    <${Says} />
  </div>`;
}

/** @param {Props} props */
function Interval({ element, scale }) {
  const told = endsOf(element.response);
  const [from, to] = told ?? [{ value: at(scale, Math.round(scale.count / 4)), closed: true }, { value: at(scale, Math.round((3 * scale.count) / 4)), closed: true }];
  const tell = (/** @type {End} */ left, /** @type {End} */ right) => element.tell(intervalOf(left, right));
  const moveFrom = (/** @type {Ratio} */ value) => tell({ ...from, value: to.value && compare(value, to.value) > 0 ? to.value : value }, to);
  const moveTo = (/** @type {Ratio} */ value) => tell(from, { ...to, value: from.value && compare(value, from.value) < 0 ? from.value : value });
  const place = (/** @type {Ratio} */ value) => {
    const nearFrom = from.value !== null && (to.value === null || Math.abs(float(value) - float(from.value)) <= Math.abs(float(value) - float(to.value)));
    if (nearFrom) moveFrom(value);
    else if (to.value !== null) moveTo(value);
  };
  const [low, high] = [from.value ?? scale.low, to.value ?? scale.high];
  const drawn = `inset-inline-start:${100 * share(scale, low)}%;inline-size:${100 * (share(scale, high) - share(scale, low))}%`;
  const ends = /** @type {const} */ ([["Left end", from, moveFrom, (/** @type {End} */ end) => tell(end, to), scale.low], ["Right end", to, moveTo, (/** @type {End} */ end) => tell(from, end), scale.high]]);
  return html`<div class="widget number-line interval" role="group" aria-label=${element.name}>
    <${Line} scale=${scale} settled=${element.settled} onPlace=${place}>
      <i class=${`stretch${told === null ? " unplaced" : ""}${from.value === null ? " no-low" : ""}${to.value === null ? " no-high" : ""}`} style=${drawn}></i>
      ${ends.map(([label, end, move, turn]) => end.value && html`<${Thumb} key=${label} scale=${scale} label=${label} value=${end.value} placed=${told !== null} hollow=${!end.closed}
        note=${end.closed ? ", included" : ", not included"} settled=${element.settled} onMove=${move} onPress=${() => turn({ ...end, closed: !end.closed })} />`)}
    <//>
    <div class="ends">${ends.map(([label, end, move, turn, edge]) => html`<fieldset key=${label}><legend>${label}</legend>
      <${EndKind} label=${label} end=${end} edge=${edge} settled=${element.settled} onEnd=${turn} />
      ${end.value !== null && html`<${Typed} scale=${scale} label=${`${label}, value`} value=${told === null ? null : end.value} settled=${element.settled} onValue=${move} />`}
    </fieldset>`)}</div>
    <p class="quiet" dir="auto">${told === null ? "Move an end, or type its value. Space on an end turns whether it is included." : intervalWords(from, to)}</p>
  </div>`;
}

/** How an interval ends. @param {{label: string, end: End, edge: Ratio, settled: boolean, onEnd: (end: End) => void}} props */
function EndKind({ label, end, edge, settled, onEnd }) {
  const kind = end.value === null ? "none" : end.closed ? "closed" : "open";
  const turn = (/** @type {any} */ event) => {
    const to = event.target.value;
    onEnd(to === "none" ? { value: null, closed: false } : { value: end.value ?? edge, closed: to === "closed" });
  };
  return html`<select aria-label=${`${label}, kind`} disabled=${settled} value=${kind} onChange=${turn}>
    ${[["closed", "included"], ["open", "not included"], ["none", "goes on for ever"]].map(([value, words]) => html`<option value=${value} selected=${value === kind}>${words}</option>`)}
  </select>`;
}

/**
 * The line with its ticks; a press on it places something. It runs from left to right in every language.
 * @param {{scale: Scale, settled: boolean, onPlace: (value: Ratio) => void, children?: any}} props
 */
function Line({ scale, settled, onPlace, children }) {
  const line = useRef(/** @type {HTMLElement|null} */ (null));
  const press = (/** @type {PointerEvent} */ event) => {
    const box = line.current?.getBoundingClientRect();
    if (box === undefined || settled || event.target instanceof HTMLElement && event.target.closest("[role=slider]")) return;
    onPlace(at(scale, placeAt(scale, (event.clientX - box.left) / box.width)));
  };
  const [width, setWidth] = useState(320);
  useLayoutEffect(() => {
    const drawn = line.current;
    if (drawn === null) return undefined;
    const watch = new ResizeObserver(() => setWidth(Math.max(1, drawn.clientWidth)));
    watch.observe(drawn);
    return () => watch.disconnect();
  }, []);
  const signs = Math.max(...[scale.low, scale.high, at(scale, scale.count - 1)].map((value) => text(value).length));
  const every = labelEvery(scale, Math.max(1, width / (SIGN_PX * signs + BESIDE_PX)));
  const zero = placeOf(scale, ZERO);
  const from = compare(at(scale, zero), ZERO) === 0 ? zero % every : 0; // 0 has a label where the line has it
  const labels = Array.from({ length: Math.floor((scale.count - from) / every) + 1 }, (_, n) => from + n * every);
  const ticks = Math.max(1, labelEvery(scale, MOST_TICKS));
  const places = Array.from({ length: Math.floor(scale.count / ticks) + 1 }, (_, n) => n * ticks);
  return html`<div class="line-box" dir="ltr" onClick=${press}>
    <div class="line" ref=${line}>
      ${places.map((place) => html`<i key=${place} class="tick" style=${placed(scale, at(scale, place))}></i>`)}
      ${labels.map((place) => html`<i key=${`t${place}`} class="tick long" style=${placed(scale, at(scale, place))}></i>`)}
      ${labels.map((place) => html`<span key=${`l${place}`} class="tick-label" aria-hidden="true" style=${placed(scale, at(scale, place))}>${shown(at(scale, place))}</span>`)}
      ${children}
    </div>
  </div>`;
}

/**
 * What is moved along a line, as a slider. `cursor` marks a place where something may be put.
 * @param {{scale: Scale, label: string, value: Ratio, placed: boolean, settled: boolean, hollow?: boolean, cursor?: boolean, note?: string,
 *   onMove: (value: Ratio) => void, onPress: () => void}} props
 */
function Thumb({ scale, label, value, placed: isPlaced, settled, hollow = false, cursor = false, note = "", onMove, onPress }) {
  const dragged = useRef(false);
  const place = placeOf(scale, value);
  const key = (/** @type {KeyboardEvent} */ event) => {
    const to = { ArrowRight: place + 1, ArrowUp: place + 1, ArrowLeft: place - 1, ArrowDown: place - 1, PageUp: place + FAR, PageDown: place - FAR, Home: 0, End: scale.count }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey || settled) return;
    if (event.key === " ") onPress();
    else if (to !== undefined) onMove(at(scale, Math.min(scale.count, Math.max(0, to))));
    else return;
    event.preventDefault();
  };
  const along = (/** @type {PointerEvent} */ event) => {
    const line = /** @type {HTMLElement} */ (event.currentTarget).parentElement;
    const box = line?.getBoundingClientRect();
    return box === undefined ? place : placeAt(scale, (event.clientX - box.left) / box.width);
  };
  const down = (/** @type {any} */ event) => {
    dragged.current = false;
    if (!settled) event.currentTarget.setPointerCapture(event.pointerId);
  };
  const move = (/** @type {any} */ event) => {
    if (settled || !event.currentTarget.hasPointerCapture(event.pointerId) || along(event) === place) return;
    dragged.current = true;
    onMove(at(scale, along(event)));
  };
  const press = (/** @type {Event} */ event) => {
    event.stopPropagation();
    if (!dragged.current && !settled) onPress();
  };
  const classes = ["thumb", isPlaced ? "" : "unplaced", hollow ? "hollow" : "", cursor ? "cursor" : ""].filter(Boolean).join(" ");
  return html`<div class=${classes} role="slider" tabindex="0" aria-label=${label} aria-disabled=${settled}
    aria-valuemin=${float(scale.low)} aria-valuemax=${float(scale.high)} aria-valuenow=${float(value)} aria-valuetext=${`${shown(value)}${note}${isPlaced || cursor ? "" : ", not placed yet"}`}
    style=${placed(scale, value)} onKeyDown=${key} onPointerDown=${down} onPointerMove=${move} onClick=${press}></div>`;
}

/** A value typed instead; it counts as soon as it is a number on the line. @param {{scale: Scale, label: string, value: Ratio|null, settled: boolean, onValue: (value: Ratio) => void}} props */
function Typed({ scale, label, value, settled, onValue }) {
  const [typing, setTyping] = useState(/** @type {string|null} */ (null));
  const wrong = typing !== null && typing.trim() !== "" ? unfit(scale, typing) : "";
  const type = (/** @type {any} */ event) => {
    const written = event.target.value;
    setTyping(written);
    const number = read(written);
    if (number !== null && within(scale, number)) onValue(number);
  };
  return html`<label class="typed-value"><span>${label}</span>
    <input type="text" dir="ltr" inputmode="text" autocomplete="off" spellcheck=${false} maxlength="40" readonly=${settled} aria-invalid=${wrong !== ""}
      value=${typing ?? (value === null ? "" : text(value))} onInput=${type} onBlur=${() => setTyping(null)} />
    ${wrong && html`<span class="unfit" role="alert">${wrong}</span>`}</label>`;
}

/** A value typed and added. @param {{scale: Scale, settled: boolean, onValue: (value: Ratio) => void}} props */
function Adder({ scale, settled, onValue }) {
  const [typing, setTyping] = useState("");
  const wrong = typing.trim() === "" ? "" : unfit(scale, typing);
  const number = read(typing);
  const add = () => {
    if (number === null || wrong !== "") return;
    onValue(number);
    setTyping("");
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || typing.trim() === "") return;
    event.preventDefault(); // what is typed is put first; a second Enter checks
    add();
  };
  return html`<label class="typed-value"><span>Value</span>
      <input type="text" dir="ltr" autocomplete="off" spellcheck=${false} maxlength="40" readonly=${settled} aria-invalid=${wrong !== ""} value=${typing}
        onInput=${(/** @type {any} */ event) => setTyping(event.target.value)} onKeyDown=${key} />
      ${wrong && html`<span class="unfit" role="alert">${wrong}</span>`}</label>
    <button type="button" class="small" data-act="put" disabled=${settled} onClick=${add}>Put</button>`;
}

/** Why what was typed is no place on the line; "" where it is one. @param {Scale} scale @param {string} written */
function unfit(scale, written) {
  const number = read(written);
  if (number === null) return /^[-+−]?$|[/.,]$/.test(written.trim()) ? "" : "A number is expected, such as 3/4";
  return within(scale, number) ? "" : `From ${shown(scale.low)} to ${shown(scale.high)}`;
}

/** @param {Scale} scale @param {Ratio} value */
function placed(scale, value) {
  return `inset-inline-start:${100 * share(scale, value)}%`;
}

/** Where a mark waits: at 0 where the line has it, else half-way. @param {Scale} scale */
function middle(scale) {
  return within(scale, ZERO) ? ZERO : at(scale, Math.round(scale.count / 2));
}

/** The points of `{1, 2}`. @param {any} response @returns {Ratio[]} */
export function pointsOf(response) {
  const found = /^\{(.*)\}$/.exec(typeof response === "string" ? response : "");
  return (found?.[1] ?? "").split(/[,;]/).flatMap((one) => read(one) ?? []);
}

/** @param {Ratio[]} points @returns {string|null} */
export function setOf(points) {
  if (points.length === 0) return null;
  return `{${[...points].sort(compare).map(text).join(", ")}}`;
}

/** The ends of `[2, 5)`; null where the text is no interval. @param {any} response @returns {[End, End]|null} */
export function endsOf(response) {
  const found = /^([[(])\s*([^,;]+)[,;]\s*([^,;]+)([\])])$/.exec(typeof response === "string" ? response : "");
  if (found === null) return null;
  const [, open = "", low = "", high = "", close = ""] = found;
  const end = (/** @type {string} */ written, /** @type {boolean} */ closed) => ({ value: read(written), closed });
  return [end(low, open === "["), end(high, close === "]")];
}

/** @param {End} from @param {End} to */
export function intervalOf(from, to) {
  const low = from.value === null ? `(-${INFINITY}` : `${from.closed ? "[" : "("}${text(from.value)}`;
  const high = to.value === null ? `${INFINITY})` : `${text(to.value)}${to.closed ? "]" : ")"}`;
  return `${low}, ${high}`;
}

/** @param {End} from @param {End} to */
function intervalWords(from, to) {
  const end = (/** @type {End} */ { value, closed }) => (value === null ? "without an end" : `${shown(value)}, ${closed ? "included" : "not included"}`);
  return `From ${end(from)}, to ${end(to)}.`;
}

defined("ts-number-line", NumberLine);
