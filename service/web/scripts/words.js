// What the service says in words of a few letters, said to a person.

const REASONS = {
  blank: "Nothing is written here.",
  not_a_digit: "It does not look like a digit.",
  several_digits: "It looks like several digits; the tab “A field” reads those.",
  low_confidence: "The model is not sure enough for the errors allowed.",
  no_match: "What is written does not keep to what you know of it.",
};

/** Why an answer is to be reviewed, in sentences. */
export function reasonsInWords(reasons) {
  return reasons.map((reason) => REASONS[reason] ?? `The service says: ${reason}.`).join(" ");
}

/** A probability as people read it; what rounds to nothing or to certainty does not claim it. */
export function percent(share) {
  if (share === 0) return "0%";
  if (share < 0.001) return "<0.1%";
  if (share === 1) return "100%";
  if (share > 0.9999) return ">99.99%";
  return `${(100 * share).toFixed(share > 0.99 ? 2 : 1)}%`;
}

/** What the service says of a problem, as a sentence. */
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** A rate of errors, such as "1 in 1,000". */
export function oneIn(rate) {
  return rate > 0 ? `1 in ${Math.round(1 / rate).toLocaleString("en-GB")}` : "none";
}

/** A number of many digits. */
export function grouped(number) {
  return number.toLocaleString("en-GB");
}
