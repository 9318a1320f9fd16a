// Boxes around the digits of a field, over its picture.

import { shape } from "./dom.js";

// Less sure a digit is shown in another tone.
const SURE = 0.9;

/** Whether a digit of a field stands out as one to look at. */
export function isUnsure(digit) {
  return digit.confidence < SURE;
}

/** Draw a box around each digit of a picture of `width` x `height` pixels. */
export function showBoxes(drawing, digits, { width, height }) {
  drawing.setAttribute("viewBox", `0 0 ${width || 1} ${height || 1}`);
  drawing.classList.remove("stale");
  drawing.replaceChildren(...(width ? digits.map((digit) => boxOf(digit, height)) : []));
}

/** Let the box of the digit at `place` stand out, or none. */
export function pointAt(drawing, place) {
  [...drawing.children].forEach((box, at) => box.classList.toggle("pointed", at === place));
}

function boxOf(digit, height) {
  const [x, y, width, boxHeight] = digit.box;
  // A little air around the ink.
  const air = height / 64;
  return shape("rect", {
    x: x - air,
    y: y - air,
    width: width + 2 * air,
    height: boxHeight + 2 * air,
    rx: 2 * air,
    class: isUnsure(digit) ? "unsure" : "",
  });
}
