// A QR code as one path, sharp at any size. This file draws it from the modules a library makes.

import { html } from "../vendor/htm-preact.js";
import qrcode from "../vendor/qrcode.js";

/** Modules of white around a code, as its standard asks. */
const QUIET = 4;

/**
 * The dark modules as a path in units of one module, and the side of the whole.
 * @param {string} text
 * @returns {{path: string, side: number}}
 */
export function modulesOf(text) {
  const code = qrcode(0, "M"); // the least size that holds it
  code.addData(text);
  code.make();
  const n = code.getModuleCount();
  let path = "";
  for (let y = 0; y < n; y += 1) {
    for (let x = 0; x < n; x += 1) if (code.isDark(y, x)) path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`;
  }
  return { path, side: n + 2 * QUIET };
}

/** @param {{text: string, label: string}} props */
export function QrCode({ text, label }) {
  const { path, side } = modulesOf(text);
  return html`<svg class="qr" viewBox=${`0 0 ${side} ${side}`} role="img" aria-label=${label} shape-rendering="crispEdges">
    <rect width=${side} height=${side} fill="#fff" /><path d=${path} fill="#000" /></svg>`;
}
