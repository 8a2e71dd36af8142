// Lag, rates and failures over one axis of time, with what was done: cause and effect stand above each
// other.

import { at, fill, h, say } from "./dom.js";
import { known, on } from "./feed.js";
import { clock, count, rate, span } from "./words.js";

/** @typedef {import("./feed.js").Point} Point */

const SPANS = [
  [60, "1 min"],
  [300, "5 min"],
  [900, "15 min"],
];
const LEFT = 58;
const RIGHT = 12;
const TOP = 22;
const FOOT = 20;
/** How much of the height each of the three has. */
const SHARES = [0.42, 0.36, 0.22];

let seconds = 300;
/** @type {number | null} Where the pointer is. */
let pointed = null;
let asked = false;

export function begin() {
  if (known.about.target === "aws") seconds = 900;
  const spans = SPANS.map(([value, text]) => {
    const input = /** @type {HTMLInputElement} */ (h("input", { type: "radio", name: "span", value }));
    input.checked = value === seconds;
    input.addEventListener("change", () => {
      seconds = Number(input.value);
      draw();
    });
    return h("label", {}, input, h("span", {}, String(text)));
  });
  at("spans").append(...spans);
  const chart = at("chart");
  chart.addEventListener("pointermove", (event) => {
    pointed = event.clientX - chart.getBoundingClientRect().left;
    later();
  });
  chart.addEventListener("pointerleave", () => {
    pointed = null;
    later();
  });
  new ResizeObserver(later).observe(chart);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
  for (const event of ["now", "point", "points", "mark", "facts"]) on(event, later);
  const details = /** @type {HTMLDetailsElement} */ (at("as-table"));
  details.addEventListener("toggle", rows);
  setInterval(() => details.open && rows(), 5000);
}

function later() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
}

/** The same in words, for whoever reads rather than looks. */
function rows() {
  const body = known.points.filter((_, i, all) => (all.length - 1 - i) % 10 === 0).slice(-12).reverse();
  const heads = ["at", "commands /s", "written /s", "projected /s", "queries /s", "failed /s", "lag", "longest lag"];
  const cells = body.map((p) => [clock(p.at * 1000), rate(p.commands), rate(p.writes), rate(p.projected), rate(p.queries), rate(p.failed), span(p.lagP50Ms), span(p.lagMaxMs)]);
  const table = /** @type {Element} */ (at("as-table").querySelector("table"));
  fill(
    table,
    h("caption", { class: "quiet" }, "Every tenth second of the last two minutes"),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, cells.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))),
  );
}

/** A number that a scale may well end with. @param {number} most */
function nice(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1e-9)));
  for (const step of [1, 2, 3, 5, 10]) if (step * power >= most) return step * power;
  return 10 * power;
}

