// The error rates that may be asked for.

import { element } from "./dom.js";
import { oneIn } from "./words.js";

const BY_SERVICE = "default";

/** Offer in `select` the rates of operating points, and the service's own if `orDefault`. */
export function offerRates(select, points, { orDefault = true } = {}) {
  const before = select.value;
  const rates = points.filter((point) => point.threshold !== null).map((point) => point.max_error);
  const options = rates.map((rate) => element("option", { value: rate }, oneIn(rate)));
  if (orDefault) options.unshift(element("option", { value: "" }, BY_SERVICE));
  select.replaceChildren(...options);
  if (options.some((option) => option.value === before)) select.value = before;
}

/** The point of `points` for the rate `rate`, if there is one that keeps it. */
export function pointAt(points, rate) {
  return points.find((point) => point.max_error === rate && point.threshold !== null);
}
