// A sheet for strokes or a picture, with its tools.

import { drawCursor, drawStrokes, pictureOf } from "./ink.js";
import { useKeyboard, usePointer } from "./pens.js";
import { shrunk } from "./pictures.js";
import { Steps } from "./steps.js";

// Size of the picture sent for strokes; small, so that it is read within milliseconds.
const SENT_HEIGHT = 256;
const SENT_PIXELS = 256 * 256;

/** A sheet in `root`; calls `changed()` whenever its content changes. */
export class Sheet {
  #steps = new Steps();
  #stroke = null;
  #cursor = null;

  constructor(root, { title, label, hint, changed }) {
    root.append(document.getElementById("sheet").content.cloneNode(true));
    this.root = root;
    this.changed = changed;
    this.canvas = root.querySelector("canvas");
    this.boxes = root.querySelector(".pad-boxes");
    this.image = root.querySelector("img");
    this.hint = root.querySelector(".pad-hint");
    this.emptyHint = hint;
    root.classList.add("sheet");
    root.querySelector("h2").textContent = title;
    this.canvas.setAttribute("aria-label", label);
    this.canvas.setAttribute("aria-description", root.querySelector(".help").textContent.trim());
    // Touch devices have a camera.
    root.querySelector("[data-tool=photograph]").hidden = navigator.maxTouchPoints === 0;
    this.#usePens();
    this.#useTools();
    new ResizeObserver(() => this.#draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    this.#show();
  }

  /** Put a picture on the sheet. */
  async lay(file) {
    const content = await shrunk(file);
    this.#steps.lay({ file: content, name: file.name, url: URL.createObjectURL(content) });
    this.#show();
  }

  get isEmpty() {
    return this.#steps.isEmpty;
  }

  /** Return the content as `{file, width, height}`; the size of a picture is 0 if it cannot be shown. */
  async content() {
    const picture = this.#steps.picture;
    if (picture) {
      await this.image.decode().catch(() => undefined);
      return { file: picture.file, width: this.image.naturalWidth, height: this.image.naturalHeight };
    }
    const aspect = this.canvas.clientWidth / this.canvas.clientHeight;
    const height = Math.min(SENT_HEIGHT, Math.floor(Math.sqrt(SENT_PIXELS / aspect)));
    const width = Math.round(height * aspect);
    return { file: await pictureOf(this.#steps.strokes, width, height), width, height };
  }

  #usePens() {
    const pen = {
      begin: (point) => {
        const width = Number(this.root.querySelector("[type=range]").value) / 100;
        this.#stroke = this.#steps.beginStroke(width, point);
        this.#show();
      },
      move: (points) => {
        this.#stroke?.points.push(...points);
        this.#show();
      },
      end: () => {
        this.#stroke = null;
      },
    };
    usePointer(this.canvas, pen);
    useKeyboard(this.canvas, pen, (point, isDown) => {
      this.#cursor = point && { point, isDown };
      this.#draw();
    });
  }

  #useTools() {
    const use = { undo: () => this.#undo(), clear: () => this.#clear() };
    for (const tool of this.root.querySelectorAll("[data-tool]")) {
      const input = this.root.querySelector(`[data-file=${tool.dataset.tool}]`);
      tool.addEventListener("click", use[tool.dataset.tool] ?? (() => input.click()));
      input?.addEventListener("change", () => {
        if (input.files.length) this.lay(input.files[0]);
        // So that the same file can be chosen again.
        input.value = "";
      });
    }
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.#undo();
    });
  }

  #undo() {
    this.#steps.undo();
    this.#show();
  }

  #clear() {
    this.#steps.clear();
    this.#show();
  }

  #show() {
    const picture = this.#steps.picture;
    this.image.hidden = !picture;
    if (picture && this.image.src !== picture.url) this.image.src = picture.url;
    this.image.onerror = () => {
      this.image.hidden = true;
      this.#showHint(`${picture.name}: this browser cannot show it`);
    };
    this.#showHint(this.isEmpty ? this.emptyHint : "");
    this.root.querySelector("[data-tool=undo]").disabled = !this.#steps.canUndo;
    this.root.querySelector("[data-tool=clear]").disabled = this.isEmpty;
    this.#draw();
    this.changed();
  }

  #showHint(text) {
    this.hint.hidden = !text;
    this.hint.textContent = text;
  }

  #draw() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientHeight) return;
    this.canvas.width = clientWidth * devicePixelRatio;
    this.canvas.height = clientHeight * devicePixelRatio;
    const context = this.canvas.getContext("2d");
    const colour = getComputedStyle(this.canvas).color;
    if (!this.#steps.picture) drawStrokes(context, this.#steps.strokes, this.canvas.height, colour);
    if (this.#cursor) drawCursor(context, this.#cursor, this.canvas.height, colour);
  }
}
