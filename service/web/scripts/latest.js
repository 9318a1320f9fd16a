// Work that is done for the latest state alone, a little after it came to be.

const QUIET_MS = 110;
const LONGEST_MS = 330;

/**
 * A function that has `work` done once calls of it pause, or have gone on for long enough.
 *
 * `work(signal)` is given up, its signal aborted, when newer work begins: an answer that comes late
 * is never shown after a newer one. `calm` stretches the pauses.
 */
export function latest(work, calm = 1) {
  let timer = 0;
  let since = 0;
  let underway = new AbortController();

  async function begin() {
    since = 0;
    underway.abort();
    const mine = new AbortController();
    underway = mine;
    try {
      await work(mine.signal);
    } catch (error) {
      if (!mine.signal.aborted) throw error;
    }
  }

  return () => {
    const now = performance.now();
    since ||= now;
    clearTimeout(timer);
    timer = setTimeout(begin, Math.min(QUIET_MS * calm, since + LONGEST_MS * calm - now));
  };
}
