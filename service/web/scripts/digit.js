// The tab that reads one digit.

import { say } from "./announcer.js";
import { showBars } from "./bars.js";
import { compare, showEmpty } from "./beside.js";
import { element } from "./dom.js";
import { latest } from "./latest.js";
import { offerRates } from "./rates.js";
import { Trouble, readPicture, shownPicture } from "./service.js";
import { Sheet } from "./sheet.js";
import { showTrouble, showVerdict, showWaiting } from "./verdict.js";
import { percent, reasonsInWords } from "./words.js";

const NO_PROBABILITIES = Array(10).fill(0);
// Asking all models is many requests, so it waits longer.
const DELAY_FACTOR = 4;

export class DigitTab {
  #models = [];

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
      changed: this.again,
    });
  }

  /** Use the published models. */
  use({ models }) {
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
    offerRates(this.rate, model?.operating_points ?? []);
  }

  async #read(signal) {
    if (this.sheet.isEmpty) {
      this.#showNothing();
      return;
    }
    const options = { model: this.model.value, max_error: this.rate.value };
    try {
      const { file } = await this.sheet.content();
      const [answer, seen] = await Promise.all([
        readPicture("predict", file, options, signal),
        shownPicture(file, signal),
      ]);
      if (!signal.aborted) this.#show(answer, seen);
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
    const { digit, confidence, decision, probabilities, reasons } = answer;
    this.find("said").textContent = digit ?? "";
    showVerdict(this.find("verdict"), answer, this.rate.value);
    showBars(this.find("bars"), probabilities, digit);
    this.#showSeen(seen);
    const what = digit === null ? "No digit" : `${digit}, ${percent(confidence)} sure`;
    say(`${what}. ${decision === "accept" ? "Accepted." : reasonsInWords(reasons)}`);
  }

  #showNothing() {
    this.find("said").textContent = "";
    showWaiting(this.find("verdict"), "The answer appears as you write.");
    showBars(this.find("bars"), NO_PROBABILITIES, null);
    this.#showSeen(null);
  }

  #showSeen(picture) {
    const image = this.find("seen");
    if (image.src) URL.revokeObjectURL(image.src);
    image.hidden = !picture;
    this.find("seen-empty").hidden = Boolean(picture);
    if (picture) image.src = URL.createObjectURL(picture);
    image.alt = picture ? "28 by 28 pixels, white ink on black, centred" : "";
  }
}
