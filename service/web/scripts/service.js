// Requests to the service, with the API key if required, and its errors.

const KEY = "numeral-key";

/** An error of the service, or of the connection. */
export class Trouble extends Error {
  constructor({ type = "", title, detail, status = 0, request_id: requestId = "" }) {
    super(detail);
    this.type = type;
    this.title = title;
    this.status = status;
    this.requestId = requestId;
  }
}

/** Use `key` until the tab is closed. */
export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

/** Return the JSON answer of `path`. */
export async function getJson(path) {
  return (await request(path, {})).json();
}

/** Return the URL of the picture at `path` for this page; revoke it in the end. */
export async function getPicture(path) {
  return URL.createObjectURL(await (await request(path, {})).blob());
}

/** Return the JSON answer of POST `path` for `content`; `keepalive` outlives the page. */
export async function postJson(path, content = {}, keepalive = false) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(content);
  return (await request(path, { method: "POST", body, headers, keepalive })).json();
}

/** Return the JSON answer of POST `path` for a picture. */
export async function readPicture(path, picture, options, signal) {
  return (await send(path, picture, options, signal)).json();
}

/** Return what POST `forms` says of a form file, and of a page with it. */
export async function tryForm(yaml, files = {}, signal) {
  const body = new FormData();
  for (const [name, file] of Object.entries({ form: yaml, ...files })) if (file) body.append(name, file);
  return (await request("forms", { method: "POST", body, signal })).json();
}

/** Return the picture that a model sees, and what was found on `picture`. */
export async function seenPicture(picture, signal) {
  const { image, ...found } = await readPicture("normalise", picture, {}, signal);
  const bytes = Uint8Array.from(atob(image), (letter) => letter.charCodeAt());
  return { ...found, picture: new Blob([bytes], { type: "image/png" }) };
}

function send(path, picture, options, signal) {
  const given = Object.entries(options).filter(([, value]) => value !== "");
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  // The service detects the format by itself.
  const headers = { "Content-Type": "application/octet-stream", Accept: "application/json" };
  return request(path + query, { method: "POST", body: picture, headers, signal });
}

async function request(path, options) {
  const key = sessionStorage.getItem(KEY);
  const headers = { ...options.headers, ...(key ? { "X-API-Key": key } : {}) };
  let response;
  try {
    // Relative, so that the page works under a path prefix.
    response = await fetch(path, { ...options, headers, credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const detail = "The service cannot be reached. Check whether it runs, then try again.";
    throw new Trouble({ title: "No answer", detail });
  }
  if (response.ok) return response;
  throw await troubleOf(response, key);
}

async function troubleOf(response, key) {
  if (response.status === 401) {
    document.dispatchEvent(new Event("key-required"));
    const detail = key
      ? "The service does not accept this API key. Enter another one at the top of the page."
      : "The service requires an API key. Enter it at the top of the page.";
    return new Trouble({ title: "API key required", detail, status: response.status });
  }
  try {
    return new Trouble(await response.json());
  } catch {
    const detail = `A proxy or another server answered with status ${response.status}.`;
    return new Trouble({ title: "No answer", detail, status: response.status });
  }
}
