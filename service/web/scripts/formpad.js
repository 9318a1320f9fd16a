// Boxes over a page: drawn, moved and sized with the mouse, a finger or the keyboard.

import { shape } from "./dom.js";

const STEP = 0.005;
const LEAST = 0.008;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
// In pixels of the screen.
const HANDLE = 16;
const TEXT = 13;

/**
 * Boxes, as shares of the page, on an SVG element.
 *
 * Calls `added(box)`, `changed(place, box)`, `chosen(place)`, with -1 for none, and `removed(place)`.
 */
export class FormPad {
  #boxes = [];
  #place = -1;
  #drag = null;

  constructor(root, calls) {
    this.root = root;
    this.calls = calls;
    root.addEventListener("pointerdown", (event) => this.#begin(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, (event) => this.#end(event));
    root.addEventListener("keydown", (event) => this.#type(event));
    new ResizeObserver(() => this.#draw()).observe(root);
  }

  /** Show boxes, each `{box, label, look}`, and that at `place` with a handle. */
  show(boxes, place) {
    this.#boxes = boxes;
    this.#place = place;
    this.#draw();
  }

  #at(event) {
    const { left, top, width, height } = this.root.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  #begin(event) {
    if (this.#drag || event.button !== 0) return;
    this.root.setPointerCapture(event.pointerId);
    const start = this.#at(event);
    const isSizing = this.#isOnHandle(start);
    const place = isSizing ? this.#place : this.#boxes.findIndex(({ box }) => isWithin(start, box));
    if (place !== this.#place) this.calls.chosen(place);
    this.#drag = { id: event.pointerId, start, place, isSizing, box: this.#boxes[place]?.box };
  }

  #move(event) {
    if (event.pointerId !== this.#drag?.id) return;
    const { start, place, isSizing, box } = this.#drag;
    const end = this.#at(event).map((value) => within(value, 0, 1));
    const by = [end[0] - start[0], end[1] - start[1]];
    if (place >= 0) {
      this.calls.changed(place, isSizing ? sized(box, by) : moved(box, by));
      return;
    }
    const [x, y] = start.map((value, axis) => Math.min(within(value, 0, 1), end[axis]));
    this.#drag.drawn = [x, y, Math.abs(by[0]), Math.abs(by[1])];
    this.#draw();
  }

  #end(event) {
    if (event.pointerId !== this.#drag?.id) return;
    const { drawn } = this.#drag;
    this.#drag = null;
    if (event.type === "pointerup" && drawn && Math.min(drawn[2], drawn[3]) > LEAST) this.calls.added(drawn);
    else this.#draw();
  }

  #type(event) {
    const box = this.#boxes[this.#place]?.box;
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = ARROWS[event.key]?.map((step) => step * STEP);
    if (event.key === "Delete" || event.key === "Backspace") this.calls.removed(this.#place);
    else if (by) this.calls.changed(this.#place, event.shiftKey ? sized(box, by) : moved(box, by));
    else return;
    event.preventDefault();
  }

  #isOnHandle(point) {
    const box = this.#boxes[this.#place]?.box;
    if (!box) return false;
    const { width, height } = this.root.getBoundingClientRect();
    const [across, down] = [(point[0] - box[0] - box[2]) * width, (point[1] - box[1] - box[3]) * height];
    return Math.max(Math.abs(across), Math.abs(down)) <= HANDLE;
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!width) return;
    this.root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const pixels = ([x, y, w, h]) => ({ x: x * width, y: y * height, width: w * width, height: h * height });
    const drawn = this.#boxes.flatMap(({ box, label, look }, place) => {
      const { x, y, ...size } = pixels(box);
      const above = y > TEXT + 4 ? y - 4 : y + size.height + TEXT;
      const isChosen = place === this.#place;
      return [
        shape("rect", { x, y, ...size, class: `${look} ${isChosen ? "pointed" : ""}` }),
        shape("text", { x, y: above, "font-size": TEXT }, label),
        ...(isChosen ? [shape("circle", { cx: x + size.width, cy: y + size.height, r: HANDLE / 3 })] : []),
      ];
    });
    if (this.#drag?.drawn) drawn.push(shape("rect", { ...pixels(this.#drag.drawn), class: "pointed" }));
    this.root.replaceChildren(...drawn);
  }
}

function moved([x, y, w, h], [across, down]) {
  return [within(x + across, 0, 1 - w), within(y + down, 0, 1 - h), w, h];
}

function sized([x, y, w, h], [across, down]) {
  return [x, y, within(w + across, LEAST, 1 - x), within(h + down, LEAST, 1 - y)];
}

function isWithin([across, down], [x, y, w, h]) {
  return across >= x && across <= x + w && down >= y && down <= y + h;
}

function within(value, least, most) {
  return Math.max(least, Math.min(value, most));
}
