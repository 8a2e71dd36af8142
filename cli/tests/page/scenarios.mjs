// What is done in the browser, and what must be seen then.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";

/** Waits until `holds` gives something true; what never does is ended by the test's own patience. */
async function until(holds, what) {
  const end = Date.now() + 60_000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not seen: ${what}`);
    await new Promise((go) => setTimeout(go, 100));
  }
}

/** The text of an element. */
const text = (page, selector) => page.locator(selector).first().innerText();

/** Fails with what axe finds against the page as it is. */
async function accessible(page, axe, where) {
  // The page lets no script in but its own: the test's is put in past that.
  await page.evaluate(await readFile(axe, "utf8"));
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  });
  assert.deepEqual(found, [], `${where} can be read by everybody`);
}

/** One that was created through the form, by its example. */
async function create(page) {
  await page.goto(page.url().split("#")[0] + "#/new");
  await page.locator("#content button.main").click();
  const link = page.locator("#content form [aria-live] a").last();
  await link.waitFor();
  return link.innerText();
}

export const scenarios = {
  /** The first paint, a change on its way, and one entity with both models. */
  async travels({ open, cqrs }) {
    const page = await open();
    assert.equal(await page.locator("#parts li").count(), 7);
    await page.locator("#first code").waitFor();
    const id = await create(page);
    // The page waits with the command, and shows the way step by step.
    await page.locator("#content .steps", { hasText: "visible in the read model" }).waitFor();
    await page.locator("#latest", { hasText: id.slice(-6) }).waitFor();
    await page.locator("#content form [aria-live] a").last().click();
    await page.locator(".models").waitFor();
    assert.match(await text(page, "#content"), /Both models say the same/);
    assert.ok(page.url().endsWith(`#/one/${id}`), "the address holds what is open");
    // Written from elsewhere, seen here without a word.
    const before = await page.locator(".steps").count();
    const button = page.locator("#content .fault .buttons button").first();
    const command = await page.locator("#content .fault code").first().innerText();
    await button.click();
    await until(async () => (await page.locator(".steps").count()) > before, "the way of the second change");
    assert.match(command, new RegExp(`^cqrs \\S+ \\S+ ${id}`));
    await page.reload();
    await page.locator(".models").waitFor();
    assert.equal(await page.locator(".models tr.differs").count(), 0);
    assert.equal((await cqrs("verify")).differences?.length ?? 0, 0);
  },

  /** Lists, search by id, and a form that says what is wrong before anything is sent. */
  async finds({ open }) {
    const page = await open();
    const id = await create(page);
    await page.goto(page.url().split("#")[0] + "#/list");
    await page.locator("#content table a").first().waitFor();
    await page.locator("#content input[name=id]").fill(id);
    await page.keyboard.press("Enter");
    await page.locator(".models").waitFor();
    assert.ok(page.url().endsWith(`#/one/${id}`));
    await page.goto(page.url().split("#")[0] + "#/new");
    const required = page.locator("#content input[required]").first();
    await required.fill("");
    await page.locator("#content button.main").click();
    assert.ok(await required.evaluate((input) => !input.checkValidity()));
    assert.equal(await page.locator("#content form [aria-live] a").count(), 0);
  },

  /** All that is done with a mouse can be done without one. */
  async keyboard({ open }) {
    const page = await open();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.className), "skip");
    const reached = new Set();
    for (let i = 0; i < 40; i += 1) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => document.activeElement?.getAttribute("href") ?? document.activeElement?.getAttribute("name") ?? document.activeElement?.tagName));
    }
    for (const part of ["caller", "publisher", "writeModel", "stream", "subscriber", "readModel", "query"]) {
      assert.ok(reached.has(`#/part/${part}`), part);
    }
    for (const other of ["#/list", "#/new", "#/failures", "#/models", "span", "SUMMARY"]) assert.ok(reached.has(other), other);
    const link = page.locator('#parts a[href="#/part/subscriber"]');
    await link.focus();
    await page.keyboard.press("Enter");
    await page.locator("#panel").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.id), "panel");
    await page.keyboard.press("Escape");
    await page.locator("#panel").waitFor({ state: "hidden" });
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("href")), "#/part/subscriber");
  },

  /** Whoever uses a screen reader, little space, or no motion. */
  async everybody({ open, axe }) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open({ colorScheme });
      const id = await create(page);
      await accessible(page, axe, `${colorScheme}, the form`);
      for (const hash of ["#/", "#/list", "#/failures", "#/models", "#/faults", "#/part/stream", `#/one/${id}`]) {
        await page.goto(page.url().split("#")[0] + hash);
        await page.waitForTimeout(300);
        await accessible(page, axe, `${colorScheme} ${hash}`);
      }
      await page.context().close();
    }
    const small = await open({ viewport: { width: 360, height: 740 }, reducedMotion: "reduce" });
    const id = await create(small);
    for (const hash of ["#/", "#/list", "#/new", "#/faults", `#/one/${id}`]) {
      await small.goto(small.url().split("#")[0] + hash);
      await small.waitForTimeout(300);
      const [wide, seen] = await small.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= seen, `${hash}: ${wide} px on ${seen} px`);
    }
    assert.equal(await small.evaluate(() => globalThis.cqrsFlow.dots.length), 0);
  },

  /** Each fault is seen as what it is, and heals. */
  async faults({ open, cqrs, axe }) {
    const page = await open({}, "#/faults");
    const names = await page.locator("[data-fault]").evaluateAll((all) => all.map((one) => one.dataset.fault));
    assert.equal(names.length, 8);
    for (const name of names) {
      const box = page.locator(".fault", { has: page.locator(`[data-fault=${name}]`) });
      const number = box.locator("input");
      if (await number.count()) await number.fill("2");
      const shown = await box.locator("code").innerText();
      assert.match(shown, new RegExp(`^cqrs local fault ${name}`));
      await page.locator(`[data-fault=${name}]`).click();
      if (name !== "lose-cache") await page.locator("#content li", { hasText: name }).waitFor();
      // Two, so that one is left where the other one is poisoned.
      await page.evaluate(() => {});
      const example = await page.evaluate(async () => (await (await fetch("api/about")).json()));
      const options = example.draft.filter((input) => input.name in example.example).map((input) => `--${input.option}=${example.example[input.name]}`);
      for (let i = 0; i < 2; i += 1) await cqrs(example.entity, "create", ...options);
      await until(async () => (await page.evaluate(async () => (await (await fetch("api/now")).json()).history.marks.length)) > 0, "a mark");
      if (name === "poison") {
        await until(async () => (await text(page, "#queue b")) !== "0" && (await text(page, "#queue b")) !== "–", "a failure in the queue");
      }
      await page.locator("#content button", { hasText: "Clear all faults" }).click();
      await page.locator("#content", { hasText: "Nothing goes wrong on purpose now" }).waitFor();
      if (name === "poison") {
        await page.goto(page.url().split("#")[0] + "#/failures");
        await page.locator("#content button", { hasText: "Look before retrying all" }).click();
        // Nothing is poisoned any more: what was given up is not in the read model, and would be.
        await page.locator("#content table", { hasText: "if projected" }).waitFor();
        assert.match(await text(page, "#content table:has-text('if projected') tbody"), /applied/);
        await accessible(page, axe, "what would be retried");
        await page.locator("#content button", { hasText: "Retry all" }).click();
        await page.locator("#content", { hasText: "No failure waits" }).waitFor();
        await page.goto(page.url().split("#")[0] + "#/faults");
      }
    }
    await until(async () => (await cqrs("verify").catch(() => null)) !== null, "both models the same");
    await page.goto(page.url().split("#")[0] + "#/models");
    await page.locator("#content button", { hasText: /^Compare$/ }).click();
    await page.locator("#content dl.facts").first().waitFor();
  },

  /** On AWS: what changes something is asked once, and what entities hold is hidden. */
  async asks({ open, cqrs, axe }) {
    const page = await open({}, "#/new");
    const about = await page.evaluate(async () => (await fetch("api/about")).json());
    const made = async () => (await cqrs(about.entity, "list"))[about.plural].length;
    await page.locator("#content button.main").click();
    await page.locator("dialog").waitFor();
    await accessible(page, axe, "the question");
    await page.locator("dialog button", { hasText: "Leave it" }).click();
    await page.locator("dialog").waitFor({ state: "detached" });
    assert.equal(await made(), 0);
    await page.locator("#content button.main").click();
    await page.locator("dialog button", { hasText: "Run it" }).click();
    const link = page.locator("#content form [aria-live] a").last();
    await link.click();
    await page.locator(".models").waitFor();
    assert.equal(await made(), 1);
    assert.match(await text(page, ".models"), /hidden/);
    for (const part of ["publisher", "stream", "readModel"]) {
      await page.goto(page.url().split("#")[0] + `#/part/${part}`);
      await page.locator("#panel").waitFor();
    }
    await page.goto(page.url().split("#")[0] + "#/failures");
    await page.locator("#content", { hasText: "No failure waits" }).waitFor();
  },

  /** Load, many tabs, and a tab that nobody looked at. */
  async load({ open, cqrs }) {
    const first = await open();
    const context = first.context();
    const pages = [first];
    for (let i = 1; i < 6; i += 1) pages.push(await open({ context }));
    const load = cqrs("bench", "--yes", "--rate", process.env.RATE ?? "400", "--duration", "8s");
    for (const page of pages) {
      await until(async () => Number.parseFloat((await text(page, "#parts li:nth-child(3) .big")).replaceAll(",", "")) > 5, "changes in every tab");
    }
    // Nobody looks at it for a while: it holds nothing of that while, and shows what is so then.
    const hide = (page, hidden) =>
      page.evaluate((state) => {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden ? "hidden" : "visible");
    await hide(first, true);
    const still = await text(first, "#parts li:nth-child(3) .big");
    await load;
    await until(async () => (await text(pages[1], "#parts li:nth-child(3) .big")).startsWith("0"), "rest");
    assert.equal(await text(first, "#parts li:nth-child(3) .big"), still);
    await hide(first, false);
    await until(async () => (await text(first, "#parts li:nth-child(3) .big")).startsWith("0"), "rest in the tab that was hidden");
    const [dots, rows, nodes] = await pages[1].evaluate(() => [globalThis.cqrsFlow.dots.length, document.querySelectorAll("#latest tbody tr").length, document.querySelectorAll("*").length]);
    assert.ok(dots <= 240 && rows <= 8 && nodes < 600, `${dots} dots, ${rows} rows, ${nodes} elements`);
    console.log(JSON.stringify(await pages[1].evaluate(() => globalThis.cqrsFlow.drawn)));
  },

  /** An hour of load, or MINUTES: what the page and its server hold grows until their lists are full, and no more. */
  async memory({ open, cqrs }) {
    const minutes = Number(process.env.MINUTES ?? 60);
    const page = await open();
    const tools = await page.context().newCDPSession(page);
    const held = async () => {
      await tools.send("HeapProfiler.collectGarbage");
      const { usedSize } = await tools.send("Runtime.getHeapUsage");
      const { nodes, jsEventListeners } = await tools.send("Memory.getDOMCounters");
      const status = await readFile(`/proc/${process.env.SERVER}/status`, "utf8");
      return { heap: usedSize, nodes, listeners: jsEventListeners, server: 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)[1]) };
    };
    const load = cqrs("bench", "--yes", "--rate", process.env.RATE ?? "50", "--duration", `${minutes * 60}s`);
    const seen = [];
    for (let minute = 0; minute < minutes; minute += 1) {
      await page.waitForTimeout(60_000);
      seen.push(await held());
      console.log(JSON.stringify({ minute: minute + 1, ...seen.at(-1) }));
    }
    await load;
    const [full, end] = [seen[Math.floor(minutes / 3)], seen.at(-1)];
    for (const what of Object.keys(end)) assert.ok(end[what] <= 1.2 * full[what], `${what}: ${full[what]} after a third, ${end[what]} at the end`);
  },

  /** Pictures for the docs: with load, with a fault, an entity; light and dark. */
  async pictures({ open, cqrs }) {
    const folder = process.env.PICTURES;
    await mkdir(folder, { recursive: true });
    const shots = async (name, hash, scheme, size = { width: 1280, height: 860 }) => {
      const page = await open({ colorScheme: scheme, viewport: size }, hash);
      await page.waitForTimeout(4_000);
      await page.screenshot({ path: `${folder}/${name}-${scheme}.png` });
      await page.context().close();
    };
    const load = cqrs("bench", "--yes", "--rate", process.env.RATE ?? "60", "--duration", "110s").catch(() => null);
    const early = await open();
    await early.waitForTimeout(35_000);
    for (const scheme of ["light", "dark"]) await shots("load", "", scheme);
    await cqrs("local", "fault", "stop-cache", "--for", "14");
    await early.waitForTimeout(7_000);
    for (const scheme of ["light", "dark"]) await shots("fault", "#/faults", scheme, { width: 1200, height: 700 });
    await early.waitForTimeout(22_000);
    for (const scheme of ["light", "dark"]) await shots("healed", "", scheme);
    await shots("small", "", "light", { width: 360, height: 740 });
    await load;
    const id = await create(early);
    await early.setViewportSize({ width: 1200, height: 820 });
    for (const colorScheme of ["light", "dark"]) {
      await early.goto(early.url().split("#")[0] + `#/one/${id}`);
      await early.emulateMedia({ colorScheme });
      await early.waitForTimeout(2_000);
      await early.screenshot({ path: `${folder}/one-${colorScheme}.png` });
    }
  },
};
