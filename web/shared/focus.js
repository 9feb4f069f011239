// The focus where what had it goes away: a vote that closes, an invitation that was answered, a room
// that was left. This file gives it to the place around, so that the keyboard is never lost.

import { useEffect, useLayoutEffect, useRef } from "../vendor/htm-preact.js";

/**
 * Keep the focus in a place while it is drawn anew; who put it elsewhere is left alone.
 * @param {string} place a selector of one element that can take the focus
 */
export function useKeptFocus(place) {
  const last = useRef(/** @type {Element|null} */ (null));
  useEffect(() => {
    const came = (/** @type {FocusEvent} */ { target }) => {
      last.current = target instanceof Element && target.closest(place) !== null ? target : null;
    };
    const went = () => queueMicrotask(() => {
      const { current } = last;
      if (current?.isConnected && current !== document.activeElement) last.current = null;
    });
    came(/** @type {any} */ ({ target: document.activeElement }));
    document.addEventListener("focusin", came);
    document.addEventListener("focusout", went);
    return () => {
      document.removeEventListener("focusin", came);
      document.removeEventListener("focusout", went);
    };
  }, [place]);
  useLayoutEffect(() => {
    if (last.current === null || last.current.isConnected || document.activeElement !== document.body) return;
    /** @type {HTMLElement|null} */ (document.querySelector(place))?.focus({ preventScroll: true });
  });
}
