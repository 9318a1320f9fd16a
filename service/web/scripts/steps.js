// What was done on a sheet, step by step, so that each step can be undone.

/** Strokes, pictures and clearings; what shows is what came after the last picture or clearing. */
export class Steps {
  #steps = [];

  /** Begin a stroke; points are added to what is returned. */
  beginStroke(width, point) {
    const stroke = { width, points: [point] };
    this.#steps.push(stroke);
    return stroke;
  }

  /** Lay a picture on the sheet: `{file, url}`. */
  lay(picture) {
    this.#steps.push({ picture });
  }

  /** Take everything off, if there is anything. */
  clear() {
    if (!this.isEmpty) this.#steps.push({ cleared: true });
  }

  /** Take the last step back. */
  undo() {
    this.#steps.pop();
  }

  get canUndo() {
    return this.#steps.length > 0;
  }

  get isEmpty() {
    return !this.picture && this.strokes.length === 0;
  }

  /** The strokes that show. */
  get strokes() {
    return this.#steps.slice(this.#lastOther() + 1);
  }

  /** The picture that shows, or undefined: who writes after it writes on a new sheet. */
  get picture() {
    return this.#steps.at(-1)?.picture;
  }

  #lastOther() {
    return this.#steps.findLastIndex((step) => !step.points);
  }
}
