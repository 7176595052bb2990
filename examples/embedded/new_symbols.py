"""python examples/embedded/new_symbols.py MODEL -o DIR r=ɾ β=v ɣ=ɡ ʎ=j ʝ=j ɲ=n

Prepare a model for a language with phonemes that it has not heard. "β=v" gives the symbol β, which is in the
model's vocabulary but was not trained on, the embedding of v, the most similar sound that the model knows. A
fine-tuning with `init_from = "DIR"` then learns only the difference.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np

from nanospeech_core.checkpoints.folder import read_config, resolve
from nanospeech_core.checkpoints.tensors import load_tensors, save_tensors
from nanospeech_core.cli.output import guard
from nanospeech_core.errors import UserError
from nanospeech_core.system.folders import replacing_folder

# Tables of embeddings, and the row of the first symbol: row 0 is for what has none.
TABLES = {
    "model.safetensors": (
        "transformer.text_embed.text_embed.weight",
        "duration_predictor.text_embed.weight",
    ),
    "aligner.safetensors": ("text_embed.weight",),
}
FIRST = 1


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="new_symbols", description=(__doc__ or "").split("\n\n")[1], allow_abbrev=False
    )
    parser.add_argument("model", metavar="MODEL", help='a checkpoint folder, a hub id, or "embedded"')
    parser.add_argument("pairs", nargs="+", metavar="NEW=KNOWN", help="symbols of the model's vocabulary")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write")
    args = parser.parse_args(argv)
    return guard(lambda: run(args), "new_symbols", quiet=False)


def run(args: argparse.Namespace) -> None:
    source = resolve(args.model)
    config = read_config(source)
    if config.quantization is not None:
        raise UserError(f"{args.model} is quantized: take the model that it was made from")
    rows = [read_pair(pair, config.text.vocab) for pair in args.pairs]
    with replacing_folder(args.output) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        for name, tables in TABLES.items():
            if (source / name).is_file():
                tensors, metadata = load_tensors(source / name)
                changed = {key: np.array(value) for key, value in tensors.items()}
                for table in tables:
                    for new, known in rows:
                        changed[table][new] = tensors[table][known]
                save_tensors(folder / name, changed, metadata)
    print(f"{len(rows)} symbols of {args.model} -> {args.output}")


def read_pair(pair: str, vocab: tuple[str, ...]) -> tuple[int, int]:
    """The rows of "β=v" in a table of embeddings. Raises UserError."""
    new, _, known = pair.partition("=")
    if new == known or not {new, known} <= set(vocab):
        raise UserError(f"{pair!r} is not two symbols of the model's vocabulary: write it like β=v")
    return vocab.index(new) + FIRST, vocab.index(known) + FIRST


if __name__ == "__main__":
    sys.exit(main())
