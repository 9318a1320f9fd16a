// Boxes around digits, over their picture.

import { shape } from "./dom.js";

// Digits below this confidence are highlighted.
const SURE = 0.9;

/** Return whether a digit of a field is highlighted as unsure. */
export function isUnsure(digit) {
  return digit.confidence < SURE;
}

/** Draw boxes, each `{box, isUnsure}`, over a picture of `width` x `height` pixels. */
export function showBoxes(drawing, boxes, { width, height }) {
  drawing.setAttribute("viewBox", `0 0 ${width || 1} ${height || 1}`);
  drawing.classList.remove("stale");
  drawing.replaceChildren(...(width ? boxes.map((each) => drawn(each, height)) : []));
}

/** Highlight the box of the digit at `place`, or none. */
export function pointAt(drawing, place) {
  [...drawing.children].forEach((box, at) => box.classList.toggle("pointed", at === place));
}

function drawn({ box, isUnsure: unsure }, height) {
  const [x, y, width, boxHeight] = box;
  const margin = height / 64;
  return shape("rect", {
    x: x - margin,
    y: y - margin,
    width: width + 2 * margin,
    height: boxHeight + 2 * margin,
    rx: 2 * margin,
    class: unsure ? "unsure" : "",
  });
}
