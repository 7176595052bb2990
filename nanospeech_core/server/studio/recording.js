// A recording of the user: dropped or chosen, transcribed where a recognizer is installed, aligned to its text.

import { postForm } from "./api.js";
import { readWav } from "./audio.js";
import { lexicon } from "./lexicon.js";
import { fail, run, say } from "./messages.js";
import { settings } from "./options.js";
import { plain, toUnits } from "./text.js";

const [area, input, text] = ["drop", "file", "file-text"].map((id) => document.getElementById(id));
const [open, transcribe] = ["open", "transcribe"].map((id) => document.getElementById(id));

/** The options of edits and alignments: those of the speech that have an effect, and the lexicon. */
export function editOptions(all = true) {
  const { lang, ...others } = settings();
  const options = { ...(all ? others : {}), lang, lexicon: lexicon() };
  return JSON.stringify(options) === "{}" ? undefined : options;
}

/** The recording of a WAV file, with the times of the words of its script. */
export async function align(blob, script, more) {
  const form = { file: blob, text: plain(script), options: editOptions(false) };
  const answer = await (await postForm("/v1/audio/alignments", form)).json();
  const { rate, channels } = readWav(await blob.arrayBuffer());
  return { blob, rate, channels, script, changed: null, ...more, sentences: toUnits(script, answer.sentences) };
}

export function setUpRecording(history) {
  const choose = (file) => {
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    update();
  };
  const update = () => {
    transcribe.disabled = !input.files.length;
    open.disabled = !input.files.length || !text.value.trim();
  };
  input.addEventListener("change", update);
  text.addEventListener("input", update);
  for (const kind of ["dragenter", "dragover"]) {
    area.addEventListener(kind, (event) => {
      event.preventDefault();
      area.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) area.addEventListener(kind, () => area.classList.remove("over"));
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault()); // beside it: nothing
  area.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (file) choose(file);
    else fail(new Error("Drop an audio file here."));
  });
  transcribe.addEventListener("click", () =>
    run(transcribe, async () => {
      say("Transcribing …");
      const answer = await postForm("/v1/audio/transcriptions", { file: input.files[0] });
      text.value = (await answer.json()).text;
      say("Transcribed: check the words before you edit.");
      update();
    }),
  );
  open.addEventListener("click", () =>
    run(open, async () => {
      say("Finding the words …");
      const script = text.value.trim();
      const converted = await postForm("/v1/audio/conversions", { file: input.files[0] }); // whatever it is, to WAV
      history.add(await align(await converted.blob(), script, { spoken: false }));
      say("Choose a word to change it.");
    }),
  );
}
