// A plot whose numbers are set by sliders. This file draws it, with its figures in words, and writes
// the answer as the plot's expression with the values put in: `(1/2)*x + (-1)`.

import { Formula } from "../markup.js";
import { html, useLayoutEffect, useMemo, useRef, useState } from "../../vendor/htm-preact.js";
import { defined, WidgetElement } from "./element.js";
import { at, float, placeOf, read, scaleOf, shown, text, within } from "./numbers.js";
import { curveOf, filled, valuesIn } from "./plot.js";

/** @typedef {import("./numbers.js").Ratio} Ratio */
/** @typedef {import("./plot.js").Curve} Curve */
/** @typedef {{name: string, low: string, high: string, step: string, start: string, label?: string}} Slider */
/** @typedef {{plot: string, variable: string, sliders: Slider[], x: [string, string], y: [string, string], points?: [string, string][]}} Spec */
/** The part of the plane that is drawn. @typedef {{x: [number, number], y: [number, number]}} Span */

/** Places along x at which a curve is drawn. */
const SAMPLES = 160;
const MOST_LINES = 11;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
/** Room for the figures at the axes, in pixels. */
const EDGE = 26;
const NARROWEST = 220;
const WIDEST = 420;

let made = 0;

class SliderPlot extends WidgetElement {
  /** Names inside its drawing are its own, where two stand on one page. */
  inside = `plot-${(made += 1)}`;

  view() {
    return html`<${Plot} element=${this} spec=${this.widget} />`;
  }
}

/** @param {Spec} spec */
function namesOf({ sliders, variable }) {
  return [variable, ...sliders.map(({ name }) => name)];
}

/**
 * The values that stand in an answer, or those the sliders begin with.
 * @param {Spec} spec
 * @param {any} response
 * @returns {Record<string, Ratio>}
 */
function valuesOf(spec, response) {
  const names = spec.sliders.map(({ name }) => name);
  const told = typeof response === "string" ? valuesIn(spec.plot, response, names, namesOf(spec)) : null;
  return Object.fromEntries(spec.sliders.map((slider) => [slider.name, read(told?.[slider.name] ?? "") ?? read(slider.start) ?? scaleOf(slider).low]));
}

/** @param {Spec} spec @param {Record<string, Ratio>} values */
function answerOf(spec, values) {
  const put = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `(${text(value)})`]));
  return filled(spec.plot, put, namesOf(spec));
}

/** The answer before anything was moved. @param {Spec} spec */
export function started(spec) {
  return answerOf(spec, valuesOf(spec, null));
}

/** The plot as it stands, as LaTeX; its own products keep their sign. @param {Spec} spec @param {Record<string, Ratio>} values */
function texOf(spec, values) {
  const put = Object.fromEntries(Object.entries(values).map(([name, { n, d }]) => {
    const size = n < 0n ? -n : n;
    const tex = d === 1n ? `${size}` : `\\frac{${size}}{${d}}`;
    return [name, n < 0n ? `(-${tex})` : tex];
  }));
  return filled(spec.plot, put, namesOf(spec)).replace(/\*\*/g, "^").replace(/\*/g, " \\cdot ");
}

/** @param {{element: SliderPlot, spec: Spec}} props */
function Plot({ element, spec }) {
  const values = valuesOf(spec, element.response);
  const curve = useMemo(() => curveOf(spec.plot, namesOf(spec)), [spec]);
  const drawn = useMemo(() => lineOf(curve, spec, values), [curve, element.response]);
  const move = (/** @type {string} */ name, /** @type {Ratio} */ value) => element.tell(answerOf(spec, { ...values, [name]: value }));
  return html`<div class="widget slider-plot" role="group" aria-label=${element.name}>
    <${Picture} spec=${spec} curve=${drawn} inside=${element.inside} />
    <div class="sliders">
      <p class="equation"><${Formula} tex=${`y = ${texOf(spec, values)}`} /></p>
      ${spec.sliders.map((slider) => html`<${SliderRow} key=${slider.name} slider=${slider} value=${values[slider.name]} settled=${element.settled} onMove=${(/** @type {Ratio} */ value) => move(slider.name, value)} />`)}
      <${InWords} spec=${spec} curve=${drawn} />
    </div>
  </div>`;
}

/** The curve with its sliders' values in, of its variable alone. @param {Curve} curve @param {Spec} spec @param {Record<string, Ratio>} values @returns {(x: number) => number} */
function lineOf(curve, spec, values) {
  const floats = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, float(value)]));
  return (x) => curve({ ...floats, [spec.variable]: x });
}

/** @param {{slider: Slider, value: Ratio|undefined, settled: boolean, onMove: (value: Ratio) => void}} props */
function SliderRow({ slider, value, settled, onMove }) {
  const scale = scaleOf(slider);
  const here = value ?? scale.low;
  const [typing, setTyping] = useState(/** @type {string|null} */ (null));
  const number = typing === null ? here : read(typing);
  const wrong = typing !== null && typing.trim() !== "" && (number === null || !within(scale, number));
  const type = (/** @type {any} */ event) => {
    setTyping(event.target.value);
    const typed = read(event.target.value);
    if (typed !== null && within(scale, typed)) onMove(typed);
  };
  const label = slider.label ?? slider.name;
  const slide = (/** @type {any} */ event) => {
    if (settled) event.target.value = placeOf(scale, here);
    else onMove(at(scale, Number(event.target.value)));
  };
  return html`<div class="slider-row" role="group" aria-label=${label}>
    <span class="slider-name" aria-hidden="true">${label}</span>
    <input type="range" dir="ltr" min="0" max=${scale.count} step="1" value=${placeOf(scale, here)} aria-label=${label} aria-valuetext=${shown(here)} aria-disabled=${settled} onInput=${slide} />
    <input type="text" dir="ltr" class="figure" autocomplete="off" spellcheck=${false} maxlength="40" aria-label=${`${label}, typed`} aria-invalid=${wrong} readonly=${settled}
      value=${typing ?? text(here)} onInput=${type} onBlur=${() => setTyping(null)} />
    ${wrong && html`<span class="unfit" role="alert">From ${shown(scale.low)} to ${shown(scale.high)}</span>`}
  </div>`;
}

