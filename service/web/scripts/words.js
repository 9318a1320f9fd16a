// Texts for reasons and numbers.

const REASONS = {
  blank: "Nothing is written here.",
  not_a_digit: "It does not look like a digit.",
  several_digits: "It looks like several digits; the tab “A field” reads those.",
  cut_off: "The edge of the picture cuts the digit off.",
  low_confidence: "The model is not confident enough for the errors allowed.",
  audit: "It would be accepted, but was chosen at random for a person to check.",
  no_match: "The writing does not match what you know about it.",
  ambiguous: "It can mean several amounts or dates.",
  mismatch: "It is another amount than expected.",
  fraction: "It holds a fraction, such as 75/100, or may hold one: its digits may not be one number.",
  unclear: "It may be marked or not.",
  page_not_found: "The page was not found: check how it is found, and its size.",
  page_cut_off: "A part of the page is outside of the picture.",
  several_pages: "There are several pages in the picture.",
  field_review: "A field needs review.",
  check_failed: "A check does not hold.",
  check_unknown: "A check lacks a value.",
  washed_out: "Light hides a field.",
};

/** Return why an answer needs review, in sentences. */
export function reasonsInWords(reasons) {
  return reasons.map((reason) => REASONS[reason] ?? `Reason: ${reason}.`).join(" ");
}

// Less likely digits are not named as guesses.
export const LEAST_GUESS = 0.2;

const INK = { dark: "Dark ink", light: "Light ink" };
const PAPER = { plain: "on even paper", uneven: "in uneven light", shadow: "in a shadow" };

/** Return what was found on a picture: its ink and paper. */
export function foundInWords({ polarity, paper }) {
  return polarity ? `${INK[polarity]} ${PAPER[paper]}` : "No ink";
}

/** Return a guess with its probability. */
export function guess(what, probability) {
  return `${what} (${percent(probability)})`;
}

/** Format a probability; small and large values are not rounded to 0% and 100%. */
export function percent(share) {
  if (share === 0) return "0%";
  if (share < 0.001) return "<0.1%";
  if (share === 1) return "100%";
  if (share > 0.9999) return ">99.99%";
  return `${(100 * share).toFixed(share > 0.99 ? 2 : 1)}%`;
}

/** Return a text of the service as a sentence. */
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** Format an error rate, such as "1 in 1,000". */
export function oneIn(rate) {
  return rate > 0 ? `1 in ${Math.round(1 / rate).toLocaleString("en-GB")}` : "none";
}

/** Format a number with separators. */
export function grouped(number) {
  return number.toLocaleString("en-GB");
}
