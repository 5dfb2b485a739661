// A small plot of the last ten minutes: lines or bars over time, read by pointer, by arrow keys, and as a sentence.

import { el, replace, setText, svg } from "./dom.js";
import { clock, milliseconds } from "./words.js";

const HEIGHT = 150;
const PAD = { left: 54, right: 8, top: 8, bottom: 20 };
/** Spans on the time axis: ten minutes of five seconds. */
const SPANS = 119;

/** The least of 1, 2, 5, 10, 20, … that is not below a value. */
export function ceiling(value) {
  if (!(value > 0)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= value * 0.999);
}

export class Plot {
  constructor(place, { name, unit, lines, empty }) {
    Object.assign(this, { name, unit, lines, empty });
    this.picture = svg("svg", { height: HEIGHT, role: "img", tabindex: "0", class: "plot" });
    this.caption = el("p", { class: "quiet caption" });
    place.append(this.picture, this.caption);
    this.at = null;
    this.history = null;
    this.width = 560;
    new ResizeObserver(([entry]) => this.resize(entry.contentRect.width)).observe(this.picture);
    this.picture.addEventListener("pointermove", (event) => this.point(event));
    this.picture.addEventListener("pointerleave", () => this.choose(null));
    this.picture.addEventListener("blur", () => this.choose(null));
    this.picture.addEventListener("keydown", (event) => this.key(event));
  }

  show(history) {
    this.history = history;
    this.length = history.blocks.length;
    this.series = this.lines.map((line) => {
      const values = history[line.key];
      return line.perSecond ? values.map((value) => value / (history.span_ms / 1000)) : values;
    });
    const known = this.series.flat().filter((value) => value !== null);
    this.known = known.some((value) => value > 0);
    this.top = ceiling(Math.max(0, ...known));
    this.draw();
  }

  resize(width) {
    if (width > 0 && width !== this.width) {
      this.width = width;
      this.choose(this.at);
    }
  }

  get inner() {
    return this.width - PAD.left - PAD.right;
  }

  /** The newest span is at the right edge, however few there are. */
  x(place) {
    return PAD.left + ((place + 1 + SPANS - this.length) / SPANS) * this.inner;
  }

  y(value) {
    return HEIGHT - PAD.bottom - (value / this.top) * (HEIGHT - PAD.top - PAD.bottom);
  }

  label(value) {
    return this.unit === "ms" ? milliseconds(value).replace(".0", "") : `${Number(value.toPrecision(3))}${this.unit}`;
  }

  draw() {
    const grid = [0, 0.5, 1].map((part) => part * this.top).map((value) => [
      svg("line", { class: "grid", x1: PAD.left, x2: this.width - PAD.right, y1: this.y(value), y2: this.y(value) }),
      svg("text", { class: "tick", x: PAD.left - 6, y: this.y(value) + 4, "text-anchor": "end" }, this.label(value)),
    ]);
    const minutes = [10, 5, 0].map((ago) => svg("text", {
      class: "tick", y: HEIGHT - 4, "text-anchor": ago === 10 ? "start" : ago === 0 ? "end" : "middle",
      x: this.width - PAD.right - (ago / 10) * this.inner,
    }, ago === 0 ? "now" : `−${ago} min`));
    const drawn = this.known ? this.lines.map((line, place) => (
      line.kind === "bars" ? this.bars(this.series[place]) : this.line(this.series[place], line.kind))) : [];
    const cursor = this.at === null ? null
      : svg("line", { class: "cursor", x1: this.x(this.at), x2: this.x(this.at), y1: PAD.top, y2: HEIGHT - PAD.bottom });
    replace(this.picture, grid, minutes, drawn, cursor);
    const sentence = this.sentence();
    this.picture.setAttribute("aria-label", `${this.name}, last ten minutes. ${sentence}`);
    setText(this.caption, this.at === null ? sentence : this.reading(this.at));
  }

  /** Spans without a value leave a gap, and what stands alone is a dot. */
  line(values, kind) {
    let [path, dots] = ["", ""];
    values.forEach((value, place) => {
      const [before, after] = [values[place - 1] ?? null, values[place + 1] ?? null];
      const at = value === null ? "" : `${this.x(place).toFixed(1)} ${this.y(value).toFixed(1)}`;
      if (value !== null && before === null && after === null) {
        dots += `M${at}h0`;
      } else if (value !== null) {
        path += `${before === null ? "M" : "L"}${at}`;
      }
    });
    return [svg("path", { class: `line ${kind}`, d: path }), svg("path", { class: `line dots ${kind}`, d: dots })];
  }

  bars(values) {
    const width = this.inner / SPANS;
    const base = this.y(0);
    const path = values.map((value, place) => (value > 0
      ? `M${(this.x(place) - width).toFixed(1)} ${base.toFixed(1)}V${this.y(value).toFixed(1)}h${Math.max(1, width - 0.8).toFixed(1)}V${base.toFixed(1)}z` : ""));
    return svg("path", { class: "bars", d: path.join("") });
  }

  sentence() {
    if (!this.known) {
      return this.empty;
    }
    if (this.unit === "ms") {
      const medians = this.history.median_ms.filter((value) => value !== null);
      const longest = Math.max(...this.history.longest_ms.filter((value) => value !== null));
      return `Newest 5 s with a block: median ${milliseconds(medians.at(-1))}. Longest in ten minutes: ${milliseconds(longest)}. `
        + "From the proposal until the block is final here.";
    }
    const proofs = this.history.proofs.reduce((sum, one) => sum + one, 0);
    const blocks = this.history.blocks.reduce((sum, one) => sum + one, 0);
    return `${proofs} proofs in ${blocks} blocks in the last ten minutes; at most ${this.label(Math.max(...this.series[0]))} within 5 s.`;
  }

  reading(place) {
    const end = this.history.end_ms - (this.length - 1 - place) * this.history.span_ms;
    const values = this.lines.map((line, index) => {
      const value = this.series[index][place];
      return `${line.word} ${value === null ? "–" : this.label(value)}`;
    });
    return `${clock(end - this.history.span_ms)} to ${clock(end)}: ${values.reverse().join(", ")}`;
  }

  choose(place) {
    this.at = place === null || !this.history || this.length === 0 ? null : Math.min(this.length - 1, Math.max(0, place));
    if (this.history) {
      this.draw();
    }
  }

  point(event) {
    const box = this.picture.getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * this.width - PAD.left) / this.inner;
    this.choose(Math.round(share * SPANS) - 1 - SPANS + this.length);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && this.history) {
      event.preventDefault();
      this.choose((this.at ?? this.length) + step);
    } else if (event.key === "Escape") {
      this.choose(null);
    }
  }
}