/** @param {Spec} spec @returns {Span} */
function spanOf({ x, y }) {
  const ends = (/** @type {[string, string]} */ [low, high]) => /** @type {[number, number]} */ ([float(read(low) ?? { n: -10n, d: 1n }), float(read(high) ?? { n: 10n, d: 1n })]);
  return { x: ends(x), y: ends(y) };
}

/** @param {{spec: Spec, curve: (x: number) => number, inside: string}} props */
function Picture({ spec, curve, inside }) {
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const [width, setWidth] = useState(320);
  useLayoutEffect(() => {
    const at = box.current;
    if (at === null) return;
    const watch = new ResizeObserver(() => setWidth(Math.min(WIDEST, Math.max(NARROWEST, at.clientWidth))));
    watch.observe(at);
    return () => watch.disconnect();
  }, []);
  const span = useMemo(() => spanOf(spec), [spec]);
  const height = Math.round(width * 0.72);
  const px = (/** @type {number} */ x) => EDGE + ((x - span.x[0]) / (span.x[1] - span.x[0])) * (width - EDGE - 8);
  const py = (/** @type {number} */ y) => 8 + ((span.y[1] - y) / (span.y[1] - span.y[0])) * (height - EDGE - 8);
  const [left, right, top, bottom] = [px(span.x[0]), px(span.x[1]), py(span.y[1]), py(span.y[0])];
  const zeroX = Math.min(right, Math.max(left, px(0)));
  const zeroY = Math.min(bottom, Math.max(top, py(0)));
  return html`<div class="picture" dir="ltr" ref=${box}>
    <svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} aria-hidden="true">
      <defs><clipPath id=${inside}><rect x=${left} y=${top} width=${right - left} height=${bottom - top} /></clipPath></defs>
      ${linesOf(span.x).map((x) => html`<path class="grid" d=${`M${px(x)} ${top}V${bottom}`} /><text x=${px(x)} y=${bottom + 16} text-anchor="middle">${figure(x)}</text>`)}
      ${linesOf(span.y).map((y) => html`<path class="grid" d=${`M${left} ${py(y)}H${right}`} /><text x=${left - 5} y=${py(y) + 4} text-anchor="end">${figure(y)}</text>`)}
      <path class="axis" d=${`M${zeroX} ${top}V${bottom}M${left} ${zeroY}H${right}`} />
      <path class="curve" clip-path=${`url(#${inside})`} d=${pathOf(curve, span, px, py)} />
      ${pointsOf(spec).map(([x, y]) => html`<circle class="target" cx=${px(float(x))} cy=${py(float(y))} r="6" />`)}
    </svg>
  </div>`;
}

/** @param {Spec} spec @returns {[Ratio, Ratio][]} */
function pointsOf({ points }) {
  return (points ?? []).flatMap(([x, y]) => {
    const [at, up] = [read(x), read(y)];
    return at === null || up === null ? [] : [/** @type {[Ratio, Ratio]} */ ([at, up])];
  });
}

/**
 * The curve as a path; where it has no value, or leaps over the whole height, the pen is lifted.
 * @param {(x: number) => number} curve
 * @param {Span} span
 * @param {(x: number) => number} px
 * @param {(y: number) => number} py
 */
function pathOf(curve, span, px, py) {
  const height = span.y[1] - span.y[0];
  let path = "";
  let last = NaN;
  for (let n = 0; n <= SAMPLES; n += 1) {
    const x = span.x[0] + ((span.x[1] - span.x[0]) * n) / SAMPLES;
    const y = curve(x);
    const near = Number.isFinite(y) && Math.abs(y - (span.y[0] + span.y[1]) / 2) < 20 * height;
    if (near) path += `${Number.isFinite(last) && Math.abs(y - last) < 3 * height ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`;
    last = near ? y : NaN;
  }
  return path;
}

/** Where lines of the grid stand. @param {[number, number]} ends */
function linesOf([low, high]) {
  const step = STEPS.find((one) => (high - low) / one <= MOST_LINES) ?? (high - low) / MOST_LINES;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, n) => Number(((first + n) * step).toPrecision(12)));
}

/** @param {number} value */
function figure(value) {
  return `${Math.round(value * 100) / 100}`.replace("-", "−");
}

/** The drawing in words: where the curve is at the edges, at 0, and at each point shown. @param {{spec: Spec, curve: (x: number) => number}} props */
function InWords({ spec, curve }) {
  const span = spanOf(spec);
  const points = pointsOf(spec);
  const places = [...new Set([span.x[0], ...(span.x[0] < 0 && span.x[1] > 0 ? [0] : []), span.x[1]])];
  const height = (/** @type {number} */ x) => (Number.isFinite(curve(x)) ? figure(curve(x)) : "nothing");
  return html`<div class="in-words quiet" dir="ltr" role="status">
    <p>${places.map((x) => `At ${spec.variable} = ${figure(x)} the curve is at ${height(x)}`).join(". ")}.</p>
    ${points.length > 0 && html`<ul aria-label="Points shown">${points.map(([x, y]) => html`
      <li key=${`${text(x)},${text(y)}`}>Point (${shown(x)}, ${shown(y)}): the curve is at ${height(float(x))} there</li>`)}</ul>`}
  </div>`;
}

defined("ts-slider-plot", SliderPlot);
