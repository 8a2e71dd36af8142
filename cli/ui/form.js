// Forms made of the description: a field for each that it takes, with its rule and its help.

import { action } from "./command.js";
import { fill, h } from "./dom.js";
import { known, on } from "./feed.js";
import { sent } from "./entity.js";
import { entityAt, view } from "./panel.js";
import { steps, ways } from "./way.js";
import { plain, words } from "./words.js";

/** @typedef {import("./feed.js").Input} Input */

/**
 * Fields for these, and the options that they come to.
 * @param {Input[]} all @param {() => void} changed @param {Record<string, unknown>} [example]
 */
export function inputs(all, changed, example = {}) {
  const fields = all.map((input) => {
    const { schema } = input;
    const choices = (schema.enum ?? schema.oneOf?.map((/** @type {any} */ one) => one.const) ?? ([schema.type].flat().includes("boolean") ? [true, false] : null))?.map(String);
    // What may be left out may be null too.
    const kinds = [schema.type].flat();
    const number = kinds.includes("integer") || kinds.includes("number");
    const several = kinds.includes("array");
    const lines = schema.format === "printable-lines";
    const given = example[input.name];
    const text = Array.isArray(given) ? given.map(plain).join(", ") : plain(given);
    const field = /** @type {HTMLInputElement} */ (
      choices
        ? h("select", { name: input.name, required: input.required }, [input.required ? [] : [""], choices].flat().map((/** @type {string} */ value) => h("option", { value }, value)))
        : h(lines ? "textarea" : "input", {
            name: input.name,
            type: lines ? null : number ? "number" : "text",
            required: input.required,
            min: schema.minimum,
            max: schema.maximum,
            step: kinds.includes("number") ? "any" : null,
            maxlength: schema.maxLength,
            placeholder: input.default !== null && input.default !== undefined && plain(input.default) !== "[]" ? plain(input.default) : null,
            autocomplete: "off",
            spellcheck: "false",
          })
    );
    field.value = text;
    field.addEventListener("input", changed);
    const help = [input.help.replace(/\.$/, ""), input.rule].filter(Boolean).join(": ") + (several ? "; several with commas between" : "");
    const id = `help-${input.name}-${(unique += 1)}`;
    field.setAttribute("aria-describedby", id);
    const label = h("label", { class: "field" }, h("span", {}, words(input.name) + (input.required ? "" : " (optional)")), field, h("span", { class: "help", id }, help));
    return { input, field, label, several };
  });
  return {
    element: h("div", { class: "fields" }, fields.map(({ label }) => label)),
    options: () =>
      fields.flatMap(({ input, field, several }) => {
        if (field.value === "") return [];
        const values = several ? field.value.split(",").map((one) => one.trim()).filter(Boolean) : [field.value];
        return values.map((value) => `--${input.option}=${value}`);
      }),
    valid: () => fields.every(({ field }) => field.reportValidity()),
  };
}

let unique = 0;

export function begin() {
  view(/^\/new$/, () => ({
    title: `New ${known.about.entity}`,
    show: (content) => {
      const { about } = known;
      if (about.readOnly) {
        content.append(h("p", {}, "Nothing can be changed here: the page is read-only."));
        return;
      }
      const came = h("div", { "aria-live": "polite" });
      let began = 0;
      let id = "";
      const fields = inputs(about.draft, () => doing.renew(), about.example ?? {});
      const doing = action({
        label: `Create ${/^[aeiou]/.test(about.entity) ? "an" : "a"} ${about.entity}`,
        main: true,
        words: () => [about.entity, "create", ...fields.options(), "--wait=20"],
        done: (answer) => {
          id = answer?.[about.id] ?? answer?.[about.entity]?.[about.id] ?? "";
          if (id) sent.set(id, began);
          draw();
          return null;
        },
      });
      const draw = () => {
        if (!id) return;
        const way = ways(id)[0];
        fill(came, h("p", {}, h("a", { href: entityAt(id) }, id)), way ? steps(way, began) : null);
      };
      const form = h("form", { novalidate: true }, fields.element, doing.element, came);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        form.querySelector("button")?.click();
      });
      // Before the action's own listener, so that what is wrong is never sent.
      form.addEventListener(
        "click",
        (event) => {
          const target = /** @type {HTMLElement} */ (event.target);
          if (!target.matches("button.main")) return;
          if (!fields.valid()) {
            event.stopPropagation();
            event.preventDefault();
          }
          began = Date.now();
        },
        true,
      );
      content.append(h("p", { class: "grey" }, "It is written to the table, and visible when the read model has it: this page waits, and shows the way."), form);
      return on("tick", draw);
    },
  }));
}
