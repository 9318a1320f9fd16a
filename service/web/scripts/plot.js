// Small plots for the rows of a table, of any width.

import { element, shape } from "./dom.js";

const MAX_TICKS = 5;
const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];

/** Return a scale that contains all `{low, high}`, with ticks at round values. */
export function scaleFor(intervals) {
  const low = Math.min(...intervals.map((interval) => interval.low));
  const high = Math.max(...intervals.map((interval) => interval.high));
  const step = STEPS.find((size) => (high - low) / size < MAX_TICKS) ?? STEPS.at(-1);
  const first = Math.floor(low / step);
  const last = Math.min(Math.ceil(high / step), Math.round(1 / step));
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
  const span = (last - first) * step || step;
  return { ticks, place: (value) => `${(100 * (value - first * step)) / span}%` };
}

/** Draw the values of a scale. */
export function axis({ ticks, place }) {
  const labels = ticks.map((tick) =>
    shape("text", { x: place(tick), y: 18 }, `${Number((100 * tick).toFixed(1))}`),
  );
  return plot(labels);
}

/** Draw a value with its interval. */
export function interval({ ticks, place }, value, { low, high }) {
  const middle = "50%";
  const grid = ticks.map((tick) =>
    shape("line", { class: "grid", x1: place(tick), x2: place(tick), y1: 0, y2: "100%" }),
  );
  const whisker = { class: "whisker", x1: place(low), x2: place(high), y1: middle, y2: middle };
  return plot([
    ...grid,
    shape("line", whisker),
    shape("circle", { cx: place(value), cy: middle, r: 5 }),
  ]);
}

/** Put a plot or bar next to its value in words. */
export function measure(drawing, ...words) {
  return element("div", { class: "measure" }, drawing, element("span", {}, ...words));
}

function plot(parts) {
  return shape("svg", { class: "plot", "aria-hidden": "true" }, ...parts);
}
