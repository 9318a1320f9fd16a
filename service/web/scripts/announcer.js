// Says to a screen reader what others see, once it stays so.

const SETTLED_MS = 700;
let timer = 0;

/** Have `text` said, if nothing else is to be said soon. */
export function say(text, after = SETTLED_MS) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    document.getElementById("announcer").textContent = text;
  }, after);
}
