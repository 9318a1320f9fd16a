// Requests to the service, with the key if it asks for one, and its errors in words.

const KEY = "numeral-key";

/** What went wrong, as the service says it or as the page saw it. */
export class Trouble extends Error {
  constructor({ title, detail, status = 0, request_id: requestId = "" }) {
    super(detail);
    this.title = title;
    this.status = status;
    this.requestId = requestId;
  }
}

/** Use `key` from now on, until the tab is closed. */
export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

/** The JSON that `path` answers with. */
export async function getJson(path) {
  return (await request(path, {})).json();
}

/** What POST `path` says of a picture. */
export async function readPicture(path, picture, wishes, signal) {
  return (await send(path, picture, wishes, signal)).json();
}

/** The picture that a model is shown of a picture. */
export async function shownPicture(picture, signal) {
  return (await send("normalise", picture, {}, signal)).blob();
}

function send(path, picture, wishes, signal) {
  const given = Object.entries(wishes).filter(([, value]) => value !== "");
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  // Whatever a file is called: the service looks into it.
  const headers = { "Content-Type": "application/octet-stream" };
  return request(path + query, { method: "POST", body: picture, headers, signal });
}

async function request(path, options) {
  const key = sessionStorage.getItem(KEY);
  const headers = { ...options.headers, ...(key ? { "X-API-Key": key } : {}) };
  let response;
  try {
    // Relative, so that the page may stand below a path of another server.
    response = await fetch(path, { ...options, headers, credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const detail = "The service cannot be reached. See whether it runs, then try again.";
    throw new Trouble({ title: "No answer", detail });
  }
  if (response.ok) return response;
  throw await troubleOf(response, key);
}

async function troubleOf(response, key) {
  if (response.status === 401) {
    document.dispatchEvent(new Event("key-asked"));
    const detail = key
      ? "The service does not know this API key. Type another one at the top of the page."
      : "The service asks for an API key. Type it at the top of the page.";
    return new Trouble({ title: "A key is missing", detail, status: response.status });
  }
  try {
    return new Trouble(await response.json());
  } catch {
    const detail = `Something between here and the service answered with status ${response.status}.`;
    return new Trouble({ title: "No answer", detail, status: response.status });
  }
}
