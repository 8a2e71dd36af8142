// What the server tells, and what this page knows.
//
// A browser has six connections to a server, so of all pages in it one listens, and tells the others. A
// page that nobody sees does not listen: when it is seen again it begins with what is so then.

import { clock } from "./words.js";

/**
 * @typedef {{rate: number, errors: number, p50Ms: number | null, p99Ms: number | null}} Pace
 * @typedef {Record<"commands"|"refused"|"writes"|"delivered"|"projected"|"failed"|"givenUp"|"queries"|"queryErrors", number>} Flow
 * @typedef {{number: number, id: string, sequence: string, writtenMs: number, deliveredMs: number, endedMs: number, attempt: number, outcome: "projected"|"failed"|"givenUp"}} Way
 * @typedef {{at: number, flow: Flow, parts: Record<string, Pace>, ways: Way[]}} Tick
 * @typedef {{at: number, commands: number, writes: number, projected: number, queries: number, failed: number, lagP50Ms: number | null, lagMaxMs: number | null}} Point
 * @typedef {{at: number, kind: "deploy"|"fault"|"over"|"rebuild"|"command", label: string}} Mark
 * @typedef {"ok"|"unknown"|"warning"|"failed"} Health
 * @typedef {{health: Health, error: any, advice: {message: string, next: string | null} | null, [fact: string]: any}} Part
 * @typedef {{at: number, stack: "unknown"|"none"|"stopped"|"there", why: string | null, parts: Record<string, Part | null>, cost: string | null, dashboard: string | null}} Facts
 * @typedef {{fault: string, sinceMs: number, untilMs: number | null, left: number | null, [more: string]: unknown}} Fault
 * @typedef {{name: string, option: string, help: string, rule: string, required: boolean, default: unknown, schema: any}} Input
 * @typedef {{name: string, help: string, from: string[] | null, to: string | null, inputs: Input[]}} Command
 * @typedef {{stack: string, target: "aws"|"local", region: string, version: string, readOnly: boolean, hidden: boolean, place: string[], entity: string, plural: string, about: string, id: string, statuses: string[], lists: {field: string, option: string}[], draft: Input[], commands: Command[], example: Record<string, unknown> | null, columns: string[]}} About
 */

/** Points that are kept: as many seconds. */
const POINTS = 900;
const MARKS = 60;
/** Changes that are kept, of those that are reported by themselves. */
const WAYS = 400;
/** How long the server may say nothing before the page says so. */
const SILENCE = 4000;

/** What is known. */
export const known = {
  about: /** @type {About} */ (/** @type {unknown} */ (null)),
  tick: /** @type {Tick | null} */ (null),
  facts: /** @type {Facts | null} */ (null),
  faults: /** @type {Fault[]} */ ([]),
  whole: /** @type {boolean | null} */ (null),
  points: /** @type {Point[]} */ ([]),
  marks: /** @type {Mark[]} */ ([]),
  ways: /** @type {Way[]} */ ([]),
  /** Whether the server answers. */
  here: true,
};

/** @type {Map<string, Set<(data: any) => void>>} */
const listeners = new Map();

/**
 * Calls `listener` with each event of this name; gives what ends that.
 * @param {string} event @param {(data: any) => void} listener
 */
export function on(event, listener) {
  const all = listeners.get(event) ?? new Set();
  listeners.set(event, all.add(listener));
  return () => void all.delete(listener);
}

/** @param {string} event @param {unknown} [data] */
function emit(event, data) {
  for (const listener of listeners.get(event) ?? []) listener(data);
}

/** Takes what the stack is about. @param {About} about */
function learn(about) {
  known.about = about;
  emit("about");
}

/** Answers of the server. @param {string} path @returns {Promise<any>} */
export async function ask(path) {
  const answer = await fetch(`api/${path}`);
  const body = await answer.json();
  if (answer.ok) return body;
  const error = body.error ?? {};
  throw Object.assign(new Error(error.message ?? answer.statusText), { hint: error.hint, causes: error.causes });
}

