// A table with explicit roles, because narrow windows lay it out differently.

import { element } from "./dom.js";

/**
 * Create a table with `columns`, each `{label, kind, above}`, and rows of cells, the first a header.
 *
 * `kind` is a class of the cells, `above` a drawing below the label.
 */
export function table(label, columns, rows) {
  const heads = columns.map(({ label: text, kind = "", above = "" }) =>
    element("th", { role: "columnheader", scope: "col", class: kind }, text, above),
  );
  const lines = rows.map((cells) => element("tr", { role: "row" }, ...cells.map(cellIn(columns))));
  return element(
    "table",
    { class: "table", role: "table", "aria-label": label },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)),
    element("tbody", { role: "rowgroup" }, ...lines),
  );
}

function cellIn(columns) {
  return (content, place) => {
    const { label, kind = "" } = columns[place];
    return place === 0
      ? element("th", { role: "rowheader", scope: "row", class: kind }, content)
      : element("td", { role: "cell", class: kind, "data-label": label }, content);
  };
}
