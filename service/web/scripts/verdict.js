// Shows the decision for an answer, or an error.

import { element } from "./dom.js";
import { oneIn, reasonsInWords, sentence } from "./words.js";

/** Show the decision in `root`; `maxError` is the requested error rate, if any. */
export function showVerdict(root, answer, maxError = "") {
  const isAccepted = answer.decision === "accept";
  root.className = `verdict ${answer.decision}`;
  root.replaceChildren(
    element("span", { class: "badge" }, isAccepted ? "Accepted" : "Needs review"),
    element("p", {}, isAccepted ? whyAccepted(maxError) : reasonsInWords(answer.reasons)),
  );
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
