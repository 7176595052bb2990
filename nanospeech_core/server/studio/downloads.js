// The recording as a file of any format, and the times of its words.

import { post, postForm } from "./api.js";
import { run } from "./messages.js";

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** {duration, sentences: [{text, start, end, words: [...]}]}, as the command line writes it. */
function times({ channels, rate, sentences }) {
  const entry = ({ text, start, end }) => ({ text, start, end });
  const word = (each) => ({ ...entry(each), phones: each.phones.map(entry) });
  return {
    duration: channels[0].length / rate,
    sentences: sentences.map((each) => ({ ...entry(each), words: each.words.map(word) })),
  };
}

export function setUpDownloads(history) {
  const format = document.getElementById("format");
  const audio = document.getElementById("save-audio");
  audio.addEventListener("click", () =>
    run(audio, async () => {
      const { blob } = history.current;
      const name = format.value;
      if (name === "wav") return save(blob, "speech.wav");
      const answer = await postForm("/v1/audio/conversions", { file: blob, response_format: name });
      return save(await answer.blob(), `speech.${name}`);
    }),
  );
  for (const button of document.querySelectorAll(".save-times")) {
    button.addEventListener("click", () =>
      run(button, async () => {
        const [all, name] = [times(history.current), button.dataset.format];
        if (name === "json") {
          return save(new Blob([`${JSON.stringify(all, null, 1)}\n`], { type: "application/json" }), "speech.json");
        }
        const answer = await post("/v1/audio/subtitles", { sentences: all.sentences, response_format: name });
        return save(await answer.blob(), `speech.${name}`);
      }),
    );
  }
}
