"""python examples/smoke_data.py DIR [--voices N]: a few sentences to try a training recipe on, in seconds.

The embedded voices speak them. DIR gets wavs/ and metadata.csv (path|text|speaker), as your data may have.
It shows that a recipe runs from end to end; it teaches a model nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nanospeech_core import audio
from nanospeech_core.errors import UserError

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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--voices", type=int, default=1, metavar="N", help="who speak in turn (default: 1)")
    args = parser.parse_args()
    try:
        from nanospeech_torch import Nanospeech

        model = Nanospeech.from_pretrained()
        names = [voice.name for voice in model.voices()][: args.voices]
        (args.folder / "wavs").mkdir(parents=True, exist_ok=True)
        lines = []
        for number, sentence in enumerate(SENTENCES):
            voice = names[number % len(names)]
            wave = model.generate(sentence, voice=voice, use_diffusion=True, num_iter=4, seed=number)
            audio.write(args.folder / "wavs" / f"{number:02d}.wav", wave)
            lines.append(f"wavs/{number:02d}.wav|{sentence}|{voice}")
        (args.folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    except (UserError, OSError) as error:
        print(f"smoke_data: {error}", file=sys.stderr)
        return 1
    print(f"{len(lines)} sentences in {args.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
