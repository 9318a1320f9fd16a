// A table that stays one to a screen reader where a narrow window lays it out otherwise.

import { element } from "./dom.js";

/**
 * A table with `columns`, each `{label, kind, above}`, and rows of contents, the first its header.
 *
 * `kind` is a class for its cells, `above` a drawing below its label.
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
