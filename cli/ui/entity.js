// One entity: both models side by side, its way, its log, and what can be done to it.

import { action, command, run, typed } from "./command.js";
import { fill, h } from "./dom.js";
import { ask, known, on } from "./feed.js";
import { inputs } from "./form.js";
import { attempt, view } from "./panel.js";
import { logged } from "./part.js";
import { steps, ways } from "./way.js";
import { brief, plain, words } from "./words.js";

/** When a command of this page for an entity was sent. @type {Map<string, number>} */
export const sent = new Map();

export function begin() {
  view(/^\/one\/([^/?]+)$/, (id) => ({
    title: `${known.about.entity} ${brief(id)}`,
    show: (content) => {
      const models = h("div");
      const way = h("div");
      const actions = h("div");
      const log = h("div");
      content.append(
        h("code", {}, id),
        models,
        h("h3", {}, "Its way"),
        way,
        ...(known.about.readOnly ? [] : [h("h3", {}, "What can be done")]),
        actions,
        h("h3", {}, "Its log"),
        log,
      );
      /** @type {string | null} */
      let status = null;
      let again = false;
      let reading = false;
      const read = async () => {
        if (reading) {
          again = true;
          return;
        }
        reading = true;
        await attempt(models, async () => {
          const both = await ask(`entity?id=${encodeURIComponent(id)}`);
          fill(models, sides(both));
          const now = both.written?.status ?? null;
          if (now !== status || !actions.hasChildNodes()) {
            status = now;
            if (both.written && !both.written.error) fill(actions, commands(id, both.written));
          }
        });
        reading = false;
        if (again) {
          again = false;
          void read();
        }
      };
      const draw = () => {
        const all = ways(id).slice(0, 4);
        fill(way, all.length ? all.map((attempts) => steps(attempts, sent.get(`${id} ${attempts[0].sequence}`) ?? near(id, attempts[0].writtenMs))) : h("p", { class: "grey" }, known.about.target === "aws" ? "On AWS the log below tells its way." : "It did not change since this page was opened; the log below tells of earlier ways."));
      };
      const logs = ["logs", `--${known.about.entity}=${id}`, "--since=1d"];
      const shown = h("div", { class: "heard mono", tabindex: "0", role: "region", "aria-label": "Log lines" });
      const look = h("button", { type: "button" }, "Show its log");
      look.addEventListener("click", async () => {
        const { answer, error } = await run(logs);
        const all = Array.isArray(answer) ? answer : answer ? [answer] : [];
        fill(shown, error ? error.message : all.slice(-60).map(logged).join("\n") || "No line of the last day names it.");
      });
      fill(log, h("div", { class: "said" }, command(typed(logs)), h("div", { class: "buttons" }, look), shown));
      void read();
      draw();
      const concerns = (/** @type {import("./feed.js").Tick} */ tick) => {
        if (!tick.ways.some((way) => way.id === id)) return;
        draw();
        void read();
      };
      // What was changed past the stream is seen too, though not at once: to read is a query of its own.
      let last = performance.now();
      const seldom = () => {
        if (performance.now() - last < 10_000) return;
        last = performance.now();
        void read();
      };
      const ends = [on("tick", concerns), on("facts", seldom)];
      return () => ends.forEach((end) => end());
    },
  }));
}

/** When the command that led to a write was sent, where this page sent it. @param {string} id @param {number} writtenMs */
function near(id, writtenMs) {
  const at = sent.get(id);
  return at !== undefined && at <= writtenMs && writtenMs - at < 3000 ? at : undefined;
}

/** Both models, field by field. @param {any} both */
function sides(both) {
  const { written, shown, compared } = both;
  const failed = [written, shown].find((side) => side?.error);
  const said = failed
    ? h("p", { class: "red" }, failed.error)
    : !written && !shown
      ? h("p", {}, `There is no ${known.about.entity} of this id.`)
      : h("p", { class: agree(compared) ? "grey" : "red" }, agree(compared) ? "Both models say the same." : differs(compared));
  const has = (/** @type {any} */ side) => side && !side.error;
  if (!has(written) && !has(shown)) return said;
  const names = [...new Set([...known.about.columns, ...(has(shown) ? Object.keys(shown) : [])])].filter((name) => name !== known.about.id);
  const differing = new Set((compared?.fields ?? []).map((/** @type {any} */ field) => field.field ?? field.name));
  const rows = names.map((name) => {
    const [one, other] = [has(written) ? value(written[name]) : "", has(shown) ? value(shown[name]) : ""];
    const unlike = differing.has(name) || (has(written) !== has(shown) && name !== known.about.id) || (has(written) && has(shown) && plain(written[name]) !== plain(shown[name]) && written[name] !== undefined && written[name] !== null);
    return h("tr", { class: unlike ? "differs" : "" }, h("td", {}, words(name)), h("td", {}, one || (has(written) ? "" : "–")), h("td", {}, other || (has(shown) ? "" : "–")));
  });
  const head = [h("span", { class: "quiet" }, "field"), "write model", "read model"].map((text) => h("th", { scope: "col" }, text));
  return h("div", {}, said, h("table", { class: "models" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}

/** @param {unknown} given */
function value(given) {
  if (known.about.hidden && given === null) return "hidden";
  const text = plain(given);
  return /^\d{4}-\d\d-\d\dT/.test(text) ? text.replace("T", " ") : text;
}

/** @param {any} compared */
function agree(compared) {
  return !compared || compared.state === "same";
}

/** @param {any} compared */
function differs(compared) {
  const { state, version, written } = compared;
  switch (state) {
    case "missing":
      return "The read model does not have it.";
    case "behind":
      return `The read model is behind: it has version ${version}, the table has ${written}.`;
    case "ahead":
      return written ? `The read model has version ${version}, the table has ${written}.` : "The read model has it, and the table does not.";
    case "tombstone":
      return "The read model has it as removed.";
    default:
      return `The two differ${compared.reason ? `: ${compared.reason}` : "."}`;
  }
}

/** What can be done to it now. @param {string} id @param {any} document */
function commands(id, document) {
  if (known.about.readOnly) return h("p", { class: "grey" }, "Nothing can be changed here: the page is read-only.");
  const { entity } = known.about;
  const open = known.about.commands.filter((command) => !command.from || !document.status || command.from.includes(document.status));
  if (open.length === 0) return h("p", { class: "grey" }, `Nothing: it is ${document.status}.`);
  return h(
    "div",
    { class: "said" },
    open.map((given) => {
      const fields = inputs(given.inputs, () => doing.renew());
      const doing = action({
        label: `${given.name}${given.help ? `: ${given.help.toLowerCase()}` : ""}`,
        words: () => {
          sent.set(id, Date.now());
          return [entity, given.name, id, ...fields.options(), "--wait=20"];
        },
      });
      return h("div", { class: "fault" }, fields.element, doing.element);
    }),
  );
}
