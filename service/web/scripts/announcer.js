// Announces to screen readers what the page shows, once it has settled.

const SETTLED_MS = 700;
let timer = 0;

/** Announce `text`, unless another announcement follows soon. */
export function say(text, after = SETTLED_MS) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    document.getElementById("announcer").textContent = text;
  }, after);
}
