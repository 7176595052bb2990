"""python -m nanospeech_torch.export ACOUSTIC.pt VOCOS.safetensors -o DIR: a checkpoint folder that speaks."""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import sys
from pathlib import Path

import numpy as np

from nanospeech_core.checkpoint import save_tensors
from nanospeech_core.config import ModelConfig, VocosConfig, from_dict
from nanospeech_core.errors import UserError
from nanospeech_core.files import replacing
from nanospeech_core.voices import Voice, save_voice


def main(argv: list[str] | None = None) -> int:
    """Join a run's averaged weights, a vocoder, and voices from the training data into one folder."""
    parser = argparse.ArgumentParser(prog="python -m nanospeech_torch.export", description=main.__doc__)
    parser.add_argument("acoustic", help="a checkpoint of nanospeech_torch.train")
    parser.add_argument("vocoder", help="weights exported by nanospeech_torch.train_vocoder")
    parser.add_argument("-o", "--output", required=True, metavar="DIR")
    parser.add_argument(
        "--dtype", choices=("float32", "float16"), default="float16", help="of the stored weights"
    )
    parser.add_argument(
        "--voices", metavar="JSON", help="list of {name, key, language, description} of utterances"
    )
    parser.add_argument("--shards", nargs="*", default=[], metavar="GLOB", help="where those utterances are")
    args = parser.parse_args(argv)
    try:
        export(args.acoustic, args.vocoder, Path(args.output), args.dtype)
        if args.voices:
            cut_voices(
                Path(args.output), json.loads(Path(args.voices).read_text(encoding="utf-8")), args.shards
            )
    except UserError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"export: cannot read the input: {error}", file=sys.stderr)
        return 1
    return 0


def export(acoustic: str, vocoder: str, output: Path, dtype: str = "float16") -> None:
    """Write config.json, model.safetensors and vocos.safetensors (all of format "pt") into `output`."""
    import torch

    from nanospeech_core.checkpoint import load_tensors

    state = torch.load(acoustic, map_location="cpu", weights_only=True)
    config = ModelConfig.from_dict(state["config"])
    weights, metadata = load_tensors(vocoder)
    vocos = from_dict(VocosConfig, json.loads(metadata["config"]), vocoder)
    output.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.numpy().astype(dtype) for name, value in state["ema"].items()}
    save_tensors(output / "model.safetensors", tensors, {"format": "pt"})
    tensors = {name: value.astype(dtype) for name, value in weights.items()}
    save_tensors(output / "vocos.safetensors", tensors, {"format": "pt"})
    config = dataclasses.replace(config, vocoder=vocos)
    with replacing(output / "config.json") as path:
        path.write_text(json.dumps(config.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def cut_voices(output: Path, wanted: list[dict], shards: list[str]) -> None:
    """Store utterances of the training data as voices, with their durations."""
    import soundfile

    from .training.data import DURATION_UNIT, read_pairs

    by_key = {item["key"]: item for item in wanted}
    for key, audio, meta in read_pairs(tuple(shards)):
        if key not in by_key:
            continue
        item = by_key.pop(key)
        wave, rate = soundfile.read(io.BytesIO(audio), dtype="float32")
        unit = meta.get("duration_unit", DURATION_UNIT) / 24000
        durations = tuple(float(d) * unit for d in meta["durations"])
        voice = Voice(
            name=item["name"],
            audio=np.asarray(wave),
            text=meta["text"],
            phonemes=meta["phonemes"],
            durations=durations,
            language=item["language"],
            description=item["description"],
            default=item.get("default", False),
        )
        save_voice(output, voice)
    if by_key:
        raise UserError(f"the shards have no utterance {', '.join(by_key)}")


if __name__ == "__main__":
    sys.exit(main())
