// The seven parts and the lines between them, alive.

import { at, fill, h, say } from "./dom.js";
import { known, on, part } from "./feed.js";
import { Flow } from "./flow.js";
import { count, rate, span, spans } from "./words.js";

/** @typedef {import("./feed.js").Pace} Pace */

/** In the order in which a change passes them. The name, what is counted, and what it is. */
export const PARTS = [
  { key: "caller", name: "caller", counts: "calls", is: "Whoever sends commands and asks questions: an application, or this tool." },
  { key: "publisher", name: "publisher", counts: "commands", is: "The function that takes commands: it decides, and writes the table in one conditional write. What it acknowledges is kept." },
  { key: "writeModel", name: "write model", counts: "writes", is: "The table, which is the truth. Each change of it is a record of its stream." },
  { key: "stream", name: "stream", counts: "records", is: "The table's stream and the mapping that reads it: batches of records, in order for each key, delivered at least once, again where that failed, and given up to the failures queue at last." },
  { key: "subscriber", name: "subscriber", counts: "batches", is: "The function that projects: each record is applied only if it is newer than what the read model has, so that duplicates and late records change nothing." },
  { key: "readModel", name: "read model", counts: "changes", is: "The cache: documents and lists, arranged for the questions that are asked. Losing it loses nothing; it is made again from the table." },
  { key: "query", name: "query", counts: "queries", is: "The function that answers, from the read model alone." },
];

/** Lines after the six between the parts: answers to the caller, and what is given up. */
const ANSWERS = 6;
const LOST = 7;

/** @type {Map<string, {anchor: HTMLElement, shape: HTMLElement, big: HTMLElement, small: HTMLElement, state: HTMLElement, link: HTMLElement}>} */
const shown = new Map();
/** @type {Flow} */
let flow;