function draw() {
  const canvas = /** @type {HTMLCanvasElement} */ (at("chart"));
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const box = canvas.getBoundingClientRect();
  if (box.width === 0) return;
  const scale = Math.min(devicePixelRatio || 1, 2);
  if (canvas.width !== Math.round(box.width * scale) || canvas.height !== Math.round(box.height * scale)) {
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
  }
  ink.setTransform(scale, 0, 0, scale, 0, 0);
  ink.clearRect(0, 0, box.width, box.height);
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const [grey, lines, accent, red, strong] = ["grey", "line", "accent", "red", "ink"].map(colour);
  const size = Math.max(12, Number.parseFloat(style.fontSize) * 0.86);
  ink.font = `${size}px ${style.fontFamily}`;
  ink.textBaseline = "middle";

  const { points, marks } = known;
  const end = Math.max(points.at(-1)?.at ?? 0, known.tick ? known.tick.at / 1000 : 0, known.facts ? known.facts.at / 1000 : 0) || Date.now() / 1000;
  const begin = end - seconds;
  const left = LEFT + (size - 12) * 3;
  const x = (/** @type {number} */ second) => left + ((second - begin) / seconds) * (box.width - left - RIGHT);
  const seen = points.filter((point) => point.at >= begin - 2);
  const height = box.height - TOP - FOOT;
  // Seconds of a point: CloudWatch has minutes.
  const each = known.about.target === "aws" ? 60 : 1;

  /** @param {string} name @param {number} lane @param {number} most @param {(n: number) => string} words @param {(y: (n: number) => number, low: number) => void} paint */
  const draws = (name, lane, most, words, paint) => {
    const before = SHARES.slice(0, lane).reduce((sum, share) => sum + share, 0);
    const high = TOP + before * height + 16;
    const low = TOP + (before + SHARES[lane]) * height - 6;
    const y = (/** @type {number} */ n) => low - (Math.min(n, most) / most) * (low - high);
    ink.strokeStyle = lines;
    ink.lineWidth = 1;
    for (const at of [low, high]) {
      ink.beginPath();
      ink.moveTo(left, Math.round(at) + 0.5);
      ink.lineTo(box.width - RIGHT, Math.round(at) + 0.5);
      ink.stroke();
    }
    ink.fillStyle = grey;
    ink.textAlign = "right";
    ink.fillText(words(most), left - 8, high);
    ink.fillText("0", left - 8, low);
    ink.textAlign = "left";
    ink.fillText(name, left, high - size * 0.75);
    paint(y, low);
  };
  /** @param {(p: Point) => number | null} value @param {(n: number) => number} y @param {string} stroke @param {number} wide */
  const line = (value, y, stroke, wide) => {
    ink.beginPath();
    let pen = false;
    let last = 0;
    for (const point of seen) {
      const n = value(point);
      if (n === null || (pen && point.at - last > 3 && known.about.target === "local")) pen = false;
      if (n !== null) {
        if (pen) ink.lineTo(x(point.at), y(n));
        else ink.moveTo(x(point.at), y(n));
        pen = true;
        last = point.at;
      }
    }
    ink.strokeStyle = stroke;
    ink.lineWidth = wide;
    ink.lineJoin = "round";
    ink.stroke();
  };
  const most = (/** @type {(p: Point) => number | null} */ value, /** @type {number} */ least) => nice(seen.reduce((top, point) => Math.max(top, value(point) ?? 0), least));

  ink.save();
  ink.beginPath();
  ink.rect(0, 0, box.width - RIGHT + 1, box.height);
  ink.clip();
  draws("lag: the longest, and the middle one", 0, most((p) => p.lagMaxMs, 10), span, (y, low) => {
    // The longest as a column: one slow change among thousands is seen.
    ink.fillStyle = accent;
    ink.globalAlpha = 0.16;
    const wide = Math.max(1.2, ((box.width - left - RIGHT) / seconds) * each);
    for (const point of seen) {
      if (point.lagMaxMs !== null) ink.fillRect(x(point.at) - wide / 2, y(point.lagMaxMs), wide, low - y(point.lagMaxMs));
    }
    ink.globalAlpha = 1;
    line((p) => p.lagP50Ms, y, accent, 1.8);
  });
  const top = most((p) => Math.max(p.writes, p.projected, p.queries), 5);
  draws("a second: written, projected, queries", 1, top, count, (y) => {
    line((p) => p.queries, y, grey, 1.2);
    line((p) => p.writes, y, strong, 1.4);
    line((p) => p.projected, y, accent, 1.8);
  });
  draws("a second: failed or refused", 2, most((p) => p.failed, 5), count, (y, low) => {
    ink.fillStyle = red;
    const wide = Math.max(2, ((box.width - left - RIGHT) / seconds) * each);
    for (const point of seen) if (point.failed > 0) ink.fillRect(x(point.at) - wide / 2, y(point.failed), wide, low - y(point.failed));
  });
  ink.restore();

  // What was done, over all three.
  let free = -1e9;
  for (const mark of marks) {
    if (mark.at < begin) continue;
    const at = Math.round(x(mark.at)) + 0.5;
    const hot = mark.kind === "fault";
    ink.strokeStyle = hot ? red : grey;
    ink.setLineDash(mark.kind === "over" ? [1, 3] : hot ? [] : [4, 3]);
    ink.lineWidth = 1;
    ink.beginPath();
    ink.moveTo(at, TOP - 6);
    ink.lineTo(at, box.height - FOOT - 2);
    ink.stroke();
    ink.setLineDash([]);
    ink.fillStyle = hot ? red : strong;
    const wide = ink.measureText(mark.label).width;
    const fits = Math.min(at + 4, box.width - RIGHT - wide);
    if (fits > free + 8 || fits < free - 1e6) {
      ink.textAlign = "left";
      ink.fillText(mark.label, fits, 8);
      free = fits + wide;
    }
  }

  // The axis that they share.
  ink.fillStyle = grey;
  ink.textAlign = "center";
  const step = seconds <= 60 ? 10 : seconds <= 300 ? 60 : 180;
  const narrow = box.width < 520 ? 2 : 1;
  for (let at = Math.ceil(begin / (step * narrow)) * step * narrow; at <= end; at += step * narrow) {
    if (x(at) < left + 24 || x(at) > box.width - RIGHT - 26) continue;
    ink.fillText(clock(at * 1000).slice(0, seconds <= 60 ? 8 : 5), x(at), box.height - 8);
    ink.fillRect(Math.round(x(at)), box.height - FOOT - 2, 1, 4);
  }
  read(seen, x, ink, box, strong);
  list();
}

/**
 * What there was where the pointer is, else now.
 * @param {Point[]} seen @param {(second: number) => number} x @param {CanvasRenderingContext2D} ink @param {DOMRect} box @param {string} strong
 */
function read(seen, x, ink, box, strong) {
  const reading = at("reading");
  if (pointed === null) return fill(reading);
  const far = (/** @type {Point} */ p) => Math.abs(x(p.at) - /** @type {number} */ (pointed));
  const near = seen.reduce((/** @type {Point | null} */ best, p) => (best && far(best) <= far(p) ? best : p), null);
  if (!near || far(near) > 40) return fill(reading);
  ink.strokeStyle = strong;
  ink.lineWidth = 1;
  ink.beginPath();
  ink.moveTo(Math.round(x(near.at)) + 0.5, TOP);
  ink.lineTo(Math.round(x(near.at)) + 0.5, box.height - FOOT);
  ink.stroke();
  const b = (/** @type {string} */ text) => h("b", {}, text);
  fill(reading, b(clock(near.at * 1000)), "  lag ", b(span(near.lagP50Ms)), " to ", b(span(near.lagMaxMs)), "  written ", b(rate(near.writes)), "  projected ", b(rate(near.projected)), "  queries ", b(rate(near.queries)), "  failed ", b(rate(near.failed)));
}

/** The marks in words, which are read and not seen. */
function list() {
  const marks = at("marks");
  if (marks.childElementCount === known.marks.length && marks.dataset.last === String(known.marks.at(-1)?.at)) return;
  marks.dataset.last = String(known.marks.at(-1)?.at);
  fill(marks, known.marks.map((mark) => h("li", {}, `${clock(mark.at * 1000)}: ${mark.label}`)));
  void say;
}
