// The tab that compares the digit models and the field readers.

import { bar, element } from "./dom.js";
import { axis, interval, measure, scaleFor } from "./plot.js";
import { chooseRate, pointAt } from "./rates.js";
import { getJson } from "./service.js";
import { table } from "./table.js";
import { showTrouble } from "./verdict.js";
import { grouped, percent } from "./words.js";

const KINDS = {
  amounts: "Real amounts on cheques",
  cells: "Real numbers in cells",
  composed: "Composed strips, half of them hard",
};

export class ModelsTab {
  #catalogue = { models: [], readers: [] };
  #cards = {};

  constructor(root) {
    this.find = (part) => root.querySelector(`[data-${part}]`);
    this.rate = this.find("rate");
    this.fieldRate = this.find("field-rate");
    this.rate.addEventListener("change", () => this.#showModels());
    this.fieldRate.addEventListener("change", () => this.#showReaders());
  }

  /** Show the published models. */
  use(catalogue) {
    this.#catalogue = catalogue;
    this.find("trouble").replaceChildren();
    chooseRate(this.rate, allPoints(catalogue.models), catalogue.max_error);
    chooseRate(this.fieldRate, allPoints(catalogue.readers), catalogue.field_max_error);
    this.find("field-readers").hidden = !catalogue.readers.length;
    this.#showModels();
    this.#showReaders();
  }

  /** Load the cards of the models, which have their speed. */
  async show() {
    const missing = [...this.#catalogue.models].filter(({ name }) => !(name in this.#cards));
    const cards = await Promise.allSettled(missing.map(({ name }) => getJson(`models/${name}`)));
    for (const { value } of cards) if (value) this.#cards[value.name] = value;
    if (missing.length) this.#showModels();
  }

  /** Show why there is nothing to compare. */
  fail(trouble, again) {
    showTrouble(this.find("trouble"), trouble, again);
  }

  #showModels() {
    const { models } = this.#catalogue;
    if (!models.length) return;
    const scale = scaleFor(models.map((model) => model.accuracy_interval));
    const columns = [
      { label: "Model" },
      { label: "Accuracy, %", kind: "wide", above: measure(axis(scale)) },
      { label: "Read rate, errors among accepted", kind: "wide" },
      { label: "Parameters", kind: "number" },
      { label: "Time per image", kind: "number" },
    ];
    const rows = models.map((model) => [
      modelHead(model),
      accuracy(scale, model.accuracy, model.accuracy_interval),
      readRate(pointAt(model.operating_points, Number(this.rate.value))),
      grouped(model.parameters),
      latency(this.#cards[model.name]),
    ]);
    const { speed } = Object.values(this.#cards)[0] ?? {};
    this.find("hardware").textContent = speed ? `Time of the model only: ${speed.hardware}.` : "";
    this.find("digit-models").replaceChildren(table("Models for digits", columns, rows));
  }

  #showReaders() {
    const kinds = this.#catalogue.readers.flatMap((reader) =>
      Object.entries(KINDS)
        .filter(([kind]) => reader.held_out[kind])
        .map(([kind, title]) => ({ reader, kind, title })),
    );
    if (!kinds.length) return;
    const of = ({ reader, kind }) => reader.held_out[kind];
    const scale = scaleFor(kinds.map((each) => of(each).accuracy_interval));
    const columns = [
      { label: "Kind" },
      { label: "All digits right, %", kind: "wide", above: measure(axis(scale)) },
      { label: "Read rate, errors among accepted", kind: "wide" },
      { label: "Length known", kind: "number" },
      { label: "Fields tested", kind: "number" },
    ];
    const rows = kinds.map((each) => {
      const point = pointAt(each.reader.operating_points, Number(this.fieldRate.value));
      const { name, status, reason, parameters } = each.reader;
      const about = `${name}, ${grouped(parameters)} parameters`;
      return [
        head(each.title, about, { status, reason }),
        accuracy(scale, of(each).accuracy, of(each).accuracy_interval),
        readRate(point?.held_out[each.kind]),
        percent(of(each).accuracy_length_known),
        grouped(of(each).strips),
      ];
    });
    this.find("readers").replaceChildren(table("Field readers", columns, rows));
  }
}

function allPoints(cards) {
  const points = cards.flatMap((card) => card.operating_points);
  const usable = points.filter((point) => point.threshold !== null);
  const first = new Map(usable.map((point) => [point.max_error, point]));
  return [...first.values()].sort((one, other) => other.max_error - one.max_error);
}

function modelHead(model) {
  return head(model.title, model.name, model, model.default ? "default" : "");
}

function head(title, about, { status, reason }, tag = "") {
  const name = element("b", {}, title, tag && element("span", { class: "tag" }, tag));
  const cell = element("div", {}, name, element("small", {}, about));
  if (status === "failed") cell.append(element("small", { class: "failed" }, ` ${reason}`));
  return cell;
}

function accuracy(scale, value, { low, high }) {
  const range = `${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)}`;
  return measure(
    interval(scale, value, { low, high }),
    element("b", {}, (100 * value).toFixed(2)),
    element("br"),
    element("small", {}, range),
  );
}

function readRate(point) {
  if (!point) return element("span", { class: "never" }, "no threshold");
  const errors = `${grouped(point.errors)} wrong of ${grouped(point.accepted)}`;
  return measure(
    bar(point.read_rate),
    `${(100 * point.read_rate).toFixed(1)}%`,
    element("br"),
    element("small", {}, errors),
  );
}

function latency(card) {
  return card?.speed ? `${card.speed.latency_ms.toFixed(2)} ms` : "–";
}
