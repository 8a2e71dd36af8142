// Begins: what is known is asked for, then everything is drawn.

import * as band from "./band.js";
import { command } from "./command.js";
import { at, fill, h, say } from "./dom.js";
import * as entity from "./entity.js";
import * as failures from "./failures.js";
import * as faults from "./faults.js";
import { known, on, start } from "./feed.js";
import * as form from "./form.js";
import * as list from "./list.js";
import * as models from "./models.js";
import * as panel from "./panel.js";
import { entityAt } from "./panel.js";
import * as part from "./part.js";
import * as timeline from "./timeline.js";
import { outcome } from "./way.js";
import { brief, clock, count, span } from "./words.js";

/** Changes that are listed. */
const LATEST = 8;

try {
  await start();
  draw();
} catch (error) {
  fill(at("said"), `The page cannot begin: ${/** @type {Error} */ (error).message}. Is \`cqrs ui\` still running?`);
  at("said").classList.add("red");
}

function draw() {
  const { about } = known;
  say(at("stack"), about.stack);
  document.title = `${about.stack} · cqrs`;
  const where = about.target === "local" ? "on this machine" : `on AWS, ${about.region}`;
  say(at("where"), `${where}${about.readOnly ? ", read-only" : ""}${about.hidden ? ", documents hidden" : ""}`);
  /** @type {[string, string][]} */
  const views = [["#/list", about.plural], ...(about.readOnly ? [] : /** @type {[string, string][]} */ ([["#/new", `new ${about.entity}`]])), ["#/failures", "failures"], ["#/models", "models"]];
  if (about.target === "local") views.push(["#/faults", "faults"]);
  fill(at("views"), views.map(([href, text]) => h("a", { href }, text)));
  for (const one of [band, timeline, part, entity, form, list, failures, models, faults]) one.begin();
  panel.begin();
  on("facts", first);
  on("now", first);
  on("gone", (at_) => {
    say(at("said"), `cqrs ui does not answer since ${at_}; what is shown was so before.`);
    at("said").classList.add("red");
  });
  on("here", () => at("said").classList.remove("red"));
  for (const event of ["facts", "now", "here"]) on(event, status);
  let last = 0;
  const latest = () => {
    // More often than this nobody reads.
    if (performance.now() - last < 600) return;
    last = performance.now();
    changes();
  };
  on("tick", latest);
  on("now", changes);
  first();
  status();
  changes();
}

/** What needs somebody, in one line that is read out when it changes. */
function status() {
  const { facts } = known;
  if (!known.here || !facts) return;
  const bad = Object.entries(facts.parts).filter(([, part]) => part?.health === "failed");
  const said = at("said");
  said.classList.toggle("red", bad.length > 0);
  const text = facts.why ?? (bad.length ? `${label(bad[0][0])}: ${bad[0][1]?.advice?.message ?? "failed"}` : facts.stack === "there" ? (facts.cost ?? "") : "");
  say(said, text);
}

/** What a part is called in the band. @param {string} name */
function label(name) {
  const key = name === "mapping" ? "stream" : name;
  return band.PARTS.find((part) => part.key === key)?.name ?? name;
}

/** What to do first, where there is nothing to see yet. */
function first() {
  const { about, facts } = known;
  const there = !facts || facts.stack === "there" || facts.stack === "unknown";
  const held = facts?.parts.writeModel?.[about.plural];
  const box = at("first");
  const place = about.place.length ? ` ${about.place.join(" ")}` : "";
  /** @type {(string | Node)[] | null} */
  let content = null;
  if (!there) {
    content =
      facts?.stack === "stopped"
        ? [h("h2", {}, "The stack does not run"), h("p", { class: "grey" }, "Its contents are kept. Any command starts it, such as this one:"), command(`cqrs ${about.entity} list${place}`)]
        : [h("h2", {}, "Nothing is deployed yet"), h("p", { class: "grey" }, about.target === "local" ? "This makes the whole stack on this machine, in seconds; the page shows it as soon as it is there:" : "This makes the stack in your account; the page shows it as soon as it is there:"), command(`cqrs deploy${place}`)];
  } else if (held === 0 && !known.tick?.parts.writeModel?.rate) {
    const example = about.draft.filter((input) => about.example && input.name in about.example).map((input) => ` --${input.option} ${String(about.example?.[input.name])}`);
    content = [h("h2", {}, `There is no ${about.entity} yet`), h("p", { class: "grey" }, "Write the first, and watch it travel from left to right:"), command(`cqrs ${about.entity} create${example.join("")}${place}`)];
    if (!about.readOnly) content.push(h("p", {}, h("a", { href: "#/new" }, `or fill in a form`)));
  }
  const key = content ? content.map((one) => (one instanceof Node ? one.textContent : one)).join() : "";
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.hidden = !content;
  fill(box, content ?? []);
}

/** The latest changes, no more than there is room for. */
function changes() {
  const rows = [];
  const seen = new Set();
  for (let i = known.ways.length - 1; i >= 0 && rows.length < LATEST; i -= 1) {
    const way = known.ways[i];
    if (seen.has(way.sequence)) continue;
    seen.add(way.sequence);
    rows.push([h("a", { href: entityAt(way.id), title: way.id }, brief(way.id)), clock(way.writtenMs, true), span(way.endedMs - way.writtenMs), way.attempt > 1 ? `${count(way.attempt)} attempts` : "1 attempt", h("span", { class: way.outcome === "givenUp" ? "red" : "" }, outcome(way))]);
  }
  const table = /** @type {Element} */ (at("latest").querySelector("table"));
  const rate = known.tick?.parts.readModel?.rate ?? 0;
  say(at("latest-said"), known.about.target === "aws" ? "on AWS single changes are not seen; search by id" :  rate > 60 ? "a sample: there are more than can be read" : rows.length ? "" : "none yet");
  if (table.contains(document.activeElement)) return;
  const heads = [known.about.entity, "written", "lag", "tried", "outcome"];
  fill(table, h("caption", { class: "quiet" }, "The latest changes"), rows.length ? h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))) : null, h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))));
}
