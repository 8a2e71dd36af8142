// Both models: are they the same, and how to make them so.

import { action } from "./command.js";
import { h } from "./dom.js";
import { known } from "./feed.js";
import { entityAt, view } from "./panel.js";
import { count, plain, words } from "./words.js";

export function begin() {
  view(/^\/models$/, () => ({
    title: "The two models",
    show: (content) => {
      const { plural } = known.about;
      const verify = action({ label: "Compare", main: true, changes: false, words: () => ["verify"], done: found });
      const repair = action({ label: "Compare and repair", words: () => ["verify", "--repair"], done: found });
      const rebuild = action({ label: "Rebuild", words: () => ["rebuild"], done: (answer) => numbers(answer) });
      content.append(
        h("p", { class: "grey" }, `The write model is the truth; the read model follows it. Comparing reads all ${plural} of both, and looks again at what differs, since a change on its way is no difference.`),
        verify.element,
        h("p", { class: "grey" }, "Repairing projects again what differs."),
        repair.element,
        h("p", { class: "grey" }, `Rebuilding projects all ${plural} of the table anew, while others are written and read.`),
        rebuild.element,
      );
    },
  }));
}

/** @param {any} answer */
function found(answer) {
  const differing = answer?.differences ?? answer?.differing ?? [];
  const id = known.about.id;
  return h(
    "div",
    { class: "said" },
    numbers(answer),
    Array.isArray(differing) && differing.length
      ? h("ul", { class: "said" }, differing.slice(0, 50).map((/** @type {any} */ one) => h("li", {}, h("a", { href: entityAt(one[id]) }, one[id]), ` ${one.kind}`)))
      : null,
  );
}

/** The numbers of an answer. @param {any} answer */
function numbers(answer) {
  const facts = Object.entries(answer ?? {}).filter(([, value]) => ["number", "string"].includes(typeof value));
  return h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, words(name)), h("dd", {}, typeof value === "number" ? count(value) : plain(value))]));
}
