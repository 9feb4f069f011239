// What lists that are put in order share: moving an entry, by a key or by the pointer. This file
// knows the document only through the list it is given.

/**
 * The list with one entry moved to another place.
 * @template T
 * @param {T[]} list
 * @param {number} from
 * @param {number} to
 * @returns {T[]}
 */
export function moved(list, from, to) {
  const rest = list.filter((_, n) => n !== from);
  const entry = list[from];
  if (entry === undefined) return list;
  const place = Math.min(rest.length, Math.max(0, to));
  return [...rest.slice(0, place), entry, ...rest.slice(place)];
}

const FORMULA = /\$[^$]*\$|`[^`]*`/g;
const STRONG = /\p{L}/u;
const FROM_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/**
 * The direction that words give their list; undefined where there are none, as in formulas alone:
 * then it runs as what is around it.
 * @param {string[]} texts
 */
export function directionOf(texts) {
  const first = STRONG.exec(texts.join(" ").replace(FORMULA, " "));
  return first === null ? undefined : FROM_RIGHT.test(first[0]) ? "rtl" : "ltr";
}

/** Which way an arrow leads along a list: 1 onward, -1 back, 0 for none; onward is left in a list that runs to the left. @param {string} key @param {boolean} across @param {Element|null} list */
export function stepOf(key, across, list) {
  if (!across) return key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
  const left = list !== null && getComputedStyle(list).direction === "rtl" ? 1 : -1;
  return key === "ArrowRight" || key === "ArrowDown" ? (key === "ArrowDown" ? 1 : -left) : key === "ArrowLeft" ? left : key === "ArrowUp" ? -1 : 0;
}

/**
 * The place in a list that a pointer is over: that of the entry nearest to it.
 * @param {Element} list
 * @param {{clientX: number, clientY: number}} pointer
 */
export function placeUnder(list, { clientX, clientY }) {
  let [nearest, least] = [0, Infinity];
  [...list.children].forEach((entry, n) => {
    const box = entry.getBoundingClientRect();
    const dx = Math.max(box.left - clientX, 0, clientX - box.right);
    const dy = Math.max(box.top - clientY, 0, clientY - box.bottom);
    const far = dx * dx + dy * dy;
    if (far < least) [nearest, least] = [n, far];
  });
  return nearest;
}

/** How far a pointer moves before a press is a drag, in pixels. */
const DRAG_PX = 5;

/**
 * Drags an entry of a list: `to` hears each place it comes over. What a press means without a move is left to the click.
 * @param {PointerEvent} start on the entry
 * @param {(place: number) => void} to
 */
export function dragged(start, to) {
  const handle = /** @type {HTMLElement} */ (start.currentTarget);
  const list = handle.closest("ol");
  if (start.button !== 0 || list === null || start.pointerType === "touch") return; // a finger scrolls; it has the buttons
  let moving = false;
  const move = (/** @type {PointerEvent} */ event) => {
    moving ||= Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > DRAG_PX;
    if (moving) to(placeUnder(list, event));
  };
  const end = () => {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", end);
    window.removeEventListener("pointercancel", end);
    if (moving) window.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => window.removeEventListener("click", swallow, { capture: true }));
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", end);
  window.addEventListener("pointercancel", end);
}

/** The click that ends a drag presses nothing. @param {Event} event */
function swallow(event) {
  event.stopPropagation();
  event.preventDefault();
}
