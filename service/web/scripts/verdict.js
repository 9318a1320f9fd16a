// Shows the decision for an answer, or an error.

import { element } from "./dom.js";
import { oneIn, reasonsInWords, sentence } from "./words.js";

// Instead of an answer that needs review, which must not look like one.
export const NO_ANSWER = "?";

/** Return whether an answer can be used without a person. */
export function isAccepted({ decision }) {
  return decision === "accept";
}

/** Show in large type what was read, if it is accepted; nothing without an answer. */
export function showSaid(root, answer, read = "") {
  root.textContent = !answer || isAccepted(answer) ? read : NO_ANSWER;
  root.classList.toggle("unread", Boolean(answer) && !isAccepted(answer));
}

/** Show the decision in `root`, and return it in words; `guesses` are for what needs review. */
export function showVerdict(root, answer, { maxError, guesses = [] }) {
  const accepted = isAccepted(answer);
  const badge = accepted ? "Accepted" : "Needs review";
  const why = accepted ? whyAccepted(maxError) : reasonsInWords(answer.reasons);
  const perhaps = accepted || !guesses.length ? "" : `Best guess: ${guesses.join(", or ")}.`;
  root.className = `verdict ${answer.decision}`;
  root.replaceChildren(element("span", { class: "badge" }, badge), element("p", {}, why));
  if (perhaps) root.append(element("p", { class: "guesses" }, perhaps));
  return `${badge}. ${why} ${perhaps}`.trim();
}

/** Show an error in `root`, with a button that calls `again`, if given. */
export function showTrouble(root, trouble, again) {
  const box = element("div", { class: "trouble", role: "alert" });
  box.append(element("strong", {}, trouble.title), element("p", {}, sentence(trouble.message)));
  if (trouble.requestId) box.append(element("small", {}, `Request ${trouble.requestId}`));
  if (again) {
    const button = element("button", { type: "button" }, "Try again");
    button.addEventListener("click", again);
    box.append(button);
  }
  root.className = "verdict";
  root.replaceChildren(box);
}

/** Show in `root` that there is no answer yet. */
export function showWaiting(root, text) {
  root.className = "verdict waiting";
  root.replaceChildren(element("p", {}, text));
}

function whyAccepted(maxError) {
  return maxError
    ? `Confident enough: at most ${oneIn(Number(maxError))} of such answers is wrong.`
    : "The model is confident enough for the errors allowed.";
}
