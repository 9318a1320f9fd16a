// Form files: YAML from the tab's form, whose boxes are shares of the page, and back from JSON.

// YAML takes others for truths or numbers.
const PLAIN = /^(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z][\w.-]*$/i;

const OF_DIGITS = ["max_error"];
const OF_FIELDS = [...OF_DIGITS, "format", "decimal", "order", "length", "min_length", "max_length", "checksum"];
const KEYS = { mark: [], digit: OF_DIGITS, field: OF_FIELDS };

/** Return an empty form. */
export function newForm() {
  return { name: "form", page: { width: 210, height: 297, unit: "mm" }, found_by: "none", fields: [], checks: [] };
}

/** Return `form` as YAML. */
export function yamlOf({ fields, checks, ...head }) {
  const given = Object.entries(head).filter(([, value]) => isGiven(value));
  return [
    ...given.map(([name, value]) => `${name}: ${flow(value)}`),
    "fields:",
    ...fields.map((field) => `  ${flow(field.name)}: ${flow(contentOf(field, head.page))}`),
    ...(checks.length ? ["checks:", ...checks.map((check) => `  - {${check}}`)] : []),
    "",
  ].join("\n");
}

/** Return YAML that finds the page of `form`, and has no fields. */
export function pageYamlOf({ page, found_by, reference }) {
  const all = { name: "page", box: [0, 0, 1, 1], kind: "mark" };
  return yamlOf({ name: "page", page, found_by, reference, fields: [all], checks: [] });
}

/** Return the form for the service's JSON. Edited, it gets another version. */
export function formOf({ version, fields, checks, ...head }) {
  const [width, height] = unitsOf(head.page);
  const shares = ([x, y, w, h]) => [x / width, y / height, w / width, h / height];
  return {
    ...head,
    fields: Object.entries(fields).map(([name, field]) => ({ name, ...field, box: shares(field.box) })),
    checks: checks.map((check) => flow(check).slice(1, -1)),
  };
}

/** Return `box` as it is in the file. */
export function inUnits([x, y, w, h], page) {
  const [width, height] = unitsOf(page);
  const rounded = (value) => Number(value.toFixed(page.unit === "mm" ? 2 : 4));
  const [left, top] = [rounded(x * width), rounded(y * height)];
  // Boxes that touch do so after rounding, too.
  return [left, top, rounded(rounded((x + w) * width) - left), rounded(rounded((y + h) * height) - top)];
}

/** Return the box for numbers as in the file. */
export function inShares(box, page) {
  const [width, height] = unitsOf(page);
  return box.map((value, place) => value / (place % 2 ? height : width));
}

function unitsOf({ width, height, unit }) {
  return unit === "mm" ? [width, height] : [1, 1];
}

function contentOf(field, page) {
  const keys = KEYS[field.kind].filter((key) => isGiven(field[key]));
  const content = { box: inUnits(field.box, page), kind: field.kind };
  for (const key of keys) content[key] = field[key];
  return field.required === false ? { ...content, required: false } : content;
}

function isGiven(value) {
  return value !== undefined && value !== null && value !== "";
}

function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, each]) => `${flow(name)}: ${flow(each)}`).join(", ")}}`;
  }
  return typeof value !== "string" || PLAIN.test(value) ? String(value) : JSON.stringify(value);
}
