// What the page tells: errors as an alert, all else as a status.

const error = document.getElementById("error");
const status = document.getElementById("status");

export function say(text) {
  status.textContent = text;
}

export function clearError() {
  error.hidden = true;
  error.textContent = "";
}

export function fail(failure) {
  if (failure.name === "AbortError") return;
  error.textContent = failure.message;
  error.hidden = false;
  error.scrollIntoView({ block: "nearest" });
  say("");
}

/** Run a task of a button: it is disabled meanwhile, and what goes wrong is shown. */
export async function run(button, task) {
  if (button?.disabled) return undefined;
  clearError();
  if (button) button.disabled = true;
  button?.setAttribute("aria-busy", "true");
  try {
    return await task();
  } catch (failure) {
    fail(failure);
    return undefined;
  } finally {
    button?.removeAttribute("aria-busy");
    if (button) button.disabled = false;
  }
}

export function seconds(value) {
  return `${value.toFixed(2)} s`;
}
