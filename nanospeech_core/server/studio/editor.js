// What can be done with the chosen word: another word, another pronunciation, another pause.

import { postForm } from "./api.js";
import { changedSpan, readWav } from "./audio.js";
import { keep } from "./lexicon.js";
import { clearError, run, say, seconds } from "./messages.js";
import { align, editOptions } from "./recording.js";
import { hear, speak } from "./speech.js";
import { coreOf, plain, replace, withPause, wordsOf } from "./text.js";

const PHONEMES = [..."ˈˌːæɑɐɒɔəɚɛɜɪiuʊʌᵻAIOWYbdðfɡhʤjklmnŋpɹsʃtʧθvwzʒɾʔɕʂʈʨxʰ→↗↓↘"];
const LEAD = 0.8; // seconds that are played before a change
const byId = (id) => document.getElementById(id);

export function setUpEditor({ history, player, words }) {
  const [form, input, phonemes, pause] = ["word-editor", "new-word", "phonemes", "pause"].map(byId);

  const chosen = () => {
    const all = wordsOf(history.current.sentences);
    const word = all[words.chosen];
    return { word, next: all[words.chosen + 1], core: coreOf(history.current.script, word.place) };
  };

  words.addEventListener("choose", () => {
    form.hidden = words.chosen < 0 || history.partial;
    if (form.hidden) return;
    clearError();
    const { word, next, core } = chosen();
    input.value = core.shown;
    phonemes.value = word.phones.map((phone) => phone.text).join("");
    byId("pause-row").hidden = !next || !history.current.spoken;
    if (next) pause.value = Math.max(0, next.start - word.end).toFixed(2);
    input.focus();
    input.select();
  });

  /** Replace the chosen word in the recording, and nothing else of it. */
  const change = async (written) => {
    const before = history.current;
    const { word, core } = chosen();
    const number = words.chosen;
    const script = replace(before.script, core.start, core.end, written);
    say("Changing the word …");
    const fields = { file: before.blob, text: plain(before.script), edited: plain(script), options: editOptions() };
    const blob = await (await postForm("/v1/audio/edits", fields)).blob();
    const { rate, channels } = readWav(await blob.arrayBuffer());
    const [start, stop] = changedSpan(before.channels, channels);
    if (start >= stop && channels[0].length === before.channels[0].length) {
      say("The recording stays as it is: both texts are spoken alike.");
      return;
    }
    const changed = [start / rate, stop / rate];
    history.add(await align(blob, script, { spoken: before.spoken, changed }));
    say(`Changed ${seconds(changed[0])} to ${seconds(changed[1])}; every other sample is the same.`);
    words.focus(number);
    await player.play(history.current, Math.max(0, Math.min(word.start, changed[0]) - LEAD));
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(byId("change"), () => change(input.value.trim()));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  const close = () => {
    const number = words.chosen;
    words.choose(-1);
    words.focus(number);
  };
  byId("close-editor").addEventListener("click", close);

  const written = () => `[${input.value.trim() || chosen().core.shown}](/${phonemes.value.trim()}/)`;
  byId("hear").addEventListener("click", () =>
    run(byId("hear"), async () => {
      await hear(written(), player);
      say(`Heard: /${phonemes.value.trim()}/`);
    }),
  );
  byId("say-so").addEventListener("click", () => run(byId("say-so"), () => change(written())));
  byId("keep").addEventListener("click", () =>
    run(byId("keep"), async () => {
      const word = input.value.trim() || chosen().core.shown;
      await hear(written(), player); // the server checks the phonemes
      keep(word.toLowerCase(), phonemes.value.trim());
      say(`“${word}” is in the lexicon: it is used from the next speech on.`);
    }),
  );
  for (const symbol of PHONEMES) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: symbol });
    button.addEventListener("click", () => {
      phonemes.setRangeText(symbol, phonemes.selectionStart, phonemes.selectionEnd, "end");
      phonemes.focus();
    });
    byId("palette").append(button);
  }

  byId("set-pause").addEventListener("click", () => {
    if (!pause.reportValidity()) return;
    words.dispatchEvent(new CustomEvent("pause", { detail: { number: words.chosen, length: pause.valueAsNumber } }));
  });

  /** Write a pause after a word into the text, and speak it again. */
  const setPause = async (number, length) => {
    const all = wordsOf(history.current.sentences);
    const [word, next] = [all[number], all[number + 1]];
    if (!next || !Number.isFinite(length)) return;
    if (!history.current.spoken) throw new Error("Pauses can only be changed in speech that was made here.");
    const script = withPause(history.current.script, word.place[1], next.place[0], length);
    byId("text").value = script;
    await speak(script, history, player);
  };
  return { setPause };
}
