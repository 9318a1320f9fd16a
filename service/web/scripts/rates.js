// The available error rates.

import { element } from "./dom.js";
import { oneIn } from "./words.js";

const DEFAULT_LABEL = "default";

/** Fill `select` with the rates of operating points, and the service's default if `orDefault`. */
export function offerRates(select, points, { orDefault = true } = {}) {
  const before = select.value;
  const rates = points.filter((point) => point.threshold !== null).map((point) => point.max_error);
  const options = rates.map((rate) => element("option", { value: rate }, oneIn(rate)));
  if (orDefault) options.unshift(element("option", { value: "" }, DEFAULT_LABEL));
  select.replaceChildren(...options);
  if (options.some((option) => option.value === before)) select.value = before;
}

/** Return the operating point for `rate`, if it has a threshold. */
export function pointAt(points, rate) {
  return points.find((point) => point.max_error === rate && point.threshold !== null);
}
