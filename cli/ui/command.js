// Commands of the tool: how they are typed, and what they say when the page runs them. What is shown is
// what is run.

import { fill, h } from "./dom.js";
import { known } from "./feed.js";

/** A word as a shell takes it. @param {string} word */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command as a person types it. @param {string[]} words */
export function typed(words) {
  const local = words[0] === "local";
  const place = known.about.place.filter((option) => !(local && option === "--local"));
  return ["cqrs", ...words.map(quoted), ...place].join(" ");
}

/** A command to read and to copy. @param {string} text */
export function command(text) {
  const copy = h("button", { type: "button", class: "plain", "aria-label": `Copy: ${text}` }, "copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text).catch(() => {});
    fill(copy, "copied");
    setTimeout(() => fill(copy, "copy"), 1500);
  });
  return h("div", { class: "command" }, h("code", {}, text), copy);
}

/**
 * Runs a command of the tool.
 * @param {string[]} words
 * @param {(line: string) => void} [heard] hears each line that it says
 * @returns {Promise<{exit: number | null, answer: any, error: {message: string, hint?: string, causes?: string[]} | null}>}
 */
export async function run(words, heard = () => {}) {
  const sent = await fetch("api/run", { method: "POST", body: JSON.stringify({ words }), headers: { "content-type": "application/json" } });
  if (!sent.ok || !sent.body) {
    const { error } = await sent.json();
    return { exit: 2, answer: null, error };
  }
  let exit = null;
  let answer = null;
  let error = null;
  const reader = sent.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? "";
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = JSON.parse(line);
      if ("exit" in message) exit = message.exit;
      else if ("answer" in message) answer = message.answer;
      else if (message.line.startsWith('{"error"')) error = failure(message.line) ?? error;
      else heard(message.line);
    }
    if (done) return { exit, answer, error };
  }
}

/** @param {string} line */
function failure(line) {
  try {
    return JSON.parse(line).error;
  } catch {
    return null;
  }
}

/** What went wrong, and what to do. @param {{message: string, hint?: string | null, causes?: string[]}} error */
export function trouble(error) {
  return h(
    "div",
    { class: "said", role: "alert" },
    h("p", { class: "red" }, error.message),
    (error.causes ?? []).map((cause) => h("p", { class: "grey" }, cause)),
    error.hint ? h("p", {}, error.hint) : null,
  );
}

/** On AWS whatever changes something is asked once. @param {string} text @returns {Promise<boolean>} */
export function agreed(text) {
  if (known.about.target !== "aws") return Promise.resolve(true);
  return new Promise((answered) => {
    const { stack, region } = known.about;
    const dialog = /** @type {HTMLDialogElement} */ (
      h(
        "dialog",
        { "aria-label": "Run this on AWS?" },
        h(
          "form",
          { method: "dialog" },
          h("p", {}, `This changes stack ${stack} in ${region}.`),
          h("code", {}, text),
          h("div", { class: "buttons" }, h("button", { value: "yes", class: "main" }, "Run it"), h("button", { value: "no", autofocus: true }, "Leave it")),
        ),
      )
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      answered(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * A button that runs a command, with the command below it, what it says, and what it came to.
 * @param {{label: string, words: () => string[], main?: boolean, changes?: boolean, done?: (answer: any, exit: number | null) => Node | string | null}} given
 */
export function action({ label, words, main = false, changes = true, done }) {
  const button = /** @type {HTMLButtonElement} */ (h("button", { type: "button", class: main ? "main" : "" }, label));
  const shown = h("div");
  const outcome = h("div", { "aria-live": "polite" });
  const element = h("div", { class: "said" }, shown, h("div", { class: "buttons" }, button), outcome);
  const renew = () => fill(shown, command(typed(words())));
  renew();
  if (changes && known.about.readOnly) button.disabled = true;
  button.addEventListener("click", async () => {
    const asked = words();
    if (changes && !(await agreed(typed(asked)))) return;
    button.disabled = true;
    const lines = h("div", { class: "heard mono", tabindex: "0", role: "log", "aria-label": "What the command says" });
    fill(outcome, lines);
    const { exit, answer, error } = await run(asked, (line) => {
      lines.append(`${line}\n`);
      // No more is kept than is read.
      while (lines.childNodes.length > 60) lines.firstChild?.remove();
      lines.scrollTop = lines.scrollHeight;
    });
    button.disabled = false;
    if (error && !(exit === 1 && answer)) outcome.append(trouble(error));
    const more = done?.(answer, exit);
    if (more) outcome.append(more);
    else if (exit === 0 && !lines.textContent) outcome.append(h("p", {}, "Done."));
  });
  return { element, renew };
}
