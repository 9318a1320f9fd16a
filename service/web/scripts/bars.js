// Probabilities as bars and as text.

import { bar, element } from "./dom.js";
import { percent } from "./words.js";

/** Show the probability of each digit in the list `root`, with the best one highlighted. */
export function showBars(root, probabilities, digit) {
  if (!root.children.length) root.append(...probabilities.map(emptyRow));
  probabilities.forEach((probability, place) => {
    const row = root.children[place];
    row.classList.toggle("best", place === digit);
    row.querySelector(".fill").style.width = `${100 * probability}%`;
    row.lastChild.textContent = percent(probability);
  });
}

function emptyRow(_, digit) {
  return element("li", {}, element("span", {}, `${digit}`), bar(0), element("span", {}, ""));
}
