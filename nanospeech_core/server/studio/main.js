// The studio: puts the parts together.

import { call } from "./api.js";
import { setUpDownloads } from "./downloads.js";
import { setUpEditor } from "./editor.js";
import { History } from "./history.js";
import { clearError, fail, run, say } from "./messages.js";
import { loadOptions, maxCharacters } from "./options.js";
import { Player } from "./player.js";
import { setUpRecording } from "./recording.js";
import { setUpReveal } from "./reveal.js";
import { speak, stopSpeaking } from "./speech.js";
import { Timeline } from "./timeline.js";
import { Words } from "./words.js";

const byId = (id) => document.getElementById(id);
const [text, voices, speakButton, playButton] = ["text", "voice", "speak", "play"].map(byId);
const [history, player, words, timeline] = [new History(), new Player(), new Words(), new Timeline()];
const { setPause } = setUpEditor({ history, player, words });
const reveal = setUpReveal({ history, words });
setUpRecording(history);
setUpDownloads(history);

function showState() {
  const { current, partial } = history;
  const ready = Boolean(current) && !partial;
  for (const id of ["show-reveal", "save-audio", "zoom-in", "zoom-out"]) byId(id).disabled = !ready;
  for (const button of document.querySelectorAll(".save-times")) button.disabled = !ready;
  byId("undo").disabled = !history.canUndo;
  byId("redo").disabled = !history.canRedo;
  playButton.disabled = !ready && !player.playing;
  playButton.textContent = player.playing ? "Stop" : "Play";
  speakButton.textContent = busy ? "Stop" : "Speak";
}

let busy = false;
let wasPartial = false; // whether more of what is shown was to come
let shownScript = null; // of the speech that is shown

async function speakText() {
  if (busy) return stopSpeaking();
  clearError();
  const script = text.value;
  if (!script.trim()) return fail(new Error("Write a text first."));
  if ([...script].length > maxCharacters()) return fail(new Error(`The text has more than ${maxCharacters()} characters.`));
  return respeak(() => speak(script, history, player));
}

/** Run something that speaks; its button becomes one that stops it. */
async function respeak(task) {
  busy = true;
  showState();
  try {
    await task();
  } catch (error) {
    fail(error);
  } finally {
    busy = false;
    showState();
  }
}

function toggle(from = 0) {
  if (player.playing) {
    stopSpeaking();
    return player.stop();
  }
  return history.current ? player.play(history.current, from).catch(fail) : undefined;
}

function follow() {
  if (!player.playing) return;
  const position = player.position;
  byId("time").textContent = `${position.toFixed(1)} s`;
  words.mark(position);
  timeline.mark(position);
  requestAnimationFrame(follow);
}

history.addEventListener("change", () => {
  const { current, partial } = history;
  if (current) {
    if (!partial && current.spoken) {
      if (text.value === shownScript) text.value = current.script; // unless another text was written since
      shownScript = current.script;
    }
    words.show(current, wasPartial);
    timeline.show(current, partial);
    byId("gap-help").hidden = !current.spoken;
  }
  wasPartial = partial;
  showState();
});
player.addEventListener("change", () => {
  showState();
  if (player.playing) follow();
  else {
    words.mark(null);
    timeline.mark(null);
  }
});
timeline.addEventListener("seek", ({ detail }) => {
  if (history.partial || !history.current) return;
  player.play(history.current, detail).catch(fail);
});
for (const part of [timeline, words]) {
  part.addEventListener("pause", ({ detail }) => {
    clearError();
    respeak(() => setPause(detail.number, detail.length));
  });
}

speakButton.addEventListener("click", speakText);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) speakText();
});
playButton.addEventListener("click", () => toggle());
const goBack = (step) => {
  player.stop();
  clearError();
  history[step]();
  say(step === "undo" ? "Undone." : "Done again.");
};
byId("undo").addEventListener("click", () => goBack("undo"));
byId("redo").addEventListener("click", () => goBack("redo"));
byId("zoom-in").addEventListener("click", () => timeline.zoom(1.5));
byId("zoom-out").addEventListener("click", () => timeline.zoom(1 / 1.5));
byId("timeline").addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  toggle();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=range]):not([type=checkbox]), textarea, select");
  if (typing || !(event.ctrlKey || event.metaKey)) return;
  const key = event.key.toLowerCase();
  const step = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
  if (!step) return;
  event.preventDefault();
  if (step === "undo" ? history.canUndo : history.canRedo) goBack(step);
});

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem("nanospeech.theme", theme);
  timeline.repaint();
  reveal.redraw();
}
byId("theme").value = localStorage.getItem("nanospeech.theme") ?? "";
byId("theme").addEventListener("change", ({ target }) => setTheme(target.value));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(byId("theme").value));
setTheme(byId("theme").value);

await run(null, async () => {
  await loadOptions();
  const answer = await (await call("/v1/audio/voices")).json();
  const own = answer.voices.filter(({ language }) => language); // the others are OpenAI's names for them
  voices.append(...own.map(({ name, language, description }) => new Option(`${name} (${language}${description ? `, ${description}` : ""})`, name)));
  voices.value = localStorage.getItem("nanospeech.voice") ?? "";
  if (voices.selectedIndex < 0) voices.value = "";
  voices.addEventListener("change", () => localStorage.setItem("nanospeech.voice", voices.value));
  speakButton.dataset.ready = "true";
});
