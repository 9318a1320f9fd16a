// What every model says of the same digit.

import { bar, element } from "./dom.js";
import { Trouble, readPicture } from "./service.js";
import { percent } from "./words.js";

/** Ask each of the models named, and show their answers in the list `root`. */
export async function compare(root, names, file, maxError, signal) {
  const answers = await Promise.all(
    names.map((model) => answerOf(file, { model, max_error: maxError }, signal)),
  );
  if (signal.aborted) return;
  // What all refuse is no picture: that is said elsewhere.
  if (answers.every((answer) => answer instanceof Trouble)) showSilent(root, names);
  else root.replaceChildren(...answers.map((answer, at) => tile(names[at], answer)));
}

/** Show the models named with nothing said. */
export function showSilent(root, names) {
  root.replaceChildren(...names.map((name) => tile(name, null)));
}

async function answerOf(file, wishes, signal) {
  try {
    return await readPicture("predict", file, wishes, signal);
  } catch (error) {
    if (error instanceof Trouble) return error;
    throw error;
  }
}

function tile(name, answer) {
  const said = answer && !(answer instanceof Trouble);
  return element(
    "li",
    {},
    element("p", { class: "tile-name" }, name),
    element("p", { class: "tile-digit" }, said ? `${answer.digit ?? "–"}` : "–"),
    bar(said ? answer.confidence : 0),
    element("p", {}, said ? percent(answer.confidence) : "", ...(said ? [about(" sure")] : [])),
    element("p", { class: said ? answer.decision : "" }, verdictOf(answer)),
  );
}

function about(word) {
  return element("span", { class: "tile-about" }, word);
}

function verdictOf(answer) {
  if (!answer) return "";
  if (answer instanceof Trouble) return answer.title;
  return answer.decision === "accept" ? "accepted" : "to review";
}
