// Opens the page in Chromium and runs one scenario: `node browser.mjs NAME ADDRESS`.
//
// The stack and the tool are started by the test in page.rs; `cqrs` runs the same binary in the same
// sandbox. A scenario that does not hold throws, and so fails the test.

import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";

import { scenarios } from "./scenarios.mjs";

const require = createRequire(`${process.env.PAGE_TOOLS}/`);
const { chromium } = require("playwright-core");
const [name, address] = process.argv.slice(2);

/** Runs a command of the tool; gives what it answers. */
async function cqrs(...words) {
  const { stdout } = await promisify(execFile)(process.env.CQRS, [...words, "--output", "json"], { maxBuffer: 1 << 26 });
  return stdout.trim() ? JSON.parse(stdout) : null;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const troubles = [];

/** A page that is open, and says what goes wrong in it. */
async function open(options = {}, hash = "") {
  const context = options.context ?? (await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options }));
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  page.on("pageerror", (error) => troubles.push(error.stack ?? error.message));
  page.on("console", (message) => {
    // What a browser says of an answer of 400 or 404, which scenarios ask for.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) troubles.push(message.text());
  });
  await page.goto(address + hash);
  await page.locator("#parts li").nth(6).waitFor();
  return page;
}

try {
  const scenario = scenarios[name];
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  await scenario({ open, cqrs, address, axe: require.resolve("axe-core/axe.min.js"), browser });
  if (troubles.length > 0) throw new Error(`the page says:\n${troubles.join("\n")}`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
