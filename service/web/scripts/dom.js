// Elements made without markup, which the page's policy does not let a script write.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children, which may be texts. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for a part of a drawing. */
export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** A bar that is filled to `share`, from 0 to 1. */
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
