// The way of a change, with its times: written, handed to the function (again where that failed),
// projected, and so visible.

import { h } from "./dom.js";
import { known } from "./feed.js";
import { clock, span } from "./words.js";

/** @typedef {import("./feed.js").Way} Way */

/** The attempts of each change of an entity that this page has heard of, the newest change first. @param {string} id @returns {Way[][]} */
export function ways(id) {
  /** @type {Map<string, Way[]>} */
  const changes = new Map();
  for (const way of known.ways) {
    if (way.id !== id) continue;
    changes.set(way.sequence, [...(changes.get(way.sequence) ?? []), way]);
  }
  return [...changes.values()].reverse();
}

/** One change, step by step. @param {Way[]} attempts @param {number} [sentMs] when the command was sent, on this machine's clock */
export function steps(attempts, sentMs) {
  const begin = sentMs ?? attempts[0].writtenMs;
  /** @type {[number, string, boolean][]} */
  const all = [];
  if (sentMs) all.push([sentMs, "command sent", false]);
  all.push([attempts[0].writtenMs, "written; the table's stream has it", false]);
  // Of many attempts the first and the last are shown.
  const shown = attempts.length > 6 ? [...attempts.slice(0, 3), ...attempts.slice(-2)] : attempts;
  for (const way of shown) {
    const nth = way.attempt > 1 ? `, attempt ${way.attempt}` : "";
    if (way.outcome === "givenUp") {
      all.push([way.endedMs, `given up after ${way.attempt} attempts; it waits among the failures`, true]);
      continue;
    }
    all.push([way.deliveredMs, `handed to the subscriber${nth}`, false]);
    all.push(way.outcome === "failed" ? [way.endedMs, "failed; it will be tried again", false] : [way.endedMs, "projected; visible in the read model", false]);
  }
  return h(
    "ol",
    { class: "steps" },
    all.map(([at, text, bad]) => h("li", {}, h("span", { class: "when" }, clock(at, true)), h("span", { class: bad ? "red" : "" }, text), h("span", { class: "after" }, `+${span(Math.max(0, at - begin))}`))),
  );
}

/** What came of a change, in a word. @param {Way} way */
export function outcome(way) {
  return { projected: "projected", failed: "failed, again soon", givenUp: "given up" }[way.outcome];
}
