// The tab where people settle what the models were not sure of, with the keyboard alone.

import { say } from "./announcer.js";
import { element } from "./dom.js";
import { Trouble, getPicture, postJson } from "./service.js";
import { showTrouble } from "./verdict.js";
import { grouped, guess, percent, reasonsInWords } from "./words.js";

// Claimed at once, and how few are left when the next ones are claimed.
const CLAIMED = 6;
const FEW = 3;
// Others get what is not answered in this time.
const CLAIM_SECONDS = 300;
const NEXT_LOOK_MS = 3000;
// A longer break does not count in the pace.
const LONGEST_SECONDS = 60;

const NOTHING = "-";
const UNREADABLE = "?";
const HINT = `Type what is written, ${NOTHING} for nothing there, or ${UNREADABLE} for unreadable.`;

export class ReviewTab {
  // One for each window: a duplicate of this one must not get the same reviews.
  #session = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("");
  #queue = [];
  #shown = null;
  #seen = false;
  #sending = false;
  #answered = new Set();
  #count = 0;
  #seconds = 0;
  #since = 0;
  #waiting = 0;
  #timer = 0;

  constructor(root) {
    this.root = root;
    this.find = (part) => root.querySelector(`[data-${part}]`);
    this.form = this.find("form");
    this.typed = this.find("typed");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.form.addEventListener("click", ({ target }) => this.#type(target.dataset.key));
    this.typed.addEventListener("input", () => this.typed.setCustomValidity(""));
    this.typed.addEventListener("keydown", (event) => {
      // A key that is held down would confirm pictures that nobody looked at.
      if (event.key === "Enter" && event.repeat) event.preventDefault();
    });
    window.addEventListener("pagehide", () => {
      if (this.#queue.length) this.#claim(this.#queue.length, 1, true).catch(() => {});
    });
  }

  /** Show the oldest review, or look for some. */
  async show() {
    clearTimeout(this.#timer);
    try {
      const { waiting, reviews } = await this.#claim(CLAIMED, CLAIM_SECONDS);
      const known = new Set([...this.#answered, ...this.#queue.map(({ number }) => number)]);
      const added = reviews.filter(({ number }) => !known.has(number));
      for (const review of added) load(review);
      this.#queue.push(...added);
      this.#waiting = waiting;
      this.find("trouble").replaceChildren();
      if (!this.#shown) this.#next();
    } catch (error) {
      this.#fail(error, () => this.show());
    }
  }

  #claim(limit, seconds, keepalive = false) {
    const wanted = new URLSearchParams({ session: this.#session, limit, seconds });
    return postJson(`reviews/claim?${wanted}`, {}, keepalive);
  }

  #next() {
    const [review] = this.#queue;
    this.#shown = review ?? null;
    this.#seen = false;
    this.form.hidden = !review;
    this.find("crop").hidden = true;
    this.find("around").hidden = true;
    const none = this.#waiting ? "Others review what waits" : "Nothing waits for review";
    this.find("title").textContent = review ? "What is written?" : none;
    this.find("pace").textContent = this.#pace();
    if (review) this.#showReview(review);
    else this.#timer = setTimeout(() => this.root.hidden || this.show(), NEXT_LOOK_MS);
  }

  #pace() {
    const perMinute = Math.round((60 * this.#count) / this.#seconds);
    const done = this.#count ? `${grouped(this.#count)} reviewed, ${perMinute} a minute. ` : "";
    return `${done}${grouped(this.#waiting)} waiting.`;
  }

  async #showReview(review) {
    this.#since = performance.now();
    this.typed.value = "";
    this.typed.placeholder = review.read ?? "";
    const read = readInWords(review);
    this.find("read").replaceChildren(...read);
    this.find("alternatives").replaceChildren(...review.alternatives.map(alternative));
    this.find("origin").textContent = originInWords(review);
    if ([document.body, this.typed].includes(document.activeElement)) this.typed.focus();
    try {
      const [crop, page] = await review.pictures;
      if (this.#shown !== review) return;
      await Promise.all([put(this.find("crop"), crop), put(this.find("page"), page)]);
      this.find("around").hidden = !page;
      this.#seen = true;
      say(read.map((part) => part.textContent ?? part).join(""));
    } catch (error) {
      load(review);
      this.#fail(error, () => this.#shown === review && this.#showAgain(review));
    }
  }

  #showAgain(review) {
    this.find("trouble").replaceChildren();
    this.#showReview(review);
  }

  #type(text) {
    if (!text) return;
    this.typed.value = text;
    this.typed.setCustomValidity("");
    if (text === NOTHING || text === UNREADABLE) this.#submit();
    this.typed.focus();
  }

  async #submit() {
    const review = this.#shown;
    if (!review || !this.#seen || this.#sending) return;
    const answer = answerOf(review, this.typed.value.replaceAll(" ", ""));
    if (!answer) {
      this.typed.setCustomValidity(HINT);
      this.typed.reportValidity();
      return;
    }
    // Nobody types for a picture that is not shown yet.
    this.typed.readOnly = this.#sending = true;
    try {
      const { request_id, number } = review;
      await postJson("feedback", { request_id, number, ...answer });
      this.find("note").replaceChildren();
      this.find("trouble").replaceChildren();
      this.#seconds += Math.min(LONGEST_SECONDS, (performance.now() - this.#since) / 1000);
      this.#count += 1;
      this.#done(review);
    } catch (error) {
      if (error.status === 409 || error.status === 404) this.#settled(review, error);
      else this.#fail(error, () => this.#submit());
    } finally {
      this.typed.readOnly = this.#sending = false;
    }
  }

  #settled(review, { title, message, requestId }) {
    const detail = `${message}. You answered: ${this.typed.value || review.read}.`;
    showTrouble(this.find("note"), new Trouble({ title, detail, request_id: requestId }));
    this.#done(review);
  }

  async #done(review) {
    this.#answered.add(review.number);
    this.#queue.shift();
    this.#waiting = Math.max(0, this.#waiting - 1);
    this.#next();
    if (this.#queue.length <= FEW) this.show();
    for (const url of await review.pictures) if (url) URL.revokeObjectURL(url);
  }

  #fail(error, again) {
    if (!(error instanceof Trouble)) throw error;
    // Another key may have the role.
    if (error.type.endsWith("/role-required")) document.dispatchEvent(new Event("key-required"));
    showTrouble(this.find("trouble"), error, again);
  }
}

/** Begin to load the pictures of a review: as the model saw it, and as it was sent. */
function load(review) {
  const paths = [review.image, review.page];
  // Relative, as the service may have a path prefix.
  review.pictures = Promise.all(paths.map((path) => path && getPicture(path.slice(1))));
  // Whoever shows it reports the error.
  review.pictures.catch(() => {});
}

async function put(image, url) {
  image.hidden = true;
  if (!url) return;
  image.src = url;
  await image.decode();
  image.hidden = false;
}

/** Return the body of `POST /feedback` for what was typed; null if it is no answer. */
function answerOf({ kind, read }, typed) {
  if (typed === UNREADABLE) return { skip: true };
  const text = typed || read;
  const isDigit = kind === "digit";
  if (text === NOTHING) return { [isDigit ? "digit" : "text"]: null };
  if (!(isDigit ? /^\d$/ : /^\d{1,40}$/).test(text ?? "")) return null;
  return isDigit ? { digit: Number(text) } : { text };
}

function readInWords({ image, read, confidence, reasons }) {
  const missing = image ? [] : ["The picture is not stored: NUMERAL_FEEDBACK_IMAGES is off. "];
  if (reasons.includes("audit")) return [...missing, "A check at random: read it without help."];
  if (read === null) return [...missing, `Nothing was read. ${reasonsInWords(reasons)}`];
  const sure = `, ${percent(confidence)} sure. ${reasonsInWords(reasons)}`;
  return [...missing, "Read as ", element("b", {}, read), sure];
}

function alternative({ text, confidence }) {
  const button = element("button", { type: "button", "data-key": text }, guess(text, confidence));
  return element("li", {}, button);
}

function originInWords({ id, index, request_id, model, time }) {
  const picture = id ?? (index ? `picture ${index + 1}` : "");
  const parts = [new Date(time).toLocaleString("en-GB"), model, `request ${request_id}`, picture];
  return parts.filter(Boolean).join(" · ");
}
