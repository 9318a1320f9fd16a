// Whether to believe an answer, or what went wrong, in words.

import { element } from "./dom.js";
import { oneIn, reasonsInWords, sentence } from "./words.js";

/** Say in `root` what to do with an answer; `maxError` is the rate that was asked for, if any. */
export function showVerdict(root, answer, maxError = "") {
  const isAccepted = answer.decision === "accept";
  root.className = `verdict ${answer.decision}`;
  root.replaceChildren(
    element("span", { class: "badge" }, isAccepted ? "Accepted" : "For a person to look at"),
    element("p", {}, isAccepted ? whyAccepted(maxError) : reasonsInWords(answer.reasons)),
  );
}

/** Say in `root` what went wrong; `again`, if given, tries it once more. */
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

/** Say in `root` that nothing has been asked yet. */
export function showWaiting(root, text) {
  root.className = "verdict waiting";
  root.replaceChildren(element("p", {}, text));
}

function whyAccepted(maxError) {
  return maxError
    ? `Sure enough: of such answers at most ${oneIn(Number(maxError))} is wrong.`
    : "The model is sure enough for the errors allowed.";
}