export function begin() {
  fill(
    at("parts"),
    PARTS.map(({ key, name }) => {
      const shape = h("span", { class: "shape", "aria-hidden": "true" });
      const anchor = h("span", { class: "at" }, shape);
      const big = h("b", { class: "big" }, "–");
      const small = h("span", { class: "small" }, "");
      const state = h("span", { class: "quiet" }, "");
      const link = h("a", { href: `#/part/${key}` }, h("span", { class: "name" }, name), anchor, big, small, state);
      shown.set(key, { anchor, shape, big, small, state, link });
      return h("li", {}, link);
    }),
  );
  flow = new Flow(/** @type {HTMLCanvasElement} */ (at("flow")));
  Object.assign(globalThis, { cqrsFlow: flow });
  new ResizeObserver(lay).observe(at("band"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", lay);
  on("tick", move);
  on("tick", calmly(show));
  for (const event of ["now", "facts", "faults", "whole"]) on(event, show);
  on("now", lay);
  show();
}

/** Numbers that change more often cannot be read. @param {() => void} draw */
function calmly(draw) {
  let last = 0;
  return () => {
    const now = performance.now();
    if (now - last < 330) return;
    last = now;
    draw();
  };
}

/** Finds where the lines are. */
function lay() {
  const band = at("band").getBoundingClientRect();
  const spots = PARTS.map(({ key }) => {
    const box = /** @type {any} */ (shown.get(key)).shape.getBoundingClientRect();
    return { x: box.left + box.width / 2 - band.left, y: box.top + box.height / 2 - band.top };
  });
  const [first, last] = [spots[0], spots[6]];
  const down = spots[1].y > spots[0].y + 20;
  const lines = spots.slice(1).map((spot, i) => [spots[i], spot]);
  const [stream] = [spots[3]];
  const queue = at("queue");
  if (down) {
    const x = band.width - 9;
    lines.push([last, { x: last.x + 20, y: last.y + 26 }, { x, y: last.y + 26 }, { x, y: first.y - 18 }, { x: first.x, y: first.y - 18 }, first]);
    lines[ANSWERS] = [last, { x: 9, y: last.y }, { x: 9, y: first.y }, first];
    const low = band.height - 24;
    lines.push([stream, { x: stream.x + 14, y: stream.y }, { x: stream.x + 14, y: low }, { x: stream.x + 44, y: low }]);
    queue.style.left = `${stream.x + 44}px`;
    queue.style.top = `${low}px`;
  } else {
    const low = band.height - 20;
    lines.push([last, { x: last.x, y: low }, { x: first.x, y: low }, first]);
    const queueAt = band.height - 54;
    lines.push([stream, { x: stream.x, y: queueAt }]);
    queue.style.left = `${stream.x}px`;
    queue.style.top = `${queueAt}px`;
    const lag = at("lag");
    lag.style.left = `${spots[2].x}px`;
    lag.style.width = `${spots[5].x - spots[2].x}px`;
  }
  if (down) Object.assign(at("lag").style, { left: "", width: "" });
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  flow.lay(masked(lines, down), {
    line: colour("line"),
    accent: colour("accent"),
    red: colour("red"),
    ink: colour("ink"),
    paper: colour("paper"),
  });
}

/**
 * Lines that run through what is written begin below it.
 * @param {import("./flow.js").Spot[][]} lines @param {boolean} down
 */
function masked(lines, down) {
  if (down) return lines;
  const under = (/** @type {string} */ key) => {
    const box = /** @type {any} */ (shown.get(key)).link.getBoundingClientRect();
    return box.bottom - at("band").getBoundingClientRect().top + 2;
  };
  const answers = lines[ANSWERS];
  answers[0] = { x: answers[0].x, y: under("query") };
  answers[3] = { x: answers[3].x, y: under("caller") };
  lines[LOST][0] = { x: lines[LOST][0].x, y: under("stream") };
  return lines;
}

/** @param {import("./feed.js").Tick} tick */
function move(tick) {
  const { flow: went, parts } = tick;
  const of = (/** @type {string} */ key) => parts[key]?.rate ?? 0;
  const ms = 100;
  flow.pass(0, went.commands, of("publisher"), ms);
  flow.pass(0, went.refused, 0, ms, "trouble");
  flow.pass(1, went.writes, of("writeModel"), ms);
  flow.pass(2, went.writes, of("writeModel"), ms);
  flow.pass(3, went.delivered, of("stream"), ms);
  flow.pass(3, went.failed, 0, ms, "back");
  flow.pass(4, went.projected, of("readModel"), ms);
  flow.pass(5, went.queries, of("query"), ms);
  flow.pass(5, went.queryErrors, 0, ms, "trouble");
  flow.pass(ANSWERS, went.queries, of("query"), ms, "answer");
  flow.pass(LOST, went.givenUp, 0, ms, "lost");
}

/**
 * How a part is, and why: what was judged, and what goes wrong right now.
 * @param {string} key
 * @returns {{health: string, why: string}}
 */
export function state(key) {
  const { facts, tick, faults } = known;
  if (!known.here) return { health: "unknown", why: "the server does not answer" };
  if (!facts || facts.stack !== "there") return { health: "unknown", why: "not there" };
  const pace = tick?.parts[key];
  const cacheFault = faults.find((fault) => /cache/.test(fault.fault));
  if (key === "readModel" && cacheFault) {
    return cacheFault.fault === "stop-cache"
      ? { health: "failed", why: "does not answer, on purpose" }
      : { health: "warning", why: "slow, on purpose" };
  }
  if (key === "readModel" && known.whole === false) return { health: "warning", why: "is made again from the table" };
  const judged = part(key);
  if (judged && judged.health === "failed") return { health: "failed", why: judged.advice?.message ?? "" };
  if (pace && pace.errors > 0 && key !== "caller") {
    const many = pace.errors >= pace.rate;
    return { health: many ? "failed" : "warning", why: `${rate(pace.errors)} a second fail` };
  }
  if (judged && judged.health !== "ok") return { health: judged.health, why: judged.advice?.message ?? "" };
  const calm = pace ? pace.rate === 0 : true;
  return calm ? { health: "idle", why: "well, and at rest" } : { health: "ok", why: "well" };
}

/** What stands under the number. @param {string} key @param {Pace | undefined} pace */
function small(key, pace) {
  const judged = part(key);
  if (key === "stream") {
    const behind = judged?.behind;
    return behind === null || behind === undefined ? "" : `${count(behind)}${behind >= 10_000 ? "+" : ""} behind`;
  }
  if (key === "readModel") {
    const held = judged?.[known.about.plural];
    return held === null || held === undefined ? "" : `holds ${count(held)}`;
  }
  if (key === "caller") {
    return pace && pace.errors > 0 ? `${rate(pace.errors)} refused` : "";
  }
  if (pace && pace.p50Ms !== null) return spans(pace.p50Ms, pace.p99Ms);
  const p99 = judged?.p99Ms;
  return p99 ? `p99 ${span(p99)}` : "";
}

/** Shows numbers and states. */
function show() {
  const { tick } = known;
  for (const { key, counts } of PARTS) {
    const { shape, big, small: line, state: said } = /** @type {any} */ (shown.get(key));
    const pace = tick?.parts[key] ?? onAws(key);
    const text = pace ? rate(pace.rate) : "–";
    if (big.dataset.text !== text) {
      big.dataset.text = text;
      fill(big, text, pace ? h("i", {}, "/s") : null);
    }
    const { health, why } = state(key);
    shape.className = `shape ${health}`;
    const failing = health === "failed" || (health === "warning" && key !== "caller");
    say(line, failing ? short(why) : small(key, pace));
    line.classList.toggle("bad", health === "failed");
    say(said, `: ${text} ${counts} a second, ${why}${key === "stream" ? `, ${distance().join(" ")}` : ""}`);
    line.title = failing ? why : "";
  }
  const depth = part("failures");
  const waiting = depth && !depth.error ? depth.visible + depth.hidden : null;
  const queue = at("queue");
  say(/** @type {Element} */ (queue.querySelector("b")), count(waiting));
  /** @type {Element} */ (queue.querySelector(".shape")).className = `shape ${waiting ? "failed" : "idle"}`;
  queue.classList.toggle("red", Boolean(waiting));
  const lag = at("lag");
  const [value, what] = distance();
  say(/** @type {Element} */ (lag.querySelector("b")), value);
  say(/** @type {Element} */ (lag.querySelector(".what")), what);
  const limit = 5_000;
  lag.classList.toggle("bad", (part("stream")?.lagMs ?? 0) > limit);
}

/** How far the read model is behind, in words. @returns {[string, string]} */
function distance() {
  const pace = known.tick?.parts.stream;
  const waits = part("stream")?.lagMs ?? null;
  const oldest = waits ?? 0;
  if (oldest > 1_000 && (!pace?.p99Ms || oldest > pace.p99Ms)) return [span(oldest), "lag: the oldest waits"];
  if (pace && pace.p50Ms !== null) return [span(pace.p50Ms), `lag, 99 of 100 within ${span(pace.p99Ms)}`];
  if (waits !== null && known.about?.target === "aws") return [span(waits), "lag at most"];
  return ["–", "lag"];
}

/** What CloudWatch counted in five minutes, as a pace. @param {string} key @returns {Pace | undefined} */
function onAws(key) {
  const calls = part(key);
  if (known.about?.target !== "aws" || !calls?.recent) return undefined;
  const { recent, p99Ms } = calls;
  return { rate: recent.invocations / 300, errors: (recent.errors + recent.throttles) / 300, p50Ms: null, p99Ms };
}

/** @param {string} why */
function short(why) {
  return why.length > 44 ? `${why.slice(0, 43)}…` : why;
}
