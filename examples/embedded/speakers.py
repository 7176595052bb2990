"""python examples/embedded/speakers.py TEXTS.jsonl --voices voices-v1.0.bin -o MIXED.jsonl

Give each text another speaker, so that a model learns to take a voice from a reference: one of the teacher's
voices, or a mixture of two. The first one speaks the language of the text's old voice, and has at least half
of the mixture. A text's speaker does not depend on the rest of the file.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from pathlib import Path

import numpy as np
from synthesize import LANGUAGES, read_texts
from teacher import list_voices

from nanospeech_core.cli.output import guard
from nanospeech_core.errors import UserError
from nanospeech_core.system.files import replacing

PURE = 0.25  # share of the texts with an unmixed voice


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="speakers", description=(__doc__ or "").split("\n\n")[1], allow_abbrev=False
    )
    parser.add_argument("texts", type=Path, metavar="JSONL", help='lines {"id", "text", "voice"}: texts.py')
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="JSONL", help="file to write")
    parser.add_argument(
        "--voices", type=Path, required=True, metavar="FILE", help="voices-v1.0.bin, or a folder of NAME.bin"
    )
    args = parser.parse_args(argv)
    return guard(lambda: run(args), "speakers", quiet=False)


def run(args: argparse.Namespace) -> None:
    voices = list_voices(args.voices)
    rows = [row | {"voice": speaker(row["id"], row["voice"], voices)} for row in read_texts(args.texts)]
    with replacing(args.output) as temporary:
        temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    print(f"{len(rows)} texts, {len({row['voice'] for row in rows})} speakers of {len(voices)} voices")


def speaker(id: str, voice: str, voices: list[str]) -> str:
    """The new speaker of a text that was meant for `voice`; see `Teacher.style`."""
    english = {first for first, language in LANGUAGES.items() if language.startswith("en")}
    alike = english if voice[0] in english else set(voice[0])
    native = [name for name in voices if name[0] in alike]
    if not native:
        raise UserError(f"there is no voice of the language of {voice}")
    rng = np.random.default_rng(zlib.crc32(id.encode()))
    first, second = rng.choice(native), rng.choice(voices)
    share = rng.uniform(0, 0.5)
    if rng.uniform() < PURE or first == second:
        return str(first)
    return f"{first}+{second}@{share:.2f}"


if __name__ == "__main__":
    sys.exit(main())
