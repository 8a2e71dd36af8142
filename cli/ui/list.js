// Lists: all, or those of one value of a field, a page at a time; and the way to one by its id.

import { command, typed } from "./command.js";
import { fill, h } from "./dom.js";
import { ask, known } from "./feed.js";
import { attempt, entityAt, view } from "./panel.js";
import { brief, clock, plain, words } from "./words.js";

/** Columns that a list has room for, besides the id. */
const COLUMNS = 4;

export function begin() {
  view(/^\/list(?:\?(.*))?$/, (query) => ({
    title: known.about.plural[0].toUpperCase() + known.about.plural.slice(1),
    show: (content) => {
      const asked = new URLSearchParams(query === "undefined" ? "" : query);
      const field = asked.get("field") ?? "";
      const value = asked.get("value") ?? "";
      const rows = h("div", { class: "scroll" });
      content.append(byId(), filter(field, value), rows);
      void attempt(rows, () => page(rows, field, value, null));
    },
  }));
}

/** Goes to an entity by its id. */
function byId() {
  const { entity } = known.about;
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "text", name: "id", required: true, autocomplete: "off", spellcheck: "false" }));
  const form = h("form", {}, h("label", { class: "field" }, `One ${entity}, by its id`, input), h("div", { class: "buttons" }, h("button", {}, "Open")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) location.hash = entityAt(input.value.trim());
  });
  return form;
}

/** Chooses a list. @param {string} field @param {string} value */
function filter(field, value) {
  const { lists, statuses, plural } = known.about;
  const choice = /** @type {HTMLSelectElement} */ (h("select", { name: "field" }, h("option", { value: "" }, `all ${plural}`), lists.map((list) => h("option", { value: list.field }, `by ${words(list.field)}`))));
  choice.value = field;
  const values = h("span");
  const go = (/** @type {string} */ of, /** @type {string} */ text) => {
    location.hash = of && text ? `#/list?${new URLSearchParams({ field: of, value: text })}` : "#/list";
  };
  const draw = () => {
    if (!choice.value) return fill(values);
    const input = /** @type {HTMLInputElement} */ (
      choice.value === "status" && statuses.length
        ? h("select", { name: "value" }, statuses.map((status) => h("option", { value: status }, status)))
        : h("input", { type: "text", name: "value", autocomplete: "off", placeholder: "value" })
    );
    if (choice.value === field) input.value = value;
    fill(values, h("label", { class: "field" }, h("span", {}, words(choice.value)), input));
  };
  draw();
  choice.addEventListener("change", () => {
    draw();
    if (!choice.value) go("", "");
  });
  const form = h("form", {}, h("label", { class: "field" }, h("span", {}, "Which list"), choice), values, h("div", { class: "buttons" }, h("button", {}, "Show")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const input = /** @type {HTMLInputElement | null} */ (form.querySelector("[name=value]"));
    go(choice.value, input?.value.trim() ?? "");
  });
  return form;
}

/** Shows one page in the place of what was there. @param {HTMLElement} rows @param {string} field @param {string} value @param {string | null} cursor */
async function page(rows, field, value, cursor) {
  const { about } = known;
  const query = new URLSearchParams({ ...(field && value ? { field, value } : {}), ...(cursor ? { cursor } : {}) });
  const got = await ask(`list?${query}`);
  const option = about.lists.find((list) => list.field === field)?.option;
  const words_ = [about.entity, "list", ...(option && value ? [`--${option}=${value}`] : []), "--limit=50"];
  const own = about.columns.filter((name) => name !== about.id && name !== field && !["version", "updatedAt", "createdAt", "status"].includes(name));
  const columns = [...(about.columns.includes("status") && field !== "status" ? ["status"] : []), ...own].slice(0, COLUMNS);
  const cells = (/** @type {any} */ row) => [
    h("a", { href: entityAt(row[about.id]), title: row[about.id] }, brief(String(row[about.id]))),
    ...columns.map((name) => (about.hidden && row[name] === null ? "hidden" : plain(row[name]))),
    plain(row.version),
    row.createdAt ? clock(Date.parse(row.createdAt)) : "",
  ];
  const heads = [about.id, ...columns, "version", "createdAt"].map(words);
  const table = h(
    "table",
    {},
    h("caption", { class: "quiet" }, `${about.plural}, the newest first`),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, got.rows.map((/** @type {any} */ row) => h("tr", {}, cells(row).map((cell) => h("td", {}, cell))))),
  );
  const more = got.cursor ? h("button", { type: "button" }, "The next 50") : null;
  more?.addEventListener("click", () => void attempt(rows, () => page(rows, field, value, got.cursor)));
  fill(rows, got.rows.length ? table : h("p", { class: "grey" }, "There are none."), h("div", { class: "buttons" }, more), command(typed(words_)));
  if (cursor) rows.scrollIntoView({ block: "nearest" });
}
