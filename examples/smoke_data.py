"""python examples/smoke_data.py DIR [--voices N]: a few sentences for a trial run of a training recipe.

The embedded voices speak our sentences, or those of --texts. DIR gets wavs/ and metadata.csv
(path|text|speaker|lang). That is enough to see that a recipe runs to its end, but not to train a model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.dataset import TextItem, read_items

SENTENCES = (
    "The boat left early in the morning.",
    "She put the letters back in the drawer.",
    "Nobody knew where the road would end.",
    "It rained all day, and most of the night.",
    "Have you ever seen the northern lights?",
    "The kettle is on, so sit down for a while.",
    "Seven small birds sat along the fence.",
    "He closed the door without a word.",
    "We bought bread, cheese and a few apples.",
    "The garden looks better than last year.",
    "Please leave your keys on the table.",
    "They walked home under a clear sky.",
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make a few sentences for a trial run of a training recipe.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--voices", type=int, default=1, metavar="N", help="number of voices (default: 1)")
    parser.add_argument("--texts", metavar="JSONL", help="lines {text, lang, voice} instead of our sentences")
    args = parser.parse_args()
    try:
        from nanospeech_torch import Nanospeech

        model = Nanospeech.from_pretrained()
        known = {voice.name: voice for voice in model.voices()}
        if args.texts:
            rows = read_items(args.texts)
        else:
            voices = list(known)[: args.voices]
            rows = [
                TextItem(str(number), sentence, "en-us", voices[number % len(voices)])
                for number, sentence in enumerate(SENTENCES)
            ]
        (args.folder / "wavs").mkdir(parents=True, exist_ok=True)
        lines = []
        for number, row in enumerate(rows):
            # emma speaks the texts of "bf_emma"; if no voice has such a name, one of the language does
            voice = known.get((row.voice or "").rpartition("_")[2])
            lang = "zh" if row.language == "zh" else voice.language if voice else "en-us"
            name = voice and voice.name
            wave = model.generate(row.text, voice=name, lang=lang, num_iter=4, seed=number)
            audio.write(args.folder / "wavs" / f"{number:02d}.wav", wave)
            lines.append(f"wavs/{number:02d}.wav|{row.text}|{row.voice}|{lang}")
        (args.folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    except (UserError, OSError) as error:
        print(f"smoke_data: {error}", file=sys.stderr)
        return 1
    print(f"{len(lines)} sentences in {args.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
