// How numbers and times are written.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** @param {number | null | undefined} n */
export function count(n) {
  return n === null || n === undefined ? "–" : whole.format(n);
}

/** So many a second. @param {number | null | undefined} n */
export function rate(n) {
  if (n === null || n === undefined) return "–";
  return n < 9.95 ? tenth.format(n) : whole.format(n);
}

/** A span in milliseconds. @param {number | null | undefined} ms */
export function span(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 9.95) return `${tenth.format(ms)} ms`;
  if (ms < 999.5) return `${whole.format(ms)} ms`;
  if (ms < 59_950) return `${tenth.format(ms / 1000)} s`;
  if (ms < 3_600_000) return `${tenth.format(ms / 60_000)} min`;
  return `${tenth.format(ms / 3_600_000)} h`;
}

/** Two spans with one unit. @param {number | null | undefined} a @param {number | null | undefined} b */
export function spans(a, b) {
  const [one, other] = [span(a), span(b)];
  const unit = other.split(" ")[1];
  return unit && one.endsWith(` ${unit}`) ? `${one.split(" ")[0]} / ${other}` : `${one} / ${other}`;
}

/** The time of day. @param {number} ms since 1970 @param {boolean} [exact] */
export function clock(ms, exact = false) {
  const at = new Date(ms);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const day = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return exact ? `${day}.${String(at.getMilliseconds()).padStart(3, "0")}` : day;
}

/** An id that is too long for where it stands: its end tells ids of one moment apart. @param {string} id */
export function brief(id) {
  return id.length > 18 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id;
}

/** A field's name as words. @param {string} name */
export function words(name) {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}

/** A value as text. @param {unknown} value */
export function plain(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
