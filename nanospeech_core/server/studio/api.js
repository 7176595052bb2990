// Requests to this page's own server; its errors become sentences.

const dialog = document.getElementById("key-dialog");

export class ApiFailure extends Error {
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function askForKey(wrong) {
  document.getElementById("key-wrong").hidden = !wrong;
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "ok") throw new ApiFailure("This server needs a key: load the page again to enter it.", 401);
  sessionStorage.setItem("nanospeech.key", document.getElementById("key").value.trim());
}

async function request(path, options) {
  const key = sessionStorage.getItem("nanospeech.key");
  const headers = { ...options.headers };
  if (key) headers.Authorization = `Bearer ${key}`;
  try {
    return await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiFailure("The server does not answer: is it still running?", 0);
  }
}

/** A response, or an ApiFailure with the server's own message. Asks for a key where one is needed. */
export async function call(path, options = {}) {
  let response = await request(path, options);
  while (response.status === 401) {
    await askForKey(Boolean(sessionStorage.getItem("nanospeech.key")));
    response = await request(path, options);
  }
  if (response.ok) return response;
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // not of the server itself: only the status is known
  }
  const again = response.headers.get("Retry-After");
  const message = error.message ?? `The server answered with status ${response.status}.`;
  throw new ApiFailure(again ? `${message} Try again in ${again} s.` : message, response.status, error.code);
}

export function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

/** Posts a form; fields that are undefined or empty are left out. */
export function postForm(path, fields, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === "") continue;
    if (value instanceof Blob) form.append(name, value, "recording.wav");
    else form.append(name, typeof value === "object" ? JSON.stringify(value) : value);
  }
  return call(path, { method: "POST", body: form, signal });
}

/** The events of a response of server-sent events, as objects. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new ApiFailure("The speech broke off: the server's log says why.", 0);
      });
      if (done) break;
      text += value;
      const parts = text.split("\n\n");
      text = parts.pop();
      for (const part of parts) yield JSON.parse(part.replace(/^data: /, ""));
    }
  } finally {
    reader.cancel().catch(() => {}); // the server ends the work of a client that leaves
  }
}
