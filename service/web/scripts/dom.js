// Creates elements without markup, which the page's policy forbids to scripts.

const SVG = "http://www.w3.org/2000/svg";

/** Create an element with attributes and children, which can be strings. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Create an SVG element. */
export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Create a bar filled to `share`, from 0 to 1. */
export function bar(share) {
  const fill = element("span", { class: "fill" });
  fill.style.width = `${100 * share}%`;
  return element("span", { class: "track", "aria-hidden": "true" }, fill);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
