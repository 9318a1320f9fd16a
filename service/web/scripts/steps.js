// The steps on a sheet, each of which can be undone.

/** Strokes, pictures and clearings; everything after the last picture or clearing is visible. */
export class Steps {
  #steps = [];

  /** Begin a stroke, and return it; the caller adds points. */
  beginStroke(width, point) {
    const stroke = { width, points: [point] };
    this.#steps.push(stroke);
    return stroke;
  }

  /** Put a picture on the sheet: `{file, url}`. */
  lay(picture) {
    this.#steps.push({ picture });
  }

  /** Clear the sheet, unless it is empty. */
  clear() {
    if (!this.isEmpty) this.#steps.push({ cleared: true });
  }

  /** Undo the last step. */
  undo() {
    this.#steps.pop();
  }

  get canUndo() {
    return this.#steps.length > 0;
  }

  get isEmpty() {
    return !this.picture && this.strokes.length === 0;
  }

  /** The visible strokes. */
  get strokes() {
    return this.#steps.slice(this.#lastOther() + 1);
  }

  /** The visible picture, or undefined; a stroke after a picture starts a new sheet. */
  get picture() {
    return this.#steps.at(-1)?.picture;
  }

  #lastOther() {
    return this.#steps.findLastIndex((step) => !step.points);
  }
}
