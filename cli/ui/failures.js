// What could not be projected: batches that used up their retries, and the way back. What an action
// would do is shown before it can be done.

import { action, command, run, trouble, typed } from "./command.js";
import { fill, h, table } from "./dom.js";
import { known, on, part } from "./feed.js";
import { entityAt, view } from "./panel.js";
import { brief, clock, count, plain, span } from "./words.js";

const LIST = ["failures", "list", "--limit=50"];

export function begin() {
  view(/^\/failures$/, () => ({
    title: "Failures",
    show: (content) => {
      const list = h("div", { class: "said", "aria-live": "polite" });
      const all = h("div");
      content.append(h("p", { class: "grey" }, "A batch that used up its retries waits here. Its records are in the table's stream for a day, or beside it where the stack has a failures bucket: retried, they are projected, and the failure is gone."), list, all);
      let depth = -1;
      /** @type {HTMLElement | null} */
      let considered = null;
      const read = async () => {
        const { answer, error } = await run(LIST);
        fill(list, error ? trouble(error) : listed(answer, () => void read()), command(typed(LIST)));
        const some = (answer?.failures ?? []).length > 0;
        if (some === Boolean(considered)) return;
        considered = some ? consider("Look before retrying all", "Retry all", ["failures", "retry", "--all"], () => setTimeout(read, 300)) : null;
        fill(all, considered);
      };
      void read();
      return on("facts", () => {
        const judged = part("failures");
        const now = judged && !judged.error ? judged.visible + judged.hidden : depth;
        if (now !== depth && !content.querySelector("button:disabled")) void read();
        depth = now;
      });
    },
  }));
  view(/^\/failures\/([^/]+)$/, (id) => ({
    title: `Failure ${brief(id)}`,
    show: (content) => {
      const asked = ["failures", "show", id];
      const shown = h("div", { class: "said" });
      content.append(h("p", {}, h("a", { href: "#/failures" }, "all failures")), shown);
      void run(asked).then(({ answer, error }) => {
        fill(shown, error ? trouble(error) : details(answer), command(typed(asked)));
        if (error) return;
        const retry = consider("Look before retrying", "Retry", ["failures", "retry", id]);
        const discard = consider("Look before discarding", "Discard", ["failures", "discard", id]);
        shown.append(retry, h("p", { class: "grey" }, "Discarding deletes the failure and projects nothing; what it held stays as the read model has it."), discard);
      });
    },
  }));
}

/**
 * A button that shows what a command would do, and then one that does it.
 * @param {string} look @param {string} label @param {string[]} words @param {() => void} [after]
 */
function consider(look, label, words, after = () => {}) {
  const act = () => action({ label, main: true, words: () => words, done: (report) => (after(), summary(report)) }).element;
  const done = (/** @type {any} */ plan) => (plan ? h("div", { class: "said" }, foreseen(plan), act()) : null);
  return action({ label: look, words: () => [...words, "--dry-run"], changes: false, done }).element;
}

/** What would become of each record. @param {any} plan */
function foreseen(plan) {
  const id = known.about.id;
  const said = [plan.outcomes, plan.projections].map((counts) => Object.entries(counts).map(([name, value]) => `${sentence(name)}: ${value}`).join(", "));
  const records = plan.failures.flatMap((/** @type {any} */ failure) => failure.records);
  const rows = records.slice(0, 50).map((/** @type {any} */ record) => [record[id] ? h("a", { href: entityAt(record[id]), title: record[id] }, brief(record[id])) : "", plain(record.eventName).toLowerCase(), plain(record.version), held(record.writeModel), held(record.readModel), h("span", { class: record.projection === "failing" ? "red" : "" }, record.reason ?? record.projection)]);
  const heads = [known.about.entity, "change", "version", "table has", "read model has", "if projected"];
  return h("div", { class: "said" }, h("p", {}, `Failures that would be ${said[0]}.`), h("p", {}, said[1] ? `Records, if projected: ${said[1]}.` : "None of its records can be had any more."), rows.length ? h("div", { class: "scroll" }, table(heads, rows, "What would become of each record")) : null);
}

/** What a model has. @param {{state: string, version?: string | null}} model */
function held({ state, version }) {
  if (state === "absent") return "nothing";
  if (state === "unknown") return "";
  return state === "removed" ? `removed at ${version ?? "?"}` : `version ${version ?? "?"}`;
}

/** @param {any} answer @param {() => void} again */
function listed(answer, again) {
  const failures = answer?.failures ?? [];
  void again;
  if (failures.length === 0) return h("p", {}, "No failure waits.");
  const rows = failures.map((/** @type {any} */ failure) => {
    const context = failure.requestContext ?? {};
    const info = failure.DDBStreamBatchInfo ?? failure.info ?? {};
    return h(
      "tr",
      {},
      [h("a", { href: `#/failures/${encodeURIComponent(failure.id)}` }, brief(failure.id)), clock(Date.parse(failure.at)), failure.foreign ? "not of this stream" : sentence(context.condition ?? ""), count(context.approximateInvokeCount), count(info.batchSize)].map((cell) => h("td", {}, cell)),
    );
  });
  const heads = ["failure", "since", "why", "attempts", "records"];
  return h("div", { class: "scroll" }, h("table", {}, h("caption", { class: "quiet" }, "Failures that wait"), h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows)));
}

/** What a failure holds: why it was given up, and its records. @param {any} answer */
function details(answer) {
  const { failure, records, stream } = answer;
  const context = failure.requestContext ?? {};
  /** @type {[string, string][]} */
  const facts = [
    ["given up at", clock(Date.parse(failure.at))],
    ["why", sentence(context.condition ?? "")],
    ["attempts", count(context.approximateInvokeCount)],
    ["records that are left", stream === "whole" ? "all of them" : plain(stream)],
  ];
  const id = known.about.id;
  const rows = (records ?? []).slice(0, 50).map((/** @type {any} */ record) => h("tr", {}, [record[id] ? h("a", { href: entityAt(record[id]), title: record[id] }, brief(record[id])) : "", plain(record.eventName).toLowerCase(), plain(record.version), record.ageSeconds === null ? "" : span(record.ageSeconds * 1000)].map((cell) => h("td", {}, cell))));
  return h(
    "div",
    { class: "said" },
    h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("h3", {}, "Records"),
    h("div", { class: "scroll" }, h("table", {}, h("caption", { class: "quiet" }, "The records of this failure"), h("thead", {}, h("tr", {}, [known.about.entity, "change", "version", "age"].map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows))),
  );
}

/** `RetryAttemptsExhausted` as words. @param {string} name */
function sentence(name) {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** What came of it, in words. @param {any} report */
function summary(report) {
  if (!report) return null;
  const said = Object.entries(report).filter(([, value]) => typeof value === "number" && value > 0);
  const words = said.map(([name, value]) => `${sentence(name)}: ${value}`).join(", ");
  const failing = (report.failures ?? []).flatMap((/** @type {any} */ one) => [one.reason, ...(one.records ?? []).map((/** @type {any} */ record) => record.reason)]).filter(Boolean);
  return h("div", { class: "said" }, h("p", {}, words || "Nothing to do."), failing.slice(0, 3).map((/** @type {string} */ reason) => h("p", { class: "red" }, reason)));
}
