// The available error rates.

import { element } from "./dom.js";
import { oneIn } from "./words.js";

/** Fill `select` with the rates of operating points, and the service's default, `usual`. */
export function offerRates(select, points, usual) {
  const label = usual ? `${oneIn(usual)} (default)` : "default";
  fill(select, points, [element("option", { value: "" }, label)]);
}

/** Fill `select` with the rates of operating points, and choose what the service uses by default. */
export function chooseRate(select, points, usual) {
  const isFirst = !select.value;
  fill(select, points, []);
  const used = [...select.options].find(({ value }) => Number(value) <= usual);
  if (isFirst && used) select.value = used.value;
}

function fill(select, points, first) {
  const before = select.value;
  const rates = points.filter((point) => point.threshold !== null).map((point) => point.max_error);
  select.replaceChildren(
    ...first,
    ...rates.map((rate) => element("option", { value: rate }, oneIn(rate))),
  );
  if ([...select.options].some(({ value }) => value === before)) select.value = before;
}

/** Return the operating point for `rate`, if it has a threshold. */
export function pointAt(points, rate) {
  return points.find((point) => point.max_error === rate && point.threshold !== null);
}
