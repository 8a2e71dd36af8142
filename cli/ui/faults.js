// Faults on purpose, on this machine: what happens, and how it heals.

import { command, run, trouble, typed } from "./command.js";
import { fill, h } from "./dom.js";
import { known, on } from "./feed.js";
import { view } from "./panel.js";
import { count, span } from "./words.js";

/**
 * What can go wrong: the words, what happens, what heals it, and a number that may be chosen.
 * @type {{name: string, label: string, words: string[], number?: {option: string, value: number, most: number, unit: string}, happens: string, heals: string}[]}
 */
const FAULTS = [
  { name: "poison", label: "Poison records", words: ["poison"], number: { option: "records", value: 3, most: 10_000, unit: "records" }, happens: "The next records cannot be read. Each is tried again, then given up to the failures queue; those after it go on.", heals: "To heal it, clear the faults, then retry the failures: the stream still has the records." },
  { name: "throttle", label: "Throttle the subscriber", words: ["throttle", "--function=subscriber"], number: { option: "for", value: 10, most: 3600, unit: "s" }, happens: "Its calls are turned away. The stream waits, and the lag grows.", heals: "It heals by itself: the stream is read on from where it was." },
  { name: "kill", label: "Kill the subscriber", words: ["kill", "--function=subscriber"], number: { option: "for", value: 3, most: 3600, unit: "s" }, happens: "Its processes die in the middle of their work, again and again.", heals: "It heals by itself: what was not acknowledged is delivered again." },
  { name: "stop-cache", label: "Stop the cache", words: ["stop-cache"], number: { option: "for", value: 8, most: 3600, unit: "s" }, happens: "It does not answer. Commands are still taken; queries fail; the lag grows.", heals: "It heals by itself: the stream has kept what the cache did not take." },
  { name: "slow-cache", label: "Slow the cache", words: ["slow-cache"], number: { option: "for", value: 15, most: 3600, unit: "s" }, happens: "It takes about a tenth of a second to answer.", heals: "It heals by itself: batches grow, and the lag shrinks again." },
  { name: "lose-cache", label: "Lose the cache's contents", words: ["lose-cache"], happens: "The read model is empty. Queries say that it is incomplete, and never that there is nothing.", heals: "It heals by itself on this machine: it is made again from the table. On AWS `cqrs rebuild` does it." },
  { name: "duplicate", label: "Send duplicates", words: ["duplicate"], number: { option: "records", value: 20, most: 10_000, unit: "records" }, happens: "The next records come twice.", heals: "There is nothing to heal: only what is newer is applied." },
  { name: "late", label: "Send late records", words: ["late", "--after=5"], number: { option: "records", value: 20, most: 10_000, unit: "records" }, happens: "The next records come once more, five seconds later, after newer ones.", heals: "There is nothing to heal: an old record does not bring an old state back." },
];

export function begin() {
  view(/^\/faults$/, () => ({
    title: "Faults on purpose",
    show: (content) => {
      if (known.about.target !== "local") {
        content.append(h("p", {}, "Faults are for stacks on this machine: `cqrs ui --local` has them."));
        return;
      }
      const active = h("div", { class: "said", "aria-live": "polite" });
      const said = h("div", { role: "status" });
      const begins = async (/** @type {string[]} */ words) => {
        const { error } = await run(["local", "fault", ...words]);
        fill(said, error ? trouble(error) : null);
      };
      const draw = () => {
        const clear = h("button", { type: "button" }, "Clear all faults");
        clear.addEventListener("click", () => void begins(["clear"]));
        fill(
          active,
          known.faults.length
            ? h("ul", { class: "said" }, known.faults.map((fault) => h("li", {}, h("span", { class: "red" }, "■ "), fault.fault, h("span", { class: "grey" }, fault.left !== null ? `, ${count(fault.left)} records to come` : fault.untilMs ? `, ${span(Math.max(0, fault.untilMs - Date.now()))} left` : ""))))
            : h("p", { class: "grey" }, "Nothing goes wrong on purpose now. Watch the band and the time line while you try."),
          known.about.readOnly ? null : h("div", { class: "buttons" }, clear, h("code", {}, typed(["local", "fault", "clear"]))),
        );
      };
      draw();
      content.append(active, said, h("div", {}, FAULTS.map((fault) => offered(fault, begins))));
      const ends = [on("faults", draw), on("now", draw)];
      const ticking = setInterval(() => known.faults.some((fault) => fault.untilMs) && draw(), 1000);
      return () => {
        clearInterval(ticking);
        ends.forEach((end) => end());
      };
    },
  }));
}

/** @param {typeof FAULTS[number]} fault @param {(words: string[]) => Promise<void>} begins */
function offered(fault, begins) {
  const { number } = fault;
  const input = number ? /** @type {HTMLInputElement} */ (h("input", { type: "number", min: 1, max: number.most, value: number.value, "aria-label": `${fault.label}: ${number.unit}` })) : null;
  const words = () => [...fault.words, ...(number && input ? [`--${number.option}=${input.value || number.value}`] : [])];
  const shown = h("div");
  const renew = () => fill(shown, command(typed(["local", "fault", ...words()])));
  renew();
  input?.addEventListener("input", renew);
  const button = /** @type {HTMLButtonElement} */ (h("button", { type: "button", "data-fault": fault.name }, fault.label));
  button.disabled = known.about.readOnly;
  button.addEventListener("click", async () => {
    if (input && !input.reportValidity()) return;
    button.disabled = true;
    await begins(words());
    button.disabled = false;
  });
  return h("div", { class: "fault" }, h("div", { class: "row" }, button, input, number ? h("span", { class: "grey" }, number.unit) : null), h("p", {}, fault.happens, " ", fault.heals), shown);
}
