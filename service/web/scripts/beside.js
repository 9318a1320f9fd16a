// The answers of all models for the same digit.

import { bar, element } from "./dom.js";
import { Trouble, readPicture } from "./service.js";
import { NO_ANSWER, isAccepted } from "./verdict.js";
import { LEAST_GUESS, percent } from "./words.js";

/** Ask the named models, and show their answers in the list `root`. */
export async function compare(root, names, file, maxError, signal) {
  const answers = await Promise.all(
    names.map((model) => answerOf(file, { model, max_error: maxError }, signal)),
  );
  if (signal.aborted) return;
  // If all reject the picture, the error is shown elsewhere.
  if (answers.every((answer) => answer instanceof Trouble)) showEmpty(root, names);
  else root.replaceChildren(...answers.map((answer, at) => tile(names[at], answer)));
}

/** Show the named models without answers. */
export function showEmpty(root, names) {
  root.replaceChildren(...names.map((name) => tile(name, null)));
}

async function answerOf(file, options, signal) {
  try {
    return await readPicture("predict", file, options, signal);
  } catch (error) {
    if (error instanceof Trouble) return error;
    throw error;
  }
}

function tile(name, answer) {
  const isAnswer = answer && !(answer instanceof Trouble);
  const accepted = isAnswer && isAccepted(answer);
  const read = accepted ? `${answer.digit}` : NO_ANSWER;
  return element(
    "li",
    {},
    element("p", { class: "tile-name" }, name),
    element("p", { class: `tile-digit ${isAnswer && !accepted ? "review" : ""}` }, isAnswer ? read : "–"),
    bar(accepted ? answer.confidence : 0),
    element("p", {}, ...(isAnswer ? sureness(answer) : [])),
    element("p", { class: isAnswer ? answer.decision : "" }, verdictOf(answer)),
  );
}

function sureness({ digit, confidence, ...answer }) {
  if (isAccepted(answer)) return [percent(confidence), about(" sure")];
  return confidence < LEAST_GUESS ? [] : [about("perhaps "), `${digit}: ${percent(confidence)}`];
}

function about(word) {
  return element("span", { class: "tile-about" }, word);
}

function verdictOf(answer) {
  if (!answer) return "";
  if (answer instanceof Trouble) return answer.title;
  return isAccepted(answer) ? "accepted" : "needs review";
}