/** What is known of a part: that of the stream is what the mapping says. @param {string} name */
export function part(name) {
  return known.facts?.parts[name === "stream" ? "mapping" : name];
}

/** @param {string} event @param {any} data */
function take(event, data) {
  heard = performance.now();
  if (!known.here) {
    known.here = true;
    emit("here");
  }
  switch (event) {
    case "tick":
      known.tick = data;
      for (const way of data.ways) remember(way);
      break;
    case "point":
      known.points.push(data);
      if (known.points.length > POINTS) known.points.shift();
      break;
    case "points":
      known.points = data;
      break;
    case "mark":
      known.marks.push(data);
      if (known.marks.length > MARKS) known.marks.shift();
      // What the stack is about may be another now.
      if (data.kind === "deploy") ask("about").then(learn, () => {});
      break;
    case "facts":
      known.facts = data;
      break;
    case "faults":
      known.faults = data;
      break;
    case "whole":
      known.whole = data;
      break;
    case "anew":
      void begin();
      return;
  }
  emit(event, data);
}

/** @param {Way} way */
function remember(way) {
  known.ways.push(way);
  if (known.ways.length > WAYS) known.ways.splice(0, known.ways.length - WAYS);
}

let heard = performance.now();

/** Takes what is so now. */
async function begin() {
  const now = await ask("now");
  known.tick = now.tick;
  known.facts = now.facts;
  known.faults = now.faults;
  known.whole = now.whole;
  known.points = now.history.points;
  known.marks = now.history.marks;
  known.ways = now.ways ?? [];
  heard = performance.now();
  emit("now");
}

const EVENTS = ["tick", "point", "points", "mark", "facts", "faults", "whole", "anew"];

/** Listens to the server, and tells other pages; gives what ends that. @param {BroadcastChannel | null} others */
function listen(others) {
  const source = new EventSource("api/live");
  let lost = false;
  for (const event of EVENTS) {
    source.addEventListener(event, (message) => {
      const data = JSON.parse(message.data);
      take(event, data);
      others?.postMessage([event, data]);
    });
  }
  source.addEventListener("error", () => (lost = true));
  source.addEventListener("open", () => {
    if (lost) void begin();
    lost = false;
  });
  return () => source.close();
}

/** Listens, or hears from the page that does, until `left`. @param {AbortSignal} left */
function join(left) {
  if (!navigator.locks || typeof BroadcastChannel === "undefined") {
    left.addEventListener("abort", listen(null));
    return;
  }
  const name = `cqrs ${location.pathname}`;
  const others = new BroadcastChannel(name);
  others.addEventListener("message", (message) => {
    const [event, data] = message.data;
    take(event, data);
  });
  left.addEventListener("abort", () => others.close());
  const one = () =>
    new Promise((done) => {
      if (left.aborted) return done(undefined);
      const end = listen(others);
      left.addEventListener("abort", () => {
        end();
        done(undefined);
      });
    });
  // It fails where the page is left before its turn.
  navigator.locks.request(name, { signal: left }, one).catch(() => {});
}

/** Begins, and goes on whenever the page is seen. */
export async function start() {
  learn(await ask("about"));
  /** @type {AbortController | null} */
  let leaving = null;
  const follow = async () => {
    if (document.visibilityState === "hidden") {
      leaving?.abort();
      leaving = null;
    } else if (!leaving) {
      leaving = new AbortController();
      const { signal } = leaving;
      try {
        await begin();
      } catch {
        // The server is gone, which is said below.
      }
      if (!signal.aborted) join(signal);
    }
  };
  document.addEventListener("visibilitychange", follow);
  setInterval(() => {
    const silent = leaving && performance.now() - heard > SILENCE + (known.about.target === "aws" ? 60_000 : 0);
    if (silent && known.here) {
      ask("now").then(
        () => (heard = performance.now()),
        () => {
          known.here = false;
          emit("gone", clock(Date.now()));
        },
      );
    }
  }, 1000);
  await follow();
}
