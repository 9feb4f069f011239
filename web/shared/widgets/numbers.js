// Exact numbers of a widget: texts such as "1/4" and "-2.5" as fractions of whole numbers, and the
// places of a scale between two of them. This file is pure; nothing in it is rounded.

/** A fraction in lowest terms, its lower part positive. @typedef {{n: bigint, d: bigint}} Ratio */
/** Evenly spaced values: `count` steps of `step` from `low`, the last one at most `high`. @typedef {{low: Ratio, high: Ratio, step: Ratio, count: number}} Scale */

/** A scale with more places than this is walked by no key. */
export const MOST_PLACES = 2000;
const MOST_SIGNS = 40;
const NUMBER = /^([-+]?)(?:(\d+)\s+)?(\d+)\s*\/\s*(\d+)$|^([-+]?)(\d*)(?:[.,](\d*))?$/;

/** @param {bigint} n @param {bigint} d @returns {Ratio} */
export function ratio(n, d = 1n) {
  if (d === 0n) throw new RangeError("expected a lower part other than 0, came 0");
  const by = gcd(n < 0n ? -n : n, d < 0n ? -d : d) * (d < 0n ? -1n : 1n);
  return { n: n / by, d: d / by };
}

/** @param {bigint} a @param {bigint} b @returns {bigint} */
function gcd(a, b) {
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? 1n : a;
}

/**
 * What somebody wrote, as a number: whole, decimal (point or comma), fraction or mixed; null where
 * it is none.
 * @param {string|number} written
 * @returns {Ratio|null}
 */
export function read(written) {
  const text = latin(`${written}`).trim().replace(/[−–]/g, "-");
  if (text.length > MOST_SIGNS) return null;
  const found = NUMBER.exec(text);
  if (found === null) return null;
  const [, sign, whole, top, bottom, sign2, integer = "", places = ""] = found;
  if (top !== undefined && bottom !== undefined) {
    if (/^0+$/.test(bottom)) return null;
    const [n, d] = [BigInt(top), BigInt(bottom)];
    return ratio((sign === "-" ? -1n : 1n) * (BigInt(whole ?? 0) * d + n), d);
  }
  if (integer + places === "") return null;
  return ratio((sign2 === "-" ? -1n : 1n) * BigInt(integer + places), 10n ** BigInt(places.length));
}

/** Arabic-Indic and Persian digits as the others, with their decimal mark. @param {string} text */
function latin(text) {
  return text
    .replace(/[٠-٩]/g, (digit) => `${digit.charCodeAt(0) - 0x660}`)
    .replace(/[۰-۹]/g, (digit) => `${digit.charCodeAt(0) - 0x6f0}`)
    .replace(/٫/g, ".");
}

/** The number as the wire has it: "3", "-1/4". @param {Ratio} value */
export function text({ n, d }) {
  return d === 1n ? `${n}` : `${n}/${d}`;
}

/** For people: a true minus. @param {Ratio} value */
export function shown(value) {
  return text(value).replace("-", "−");
}

/** @param {Ratio} value the nearest double, for drawing alone */
export function float({ n, d }) {
  return Number(n) / Number(d);
}

/** @param {Ratio} a @param {Ratio} b negative where a < b */
export function compare(a, b) {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** @param {Ratio} a @param {Ratio} b */
export function plus(a, b) {
  return ratio(a.n * b.d + b.n * a.d, a.d * b.d);
}

/** @param {Ratio} a @param {Ratio} b */
function minus(a, b) {
  return ratio(a.n * b.d - b.n * a.d, a.d * b.d);
}

/**
 * @param {{low: string|number, high: string|number, step: string|number}} spec
 * @returns {Scale}
 */
export function scaleOf({ low, high, step }) {
  const [from, to, by] = [read(low), read(high), read(step)];
  if (from === null || to === null || by === null || by.n <= 0n || compare(from, to) >= 0) {
    throw new RangeError(`expected numbers low < high and step > 0, came ${low}, ${high}, ${step}`);
  }
  const span = minus(to, from);
  const count = Number((span.n * by.d) / (span.d * by.n));
  return { low: from, high: to, step: by, count: Math.min(count, MOST_PLACES) };
}

/** The value at one place of a scale, counted from 0. @param {Scale} scale @param {number} place */
export function at({ low, step }, place) {
  return plus(low, ratio(step.n * BigInt(place), step.d));
}

/** How far along a scale a value lies: 0 at its low end, 1 at its high end. @param {Scale} scale @param {Ratio} value */
export function share({ low, high }, value) {
  return float(minus(value, low)) / float(minus(high, low));
}

/** The place nearest to a share of the scale. @param {Scale} scale @param {number} along */
export function placeAt(scale, along) {
  const steps = (float(minus(scale.high, scale.low)) / float(scale.step)) * along;
  return Math.min(scale.count, Math.max(0, Math.round(steps)));
}

/** The place nearest to a value. @param {Scale} scale @param {Ratio} value */
export function placeOf(scale, value) {
  return placeAt(scale, share(scale, value));
}

/** Whether a value is on the line at all. @param {Scale} scale @param {Ratio} value */
export function within({ low, high }, value) {
  return compare(low, value) <= 0 && compare(value, high) <= 0;
}

/**
 * Steps between two labels, so that at most `most` stand on the scale: whole numbers where they can
 * be met, and their round multiples.
 * @param {Scale} scale
 * @param {number} most
 */
export function labelEvery({ count, step }, most) {
  const whole = Number(step.d);
  for (let every = 1; every < whole && every <= count; every += 1) {
    if (whole % every === 0 && count / every <= most) return every;
  }
  for (let tens = 1; ; tens *= 10) {
    for (const round of [1, 2, 5]) if (count / (whole * round * tens) <= most) return whole * round * tens;
  }
}
