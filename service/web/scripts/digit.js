// The tab that reads one digit.

import { say } from "./announcer.js";
import { showBars } from "./bars.js";
import { compare, showEmpty } from "./beside.js";
import { showBoxes } from "./boxes.js";
import { element } from "./dom.js";
import { latest } from "./latest.js";
import { offerRates } from "./rates.js";
import { Trouble, readPicture, seenPicture } from "./service.js";
import { Sheet } from "./sheet.js";
import { isAccepted, showSaid, showTrouble, showVerdict, showWaiting } from "./verdict.js";
import { LEAST_GUESS, foundInWords, guess, percent } from "./words.js";

const NO_PROBABILITIES = Array(10).fill(0);
// Asking all models is many requests, so it waits longer.
const DELAY_FACTOR = 4;

export class DigitTab {
  #models = [];
  #usual = null;

  constructor(root) {
    this.find = (part) => root.querySelector(`[data-${part}]`);
    const read = latest((signal) => this.#read(signal));
    const compareAll = latest((signal) => this.#compare(signal), DELAY_FACTOR);
    this.again = () => {
      read();
      compareAll();
    };
    this.model = this.find("option=model");
    this.rate = this.find("option=max_error");
    this.model.addEventListener("change", () => this.#offerRates());
    root.addEventListener("change", (event) => event.target.matches("select") && this.again());
    this.find("beside").addEventListener("toggle", compareAll);
    this.sheet = new Sheet(this.find("sheet"), {
      title: "Write a digit",
      label: "Sheet to write a digit on",
      hint: "Write a digit here",
      changed: () => {
        this.sheet?.boxes.classList.add("stale");
        this.again();
      },
    });
  }

  /** Use the published models. */
  use({ models, max_error: usual }) {
    this.#usual = usual;
    this.#models = models.filter((model) => model.status === "loaded");
    this.model.replaceChildren(
      ...this.#models.map(({ name }) => element("option", { value: name }, name)),
    );
    this.model.value = this.#models.find((model) => model.default)?.name ?? "";
    this.#offerRates();
    this.again();
  }

  #offerRates() {
    const model = this.#models.find(({ name }) => name === this.model.value);
    offerRates(this.rate, model?.operating_points ?? [], this.#usual);
  }

  async #read(signal) {
    if (this.sheet.isEmpty) {
      this.#showNothing();
      return;
    }
    const options = { model: this.model.value, max_error: this.rate.value };
    try {
      const { file, width } = await this.sheet.content();
      const [answer, seen] = await Promise.all([
        readPicture("predict", file, options, signal),
        seenPicture(file, signal),
      ]);
      if (signal.aborted) return;
      this.#show(answer, seen);
      this.#showBox(answer, width ? seen : { box: null });
    } catch (error) {
      if (signal.aborted || !(error instanceof Trouble)) throw error;
      this.#showNothing();
      showTrouble(this.find("verdict"), error, this.again);
    }
  }

  async #compare(signal) {
    const names = this.#models.map(({ name }) => name);
    const isOpen = this.find("beside").open;
    if (!isOpen || this.sheet.isEmpty) {
      showEmpty(this.find("tiles"), names);
      return;
    }
    const { file } = await this.sheet.content();
    await compare(this.find("tiles"), names, file, this.rate.value, signal);
  }

  #show(answer, seen) {
    const { digit, confidence, probabilities } = answer;
    const accepted = isAccepted(answer);
    showSaid(this.find("said"), answer, digit);
    showBars(this.find("bars"), probabilities, accepted ? digit : null);
    this.#showSeen(seen);
    const words = showVerdict(this.find("verdict"), answer, {
      maxError: this.rate.value || this.#usual,
      guesses: likeliest(probabilities),
    });
    say(accepted ? `${digit}, ${percent(confidence)} sure. Accepted.` : words);
  }

  #showBox(answer, { box, size: [width, height] = [0, 0] }) {
    const boxes = box ? [{ box, isUnsure: !isAccepted(answer) }] : [];
    showBoxes(this.sheet.boxes, boxes, { width, height });
  }

  #showNothing() {
    showSaid(this.find("said"), null);
    showWaiting(this.find("verdict"), "The answer appears as you write.");
    showBars(this.find("bars"), NO_PROBABILITIES, null);
    this.#showSeen(null);
    this.#showBox(null, { box: null });
  }

  #showSeen(seen) {
    const image = this.find("seen");
    if (image.src) URL.revokeObjectURL(image.src);
    image.hidden = !seen;
    this.find("seen-empty").hidden = Boolean(seen);
    if (seen) image.src = URL.createObjectURL(seen.picture);
    image.alt = seen ? "28 by 28 pixels, white ink on black, centred" : "";
    this.find("found").textContent = seen ? foundInWords(seen) : "";
  }
}

function likeliest(probabilities) {
  return probabilities
    .map((probability, digit) => ({ digit, probability }))
    .filter(({ probability }) => probability >= LEAST_GUESS)
    .sort((one, other) => other.probability - one.probability)
    .map(({ digit, probability }) => guess(digit, probability));
}
