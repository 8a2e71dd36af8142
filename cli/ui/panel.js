// What is open beside the page. The address says what that is, so that a view can be kept and shared.

import { at, fill, h, say } from "./dom.js";

/** @typedef {{title: string, show: (content: HTMLElement) => void | (() => void)}} View */

/** @type {[RegExp, (...parts: string[]) => View][]} */
const views = [];
/** @type {() => void} */
let end = () => {};
let opened = "";

/** @param {RegExp} address @param {(...parts: string[]) => View} view */
export function view(address, view) {
  views.push([address, view]);
}

/** The address of an entity. @param {string} id */
export function entityAt(id) {
  return `#/one/${encodeURIComponent(id)}`;
}

export function begin() {
  addEventListener("hashchange", open);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !at("panel").hidden && !document.querySelector("dialog[open]")) location.hash = "#/";
  });
  open();
}

function open() {
  const address = location.hash.slice(1) || "/";
  if (address === opened) return;
  opened = address;
  end();
  end = () => {};
  const panel = at("panel");
  const content = at("content");
  let found = null;
  for (const [pattern, make] of views) {
    const match = pattern.exec(address);
    if (match) found = make(...match.slice(1).map(decodeURIComponent));
  }
  const wasFocused = document.activeElement;
  panel.hidden = !found;
  at("page").classList.toggle("beside", Boolean(found));
  for (const link of document.querySelectorAll("#views a, #parts a")) {
    if (link.getAttribute("href") === `#${address.split("?")[0]}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  fill(content);
  if (!found) {
    before?.focus();
    before = null;
    return;
  }
  say(at("panel-title"), found.title);
  document.title = `${found.title} · cqrs`;
  if (wasFocused instanceof HTMLElement && !panel.contains(wasFocused) && wasFocused !== document.body) before = wasFocused;
  end = found.show(content) ?? (() => {});
  panel.focus({ preventScroll: innerWidth > 1000 });
}

/** Where the focus goes when the panel closes. @type {HTMLElement | null} */
let before = null;

/** A part of a view that is read anew and may fail. @param {HTMLElement} element @param {() => Promise<void>} read */
export async function attempt(element, read) {
  try {
    await read();
  } catch (error) {
    const { message, hint } = /** @type {Error & {hint?: string}} */ (error);
    fill(element, h("div", { class: "said", role: "alert" }, h("p", { class: "red" }, message), hint ? h("p", {}, hint) : null));
  }
}
