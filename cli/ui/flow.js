// Changes on the lines between the parts: each is a dot as long as the eye can tell them apart, and above
// that the line thickens. Nothing is drawn while nothing moves.

/**
 * @typedef {{x: number, y: number}} Spot
 * @typedef {"way" | "trouble" | "back" | "lost" | "answer"} Kind
 * @typedef {{line: number, at: number, speed: number, kind: Kind, wait: number}} Dot
 */

/** Dots that set out in one tenth of a second: of more the eye tells nothing, and the line is thicker. */
const MOST = 2;
/** Dots on all lines. */
const ALL = 240;
/** How long a dot takes over a line, in seconds. */
const TAKES = 0.85;
/** From this rate on a line is thicker, up to so many pixels. */
const THIN = 25;
const THICKEST = 13;

export class Flow {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    /** @type {Spot[][]} Each line as corners, passed in turn. */
    this.lines = [];
    /** @type {number[]} */
    this.rates = [];
    /** @type {number[]} How thick each line is drawn, which follows the rate. */
    this.widths = [];
    /** @type {Dot[]} */
    this.dots = [];
    this.colours = { line: "#888", accent: "#06c", red: "#c00", ink: "#000", paper: "#fff" };
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.last = 0;
    this.frame = 0;
    /** Frames that were drawn, and the longest pause between two while something moved, for tests. */
    this.drawn = { frames: 0, longest: 0 };
  }

  /** @param {Spot[][]} lines @param {Flow["colours"]} colours */
  lay(lines, colours) {
    this.lines = lines;
    this.colours = colours;
    const scale = Math.min(devicePixelRatio || 1, 2);
    const { width, height } = this.canvas.getBoundingClientRect();
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.ink.setTransform(scale, 0, 0, scale, 0, 0);
    this.dots = this.dots.filter((dot) => dot.line < lines.length);
    this.draw();
  }

  /**
   * So many went over a line in the last so many milliseconds.
   * @param {number} line @param {number} count @param {number} rate a second @param {number} ms @param {Kind} [kind]
   */
  pass(line, count, rate, ms, kind = "way") {
    const well = kind === "way" || kind === "answer";
    if (well) this.rates[line] = rate;
    if (count > 0 && !this.still.matches) {
      // Where nothing is drawn, nothing gathers either.
      const shown = Math.min(count, well ? MOST : 1, ALL - this.dots.length);
      for (let i = 0; i < shown; i += 1) {
        const wait = ((i + Math.random() * 0.8) / shown) * (ms / 1000);
        this.dots.push({ line, at: 0, speed: 1 / TAKES, kind, wait });
      }
    }
    this.wake();
  }

  wake() {
    if (!this.frame) {
      this.last = 0;
      this.frame = requestAnimationFrame((now) => this.step(now));
    }
  }

  /** @param {number} now */
  step(now) {
    this.frame = 0;
    const passed = this.last ? (now - this.last) / 1000 : 0;
    if (this.last) {
      this.drawn.frames += 1;
      this.drawn.longest = Math.max(this.drawn.longest, passed);
    }
    this.last = now;
    // What was missed in the background is not caught up.
    const span = Math.min(passed, 0.1);
    let moves = false;
    for (let i = this.dots.length - 1; i >= 0; i -= 1) {
      const dot = this.dots[i];
      if (dot.wait > 0) dot.wait -= span;
      else dot.at += dot.speed * span;
      if (dot.at >= 1) {
        this.dots[i] = this.dots[this.dots.length - 1];
        this.dots.pop();
      }
    }
    for (let i = 0; i < this.lines.length; i += 1) {
      const wanted = width(this.rates[i] ?? 0);
      const drawn = this.widths[i] ?? 1;
      const next = this.still.matches ? wanted : drawn + (wanted - drawn) * Math.min(1, span * 3);
      this.widths[i] = Math.abs(wanted - next) < 0.02 ? wanted : next;
      moves = moves || this.widths[i] !== wanted;
    }
    this.draw();
    if (this.dots.length > 0 || moves) {
      this.frame = requestAnimationFrame((then) => this.step(then));
    }
  }

  draw() {
    const { ink, colours } = this;
    ink.clearRect(0, 0, this.canvas.width, this.canvas.height);
    ink.lineCap = "butt";
    ink.lineJoin = "round";
    for (let i = 0; i < this.lines.length; i += 1) {
      const wide = this.widths[i] ?? 1;
      trace(ink, this.lines[i]);
      ink.strokeStyle = colours.line;
      ink.lineWidth = 1.5;
      ink.stroke();
      if (wide > 1.05) {
        ink.strokeStyle = colours.accent;
        ink.globalAlpha = 0.28;
        ink.lineWidth = wide;
        trace(ink, this.lines[i]);
        ink.stroke();
        ink.globalAlpha = 1;
      }
    }
    for (const dot of this.dots) {
      const line = this.lines[dot.line];
      if (dot.wait > 0 || !line) continue;
      const { x, y } = along(line, dot.kind === "back" ? 1 - dot.at : dot.at);
      ink.beginPath();
      if (dot.kind === "way") {
        ink.fillStyle = colours.accent;
        ink.arc(x, y, 3.6, 0, 7);
        ink.fill();
      } else if (dot.kind === "answer") {
        ink.strokeStyle = colours.accent;
        ink.fillStyle = colours.paper;
        ink.lineWidth = 1.6;
        ink.arc(x, y, 2.8, 0, 7);
        ink.fill();
        ink.stroke();
      } else {
        ink.fillStyle = dot.kind === "lost" ? colours.red : colours.ink;
        ink.fillRect(x - 3.6, y - 3.6, 7.2, 7.2);
      }
    }
  }
}

/** @param {number} rate */
function width(rate) {
  if (rate <= THIN) return 1;
  return Math.min(THICKEST, 1 + 4.4 * Math.log10(rate / THIN) + 1.4);
}

/** @param {CanvasRenderingContext2D} ink @param {Spot[]} line */
function trace(ink, line) {
  ink.beginPath();
  ink.moveTo(line[0].x, line[0].y);
  for (let i = 1; i < line.length - 1; i += 1) {
    ink.arcTo(line[i].x, line[i].y, line[i + 1].x, line[i + 1].y, 12);
  }
  const end = line[line.length - 1];
  ink.lineTo(end.x, end.y);
}

/** @param {Spot[]} line @param {number} t */
function along(line, t) {
  let all = 0;
  for (let i = 1; i < line.length; i += 1) all += Math.hypot(line[i].x - line[i - 1].x, line[i].y - line[i - 1].y);
  let left = all * t;
  for (let i = 1; i < line.length; i += 1) {
    const [a, b] = [line[i - 1], line[i]];
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    if (left <= length || i === line.length - 1) {
      const part = length ? left / length : 0;
      return { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part };
    }
    left -= length;
  }
  return line[0];
}
