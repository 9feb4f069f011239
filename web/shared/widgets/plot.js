// The expression of a plot: read once, drawn many times. This file is pure: it knows arithmetic and
// the school's functions in doubles, for a drawing; what is right is decided elsewhere, exactly.

/** The values of names. @typedef {Record<string, number>} Values */
/** @typedef {(values: Values) => number} Curve */
/** @typedef {{kind: "number"|"name"|"sign", text: string, at: number}} Word */

/** @type {Record<string, (x: number) => number>} */
const FUNCTIONS = {
  sqrt: Math.sqrt, abs: Math.abs, exp: Math.exp, ln: Math.log, log: Math.log10,
  sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos, atan: Math.atan,
};
/** @type {Values} */
const CONSTANTS = { pi: Math.PI, e: Math.E };
const WORD = /\s*(?:(\d+\.?\d*|\.\d+)|([A-Za-z_]\w*)|(\*\*|[-+*/^()]))/y;
const MOST_SIGNS = 300;
/** Brackets within brackets; a plot is short. */
const MOST_DEPTH = 40;

/**
 * A curve as a function of the values of its names.
 * @param {string} plot such as "m*x + b"
 * @param {string[]} names those that have values
 * @returns {Curve}
 */
export function curveOf(plot, names) {
  const words = wordsOf(plot, names);
  let next = 0;
  let depth = 0;
  const seen = (/** @type {string[]} */ ...signs) => {
    const word = words[next];
    return word?.kind === "sign" && signs.includes(word.text) ? word.text : null;
  };
  const wrong = () => {
    const word = words[next];
    return new SyntaxError(`expected a number, a name or a bracket in ${JSON.stringify(plot)}, came ${word === undefined ? "its end" : `${word.text} at sign ${word.at + 1}`}`);
  };
  /** @returns {Curve} */
  const sum = () => {
    let left = product();
    for (let sign = seen("+", "-"); sign !== null; sign = seen("+", "-")) {
      next += 1;
      const [a, b] = [left, product()];
      left = sign === "+" ? (values) => a(values) + b(values) : (values) => a(values) - b(values);
    }
    return left;
  };
  /** @returns {Curve} */
  const product = () => {
    let left = signed();
    for (;;) {
      const sign = seen("*", "/");
      const beside = words[next] !== undefined && (words[next]?.kind !== "sign" || seen("(") !== null);
      if (sign === null && !beside) return left;
      if (sign !== null) next += 1;
      const [a, b] = [left, sign === null ? power() : signed()];
      left = sign === "/" ? (values) => a(values) / b(values) : (values) => a(values) * b(values);
    }
  };
  /** @returns {Curve} */
  const signed = () => {
    const sign = seen("+", "-");
    if (sign === null) return power();
    next += 1;
    const inner = signed();
    return sign === "-" ? (values) => -inner(values) : inner;
  };
  /** @returns {Curve} */
  const power = () => {
    const base = atom();
    if (seen("^", "**") === null) return base;
    next += 1;
    const exponent = signed();
    return (values) => base(values) ** exponent(values);
  };
  /** @returns {Curve} */
  const atom = () => {
    const word = words[next];
    if (word === undefined || (word.kind === "sign" && word.text !== "(")) throw wrong();
    next += 1;
    if (word.kind === "number") return () => Number(word.text);
    if (word.kind === "sign") return bracketed();
    const known = FUNCTIONS[word.text];
    if (known !== undefined && !names.includes(word.text)) {
      if (seen("(") === null) throw wrong();
      next += 1;
      const inner = bracketed();
      return (values) => known(inner(values));
    }
    const constant = CONSTANTS[word.text];
    if (!names.includes(word.text) && constant === undefined) throw new SyntaxError(`expected one of ${names.join(", ")}, came ${word.text} at sign ${word.at + 1}`);
    return (values) => values[word.text] ?? constant ?? NaN;
  };
  const bracketed = () => {
    depth += 1;
    if (depth > MOST_DEPTH) throw new RangeError(`expected at most ${MOST_DEPTH} brackets within brackets`);
    const inner = sum();
    if (seen(")") === null) throw wrong();
    next += 1;
    depth -= 1;
    return inner;
  };
  const whole = sum();
  if (next < words.length) throw wrong();
  return whole;
}

/**
 * The plot's words. Letters in a row that are no name together are a product of one-letter names: mx.
 * @param {string} plot
 * @param {string[]} names
 * @returns {Word[]}
 */
function wordsOf(plot, names) {
  if (plot.length > MOST_SIGNS) throw new RangeError(`expected at most ${MOST_SIGNS} signs, came ${plot.length}`);
  /** @type {Word[]} */
  const words = [];
  const end = plot.trimEnd().length;
  WORD.lastIndex = 0;
  while (WORD.lastIndex < end) {
    const from = WORD.lastIndex;
    const found = WORD.exec(plot);
    if (found === null) throw new SyntaxError(`expected mathematics, came ${JSON.stringify(plot.slice(from))} at sign ${from + 1}`);
    const [all, number, name, sign = ""] = found;
    const at = from + all.length - all.trimStart().length;
    if (number !== undefined) words.push({ kind: "number", text: number, at });
    else if (name === undefined) words.push({ kind: "sign", text: sign, at });
    else words.push(...lettersOf(name, names).map((text, n) => ({ kind: /** @type {const} */ ("name"), text, at: at + n })));
  }
  return words;
}

/** @param {string} name @param {string[]} names */
function lettersOf(name, names) {
  const known = names.includes(name) || name in FUNCTIONS || name in CONSTANTS;
  const letters = [...name];
  return known || !letters.every((letter) => names.includes(letter)) ? [name] : letters;
}

/**
 * The plot with texts put in for some names: "m*x + b" with m "(1/2)" and b "(-1)" gives
 * "(1/2)*x + (-1)". Everything else stays as it was written.
 * @param {string} plot
 * @param {Record<string, string>} put
 * @param {string[]} names all that have values
 */
export function filled(plot, put, names) {
  let from = 0;
  let written = "";
  for (const { kind, text, at } of wordsOf(plot, names)) {
    const value = kind === "name" ? put[text] : undefined;
    if (value === undefined) continue;
    written += `${plot.slice(from, at)}${value}`;
    from = at + text.length;
  }
  return written + plot.slice(from);
}

/**
 * The values that were put into a plot, read back from its answer; null where it is no answer of it.
 * @param {string} plot
 * @param {string} answer
 * @param {string[]} sliders
 * @param {string[]} names
 * @returns {Record<string, string>|null}
 */
export function valuesIn(plot, answer, sliders, names) {
  /** @type {string[]} */
  const order = [];
  let from = 0;
  let pattern = "";
  for (const { kind, text, at } of wordsOf(plot, names)) {
    if (kind !== "name" || !sliders.includes(text)) continue;
    pattern += `${escaped(plot.slice(from, at))}\\(([^()]+)\\)`;
    order.push(text);
    from = at + text.length;
  }
  const found = new RegExp(`^${pattern}${escaped(plot.slice(from))}$`).exec(answer);
  return found === null ? null : Object.fromEntries(order.map((name, n) => [name, found[n + 1] ?? ""]));
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
