// Debounced work for the latest state only.

const QUIET_MS = 110;
const LONGEST_MS = 330;

/**
 * Return a function that runs `work` once its calls pause, or have continued for long enough.
 *
 * `work(signal)` is aborted when newer work starts, so a late answer never replaces a newer one.
 * `delay` multiplies the pauses.
 */
export function latest(work, delay = 1) {
  let timer = 0;
  let since = 0;
  let running = new AbortController();

  async function begin() {
    since = 0;
    running.abort();
    const mine = new AbortController();
    running = mine;
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
    timer = setTimeout(begin, Math.min(QUIET_MS * delay, since + LONGEST_MS * delay - now));
  };
}
