// Pens for a sheet: mouse, finger, stylus and keyboard.

import { say } from "./announcer.js";

const STEP = 0.05;
const SMALL_STEP = 0.0125;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Let a pointer write on `canvas`: `pen.begin(point)`, `pen.move(points)`, `pen.end()`. */
export function usePointer(canvas, pen) {
  let writing = null;

  const at = (event) => {
    const { left, top, height } = canvas.getBoundingClientRect();
    return [(event.clientX - left) / height, (event.clientY - top) / height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (writing !== null || event.button !== 0) return;
    writing = event.pointerId;
    canvas.setPointerCapture(writing);
    pen.begin(at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== writing) return;
    // Browsers coalesce the points of fast movements.
    const events = event.getCoalescedEvents?.() ?? [];
    pen.move((events.length ? events : [event]).map(at));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== writing) return;
      writing = null;
      pen.end();
    });
  }
}

/** Let the keyboard write on `canvas`; `show(point, isDown)` shows the position of the pen, or null. */
export function useKeyboard(canvas, pen, show) {
  let point = [0.5, 0.5];
  let isDown = false;

  function lift() {
    if (isDown) pen.end();
    isDown = false;
  }

  function press() {
    isDown = !isDown;
    if (isDown) pen.begin(point);
    else pen.end();
    say(isDown ? "Pen down" : "Pen up", 0);
  }

  function step([x, y], size) {
    const width = canvas.clientWidth / canvas.clientHeight;
    point = [within(point[0] + x * size, width), within(point[1] + y * size, 1)];
    if (isDown) pen.move([point]);
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") press();
    else if (event.key in ARROWS) step(ARROWS[event.key], event.shiftKey ? SMALL_STEP : STEP);
    else if (event.key === "Escape") lift();
    else return;
    event.preventDefault();
    show(point, isDown);
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) show(point, isDown);
  });
  canvas.addEventListener("blur", () => {
    lift();
    show(null, false);
  });
}

function within(value, most) {
  return Math.min(Math.max(value, 0), most);
}
