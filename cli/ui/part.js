// One of the seven parts: what it is, how it is, and what it says of itself.

import { PARTS, state } from "./band.js";
import { command, run, typed } from "./command.js";
import { fill, h } from "./dom.js";
import { known, on, part } from "./feed.js";
import { view } from "./panel.js";
import { clock, count, plain, rate, span, words } from "./words.js";

export function begin() {
  view(/^\/part\/(\w+)$/, (key) => {
    const of = PARTS.find((part) => part.key === key) ?? PARTS[0];
    return {
      title: of.name[0].toUpperCase() + of.name.slice(1),
      show: (content) => {
        const facts = h("div");
        const logs = ["publisher", "subscriber", "query"].includes(key) ? lines(key) : null;
        content.append(h("p", { class: "grey" }, of.is), facts, logs ?? "");
        const draw = () => fill(facts, factsOf(key, of.counts));
        draw();
        let last = 0;
        const ends = [
          on("facts", draw),
          on("tick", () => {
            if (performance.now() - last < 1000) return;
            last = performance.now();
            draw();
          }),
        ];
        return () => ends.forEach((end) => end());
      },
    };
  });
}

/** @param {string} key @param {string} counts */
function factsOf(key, counts) {
  const pace = known.tick?.parts[key];
  const { health, why } = state(key);
  const judged = part(key);
  /** @type {[string, string | Node][]} */
  const facts = [["state", h("span", { class: health === "failed" ? "red" : "" }, why)]];
  const { health: _, error, advice, ...says } = judged ?? {};
  if (advice?.next) facts.push(["what to do", advice.next]);
  if (pace) {
    facts.push([`${counts} a second`, rate(pace.rate)]);
    facts.push(["failed a second", rate(pace.errors)]);
    if (pace.p50Ms !== null) {
      const what = key === "stream" ? "from write to projection" : "takes";
      facts.push([`${what}, the middle one`, span(pace.p50Ms)], [`${what}, 99 of 100 at most`, span(pace.p99Ms)]);
    }
  }
  for (const [name, value] of flat(says)) facts.push([name, value]);
  return h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Facts as names and texts. @param {any} facts @param {string} [before] @returns {[string, string][]} */
function flat(facts, before = "") {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (value === null || value === undefined || value === false || name === "code") return [];
    const said = before ? `${words(name)}, ${before}` : words(name);
    if (name === "recent") return flat(value, "last 5 min");
    if (typeof value === "object" && !Array.isArray(value)) return flat(value, before);
    if (typeof value === "number") return [[said.replace(/ ms$/, ""), name.endsWith("Ms") ? span(value) : count(value)]];
    const at = typeof value === "string" && /^\d{4}-.*Z$/.test(value) ? clock(Date.parse(value)) : plain(value);
    return [[said, at]];
  });
}

/** The newest lines of a function's log. @param {string} role */
function lines(role) {
  const asked = ["logs", role, "--since=5m"];
  const shown = h("div", { class: "heard mono", tabindex: "0", role: "region", "aria-label": "Log lines" });
  const button = h("button", { type: "button" }, "Show its log");
  button.addEventListener("click", async () => {
    const { answer, error } = await run(asked);
    const all = Array.isArray(answer) ? answer : answer ? [answer] : [];
    fill(shown, error ? error.message : all.slice(-60).map((line) => logged(line)).join("\n") || "Nothing in the last five minutes.");
    shown.scrollTop = shown.scrollHeight;
  });
  return h("div", { class: "said" }, h("h3", {}, "Log"), command(typed(asked)), h("div", { class: "buttons" }, button), shown);
}

/** A line of a log: when, whose, what, and what it says of it. @param {any} line */
export function logged(line) {
  if (typeof line !== "object" || line === null) return String(line);
  const { timestamp, function: name, message } = line;
  const when = clock(Date.parse(timestamp), true);
  let record;
  try {
    record = JSON.parse(message);
  } catch {
    return `${when}  ${name}  ${String(message).trim()}`;
  }
  const left = new Set(["timestamp", "level", "message", "requestId", "time", "_aws", "FunctionName", "type"]);
  const more = Object.entries(record).filter(([key, value]) => !left.has(key) && typeof value !== "object");
  return [when, name, record.message ?? record.type ?? "", ...more.map(([key, value]) => `${key}=${plain(value)}`)].join("  ");
}
