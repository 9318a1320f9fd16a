// The tab that reads a field of several digits.

import { say } from "./announcer.js";
import { isUnsure, pointAt, showBoxes } from "./boxes.js";
import { element } from "./dom.js";
import { latest } from "./latest.js";
import { offerRates } from "./rates.js";
import { Trouble, readPicture } from "./service.js";
import { Sheet } from "./sheet.js";
import { isAccepted, showSaid, showTrouble, showVerdict, showWaiting } from "./verdict.js";
import { guess, percent } from "./words.js";

const NO_SIZE = { width: 0, height: 0 };

export class FieldTab {
  #readers = null;
  #usual = null;

  constructor(root) {
    this.find = (part) => root.querySelector(`[data-${part}]`);
    this.form = this.find("knowing");
    this.again = latest((signal) => this.#read(signal));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", () => {
      this.#offerRates();
      this.again();
    });
    this.sheet = new Sheet(this.find("sheet"), {
      title: "Write digits",
      label: "Sheet to write several digits on",
      hint: "An amount, a ZIP code, an account number",
      changed: () => {
        this.sheet?.boxes.classList.add("stale");
        this.again();
      },
    });
  }

  /** Use the published readers. */
  use({ readers, field_max_error: usual }) {
    this.#usual = usual;
    this.#readers = readers.filter((reader) => reader.status === "loaded");
    const { model } = this.form.elements;
    model.replaceChildren(
      ...this.#readers.map(({ name }) => element("option", { value: name }, name)),
    );
    model.value = this.#readers.find((reader) => reader.default)?.name ?? "";
    this.find("readers").hidden = this.#readers.length < 2;
    this.#offerRates();
    this.again();
  }

  #offerRates() {
    const { model, max_error: rate } = this.form.elements;
    const reader = this.#readers?.find(({ name }) => name === model.value);
    offerRates(rate, reader?.operating_points ?? [], this.#usual);
  }

  async #read(signal) {
    if (this.sheet.isEmpty || this.#readers?.length === 0) {
      this.#showNothing();
      return;
    }
    const options = Object.fromEntries(new FormData(this.form));
    try {
      const content = await this.sheet.content();
      const answer = await readPicture("fields", content.file, options, signal);
      if (!signal.aborted) this.#show(answer, content);
    } catch (error) {
      if (signal.aborted || !(error instanceof Trouble)) throw error;
      this.#showNothing();
      showTrouble(this.find("verdict"), error, this.again);
    }
  }

  #show(answer, content) {
    const { text, raw, confidence, alternatives } = answer;
    const accepted = isAccepted(answer);
    showSaid(this.find("said"), answer, text);
    this.#showDigits(answer, content);
    const words = showVerdict(this.find("verdict"), answer, {
      maxError: this.form.elements.max_error.value || this.#usual,
      guesses: text ? [guess(raw ?? text, confidence)] : [],
    });
    this.find("others").hidden = !alternatives.length;
    this.find("alternatives").replaceChildren(...alternatives.map(alternative));
    say(accepted ? `${[...text].join(" ")}, ${percent(confidence)} sure. Accepted.` : words);
    if (accepted) this.find("verdict").append(element("p", { class: "about" }, explanation(answer)));
  }

  #showDigits({ digits, decision }, content) {
    const { boxes } = this.sheet;
    const drawn = digits.map((digit) => ({ box: digit.box, isUnsure: isUnsure(digit) }));
    showBoxes(boxes, drawn, content);
    this.find("digits").classList.toggle("guessed", decision !== "accept");
    const tiles = digits.map((digit, place) => {
      const tile = element("li", { class: isUnsure(digit) ? "unsure" : "" });
      tile.append(element("b", {}, `${digit.digit}`), percent(digit.confidence));
      tile.addEventListener("pointerenter", () => pointAt(boxes, place));
      tile.addEventListener("pointerleave", () => pointAt(boxes, -1));
      return tile;
    });
    this.find("digits").replaceChildren(...tiles);
  }

  #showNothing() {
    showSaid(this.find("said"), null);
    const hasNone = this.#readers?.length === 0;
    const text = hasNone
      ? "This service has no field reader: none is published, or it could not be loaded."
      : "The answer appears as you write.";
    showWaiting(this.find("verdict"), text);
    showBoxes(this.sheet.boxes, [], NO_SIZE);
    this.find("digits").replaceChildren();
    this.find("others").hidden = true;
  }
}

function explanation({ raw, text, confidence }) {
  const written = raw === text ? "" : ` Written as ${raw}.`;
  return `${percent(confidence)} sure of all digits together.${written}`;
}

function alternative({ text, confidence }) {
  return element("li", {}, element("span", {}, text), element("span", {}, percent(confidence)));
}
