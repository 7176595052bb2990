// What the page tells: errors as an alert, all else as a status.

const error = document.getElementById("error");
const errorText = document.getElementById("error-text");
const status = document.getElementById("status");
document.getElementById("close-error").addEventListener("click", clearError);

export function say(text) {
  status.textContent = text;
}

export function clearError() {
  error.hidden = true;
  errorText.textContent = "";
}

export function fail(failure) {
  if (failure.name === "AbortError") return;
  error.hidden = false; // before its text, so that a screen reader tells it
  errorText.textContent = failure.message.charAt(0).toUpperCase() + failure.message.slice(1);
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
