// The tab that makes forms: boxes over a page become a form file, which is tried on other pages.

import { say } from "./announcer.js";
import { element } from "./dom.js";
import { formOf, inShares, inUnits, newForm, pageYamlOf, yamlOf } from "./formfile.js";
import { FormPad } from "./formpad.js";
import { latest } from "./latest.js";
import { shrunk } from "./pictures.js";
import { Trouble, tryForm } from "./service.js";
import { isAccepted, showTrouble } from "./verdict.js";
import { reasonsInWords } from "./words.js";

const NEW_BOX = [0.35, 0.45, 0.3, 0.06];
const PAGE_KEYS = ["found_by", "width", "height"];

export class FormsTab {
  #form = newForm();
  #pages = [];
  #page = null;
  #place = -1;

  constructor(root) {
    this.find = (part) => root.querySelector(`[data-${part}]`);
    this.sheet = this;
    this.settings = this.find("settings");
    this.editor = this.find("editor");
    this.straighten = latest((signal) => this.#straighten(signal), 3);
    this.pad = new FormPad(this.find("boxes"), {
      added: (box) => this.#add(box),
      changed: (place, box) => this.#change(place, { box }),
      chosen: (place) => this.#choose(place),
      removed: (place) => this.#remove(place),
    });
    for (const form of [this.settings, this.editor]) form.addEventListener("submit", (event) => event.preventDefault());
    this.settings.addEventListener("input", ({ target }) => this.#set(target.name));
    this.editor.addEventListener("input", ({ target }) => this.#edit(target));
    this.find("fields").addEventListener("change", ({ target }) => this.#choose(Number(target.value)));
    const uses = {
      add: () => this.#add(NEW_BOX, true),
      remove: () => this.#remove(this.#place),
      test: () => this.#test(),
      download: () => this.#download(),
    };
    for (const [name, use] of Object.entries(uses)) this.find(name).addEventListener("click", use);
    const input = this.find("file");
    this.find("choose").addEventListener("click", () => input.click());
    input.addEventListener("change", async () => {
      for (const file of [...input.files]) await this.lay(file);
      input.value = "";
    });
    this.#fill();
    this.#show();
  }

  /** Add a page, or load a form file. */
  async lay(file) {
    if (/\.ya?ml$/i.test(file.name)) {
      await this.#load(file);
      return;
    }
    const content = await shrunk(file);
    this.#page = { name: file.name, file: content, url: URL.createObjectURL(content) };
    this.#pages.push(this.#page);
    if (this.#pages.length === 1) await this.#useFirst(this.#page);
    this.#show();
    this.straighten();
  }

  async #useFirst({ name, url }) {
    if (this.#form.found_by === "reference") this.#form.reference = name;
    // With fields, the size is known.
    if (this.#form.fields.length) return;
    const image = new Image();
    image.src = url;
    try {
      await image.decode();
    } catch {
      return;
    }
    const { page } = this.#form;
    page.height = Number(((page.width * image.naturalHeight) / image.naturalWidth).toFixed(1));
    this.#fill();
  }

  async #load(file) {
    try {
      const { form } = await tryForm(file);
      this.#form = formOf(form);
      this.find("trouble").replaceChildren();
      this.#fill();
      this.#choose(-1);
      this.#changed();
      this.straighten();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #straighten(signal) {
    const page = this.#page;
    if (!page) return;
    await this.#try(page, pageYamlOf(this.#form), signal);
    if (signal.aborted) return;
    page.reading = null;
    this.#show();
  }

  async #test() {
    const yaml = yamlOf(this.#form);
    for (const page of this.#pages) {
      await this.#try(page, yaml);
      if (yamlOf(this.#form) !== yaml) page.reading = null;
      this.#show();
    }
    const accepted = this.#pages.filter(({ reading }) => reading && isAccepted(reading)).length;
    say(`${accepted} of ${this.#pages.length} pages accepted.`);
  }

  async #try(page, yaml, signal) {
    const reference = this.#form.found_by === "reference" ? this.#pages[0].file : null;
    try {
      const { reading, straight } = await tryForm(new Blob([yaml]), { file: page.file, reference }, signal);
      if (signal?.aborted) return;
      page.reading = reading;
      if (page.straight) URL.revokeObjectURL(page.straight);
      page.straight = straight && urlOf(straight);
      page.why = straight ? "" : reasonsInWords(reading.reasons);
      this.find("trouble").replaceChildren();
    } catch (error) {
      if (!signal?.aborted) this.#fail(error);
    }
  }

  #fail(error) {
    if (!(error instanceof Trouble)) throw error;
    showTrouble(this.find("trouble"), error);
  }

  #add(box, byKeyboard = false) {
    const names = this.#form.fields.map(({ name }) => name);
    let number = names.length + 1;
    while (names.includes(`field${number}`)) number += 1;
    this.#form.fields.push({ name: `field${number}`, kind: "field", required: true, box });
    this.#choose(names.length);
    this.#changed();
    if (byKeyboard) this.find("boxes").focus();
    else this.editor.elements.name.select();
  }

  #remove(place) {
    this.#form.fields.splice(place, 1);
    this.find("boxes").focus();
    this.#choose(-1);
    this.#changed();
  }

  #change(place, values) {
    Object.assign(this.#form.fields[place], values);
    if (values.box) this.editor.elements.box.value = inUnits(values.box, this.#form.page).join(", ");
    this.#changed();
  }

  /** Forget what was read with another form. */
  #changed() {
    for (const page of this.#pages) page.reading = null;
    this.#show();
  }

  #choose(place) {
    this.#place = place;
    const { fields, page } = this.#form;
    const field = fields[place];
    this.editor.hidden = !field;
    if (field) {
      put(this.editor, { ...field, box: inUnits(field.box, page).join(", ") });
      this.#offer();
    }
    this.#show();
  }

  #offer() {
    const { kind } = this.#form.fields[this.#place];
    for (const label of this.editor.querySelectorAll("[data-for]")) {
      label.hidden = !label.dataset.for.split(" ").includes(kind);
    }
  }

  #edit(control) {
    if (control.name === "box") {
      const box = control.value.split(/[\s,;]+/).map(Number);
      const isBox = box.length === 4 && box.every(Number.isFinite);
      control.setCustomValidity(isBox ? "" : "x, y, width and height");
      if (!isBox) return;
      this.#form.fields[this.#place].box = inShares(box, this.#form.page);
      this.#changed();
      return;
    }
    if (!control.checkValidity()) return;
    this.#change(this.#place, { [control.name]: valueOf(control) });
    this.#offer();
  }

  #set(name) {
    const form = this.#form;
    const control = this.settings.elements[name];
    if (!control.checkValidity()) return;
    const value = valueOf(control);
    if (name === "checks") form.checks = (value ?? "").split("\n").map((line) => line.trim()).filter(Boolean);
    else if (name in form.page) form.page[name] = value;
    else form[name] = value;
    form.reference = form.found_by === "reference" ? (form.reference ?? this.#pages[0]?.name ?? "blank.png") : undefined;
    if (PAGE_KEYS.includes(name)) this.straighten();
    this.#changed();
  }

  #fill() {
    const { page, checks, ...form } = this.#form;
    put(this.settings, { ...form, ...page, checks: checks.join("\n") });
  }

  #show() {
    const page = this.#page;
    const { fields } = this.#form;
    const image = this.find("image");
    image.hidden = !page;
    const shown = page?.straight ?? page?.url ?? "";
    if (page && image.getAttribute("src") !== shown) {
      image.onload = () => {
        this.find("pad").style.aspectRatio = image.naturalWidth / image.naturalHeight;
      };
      image.src = shown;
    }
    const isFound = Boolean(page?.straight);
    const hint = page ? "Finding the page" : "Drop a page here, blank or filled, or a form file";
    this.find("hint").hidden = isFound;
    this.find("hint").textContent = page?.why || hint;
    const answers = page?.reading?.fields ?? {};
    const boxes = fields.map(({ name, box }) => boxOf(name, box, answers[name]));
    this.find("boxes").classList.toggle("off", !isFound);
    this.pad.show(isFound ? boxes : [], this.#place);
    const none = element("option", { value: -1 }, fields.length ? "choose one" : "none yet");
    this.find("fields").replaceChildren(none, ...fields.map(({ name }, at) => element("option", { value: at }, name)));
    this.find("fields").value = this.#place;
    this.find("yaml").textContent = yamlOf(this.#form);
    for (const tool of ["add", "test", "download"]) this.find(tool).disabled = tool === "add" ? !isFound : !fields.length;
    this.find("test").disabled ||= !page;
    this.find("pages").replaceChildren(...this.#pages.map((each) => this.#buttonOf(each)));
    this.find("answers").replaceChildren(...Object.entries(answers).map(([name, answer]) => answerOf(name, answer)));
  }

  #buttonOf(page) {
    const { reading, name } = page;
    const button = element("button", { type: "button", "aria-pressed": String(page === this.#page) }, name);
    const words = reading && (isAccepted(reading) ? "accepted" : reasonsInWords(reading.reasons));
    if (words) button.append(element("span", { class: reading.decision }, words));
    button.addEventListener("click", () => {
      this.#page = page;
      this.#show();
      if (!page.straight) this.straighten();
    });
    return element("li", {}, button);
  }

  #download() {
    const url = URL.createObjectURL(new Blob([yamlOf(this.#form)], { type: "application/yaml" }));
    element("a", { href: url, download: `${this.#form.name || "form"}.yaml` }).click();
    URL.revokeObjectURL(url);
  }
}

function put(form, values) {
  for (const control of form.elements) {
    if (control.type === "checkbox") control.checked = values[control.name] ?? true;
    else if (control.name) control.value = values[control.name] ?? "";
  }
}

function valueOf({ type, checked, value }) {
  if (type === "checkbox") return checked;
  if (value.trim() === "") return undefined;
  return type === "number" ? Number(value) : value;
}

function urlOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt());
  return URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
}

function textOf({ kind, marked, digit, text, amount, date }) {
  if (kind === "mark") return { true: "marked", false: "not marked" }[marked] ?? "?";
  return String(amount?.value ?? date ?? digit ?? text ?? "–");
}

function boxOf(name, box, answer) {
  if (!answer) return { box, label: name, look: "" };
  return { box, label: `${name}: ${textOf(answer)}`, look: answer.decision };
}

function answerOf(name, answer) {
  const why = isAccepted(answer) ? "accepted" : reasonsInWords(answer.reasons);
  return element("li", { class: answer.decision }, element("b", {}, `${name}: ${textOf(answer)}`), ` ${why}`);
}
