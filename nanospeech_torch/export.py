"""python -m nanospeech_torch.export ACOUSTIC.pt VOCOS.safetensors -o DIR: a checkpoint folder that speaks."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from nanospeech_core.checkpoint import load_tensors, save_tensors
from nanospeech_core.config import ModelConfig, VocosConfig, from_dict
from nanospeech_core.errors import UserError
from nanospeech_core.files import replacing
from nanospeech_core.mel import SAMPLE_RATE
from nanospeech_core.voices import Voice, save_voice


def main(argv: list[str] | None = None) -> int:
    """Join the averaged weights of a training run, a vocoder, and voices from its data into one folder."""
    parser = argparse.ArgumentParser(prog="python -m nanospeech_torch.export", description=main.__doc__)
    parser.add_argument("acoustic", help="a checkpoint of nanospeech_torch.train")
    parser.add_argument("vocoder", help="weights exported by nanospeech_torch.train_vocoder")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", type=Path)
    parser.add_argument(
        "--aligner", metavar="RUN.pt|DIR|ID", help="an aligner of its own (default: it uses the embedded one)"
    )
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float16", help="of the weights")
    parser.add_argument("--voices", metavar="JSON", help="a list of voices to cut (see examples/voices.json)")
    parser.add_argument("--shards", nargs="*", default=[], metavar="GLOB", help="where their utterances are")
    args = parser.parse_args(argv)
    try:
        wanted = read_voices(args.voices) if args.voices else []
        export(args.acoustic, args.vocoder, args.output, args.dtype, args.aligner)
        cut_voices(args.output, wanted, args.shards)
    except UserError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    return 0


def export(
    acoustic: str, vocoder: str, output: Path, dtype: str = "float16", aligner: str | None = None
) -> None:
    """Write config.json, model.safetensors, vocos.safetensors and, of an `aligner`, aligner.safetensors.

    All have the format "pt". An aligner is named as `training.alignment_task.read_aligner` takes it.

    Raises:
        UserError: an input is missing or broken, or the output cannot be written.
    """
    from .training.alignment_task import read_aligner
    from .training.run import make_folder, read_checkpoint

    state = read_checkpoint(acoustic)
    if not {"ema", "config"} <= state.keys():
        raise UserError(f"{acoustic} is no checkpoint of nanospeech_torch.train")
    weights, metadata = load_tensors(vocoder)
    if "config" not in metadata:
        raise UserError(f"{vocoder} does not say its config; export it by nanospeech_torch.train_vocoder")
    vocos = from_dict(VocosConfig, json.loads(metadata["config"]), vocoder)
    config = dataclasses.replace(ModelConfig.from_dict(state["config"], str(acoustic)), vocoder=vocos)
    heard, sizes, aligner_weights = (config.text, None, {}) if aligner is None else read_aligner(aligner)
    if heard.vocab != config.text.vocab:
        raise UserError(f"{aligner} was trained with another text.vocab than {acoustic}")
    config = dataclasses.replace(config, aligner=sizes)
    make_folder(output)
    model = {name: value.numpy().astype(dtype) for name, value in state["ema"].items()}
    save_tensors(output / "model.safetensors", model, {"format": "pt"})
    vocos_weights = {name: value.astype(dtype) for name, value in weights.items()}
    save_tensors(output / "vocos.safetensors", vocos_weights, {"format": "pt"})
    if aligner_weights:
        aligner_weights = {name: value.astype(dtype) for name, value in aligner_weights.items()}
        save_tensors(output / "aligner.safetensors", aligner_weights, {"format": "pt"})
    with replacing(output / "config.json") as path:
        text = json.dumps(config.to_dict(), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


def read_voices(path: str) -> list[dict]:
    """The voices to cut: `name`, `key` (of an utterance), `language`, `description`, perhaps `default`."""
    try:
        wanted = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    needed = {"name", "key", "language", "description"}
    for item in wanted if isinstance(wanted, list) else [wanted]:
        if not isinstance(item, dict) or not needed <= item.keys() <= {*needed, "default"}:
            raise UserError(f"{path}: a voice has {', '.join(sorted(needed))} and perhaps default")
    return wanted


def cut_voices(output: Path, wanted: list[dict], shards: list[str]) -> None:
    """Store utterances of the training data as voices of a checkpoint folder, with their durations."""
    if not wanted:
        return
    from .training.corpus import DURATION_UNIT, Skip, read_wave
    from .training.shards import read_pairs

    by_key = {item["key"]: item for item in wanted}
    for key, audio, meta in read_pairs(tuple(shards)):
        if key not in by_key:
            continue
        item = by_key.pop(key)
        unit = meta.get("duration_unit", DURATION_UNIT) / SAMPLE_RATE
        try:
            wave = read_wave(audio, max_seconds=30.0)
        except Skip as error:
            raise UserError(f"the utterance {key} cannot be a voice: {error}") from error
        voice = Voice(
            name=item["name"],
            audio=wave,
            text=meta["text"],
            phonemes=meta["phonemes"],
            durations=tuple(float(duration) * unit for duration in meta["durations"]),
            language=item["language"],
            description=item["description"],
            default=item.get("default", False),
        )
        save_voice(output, voice)
    if by_key:
        raise UserError(f"the shards have no utterance {', '.join(by_key)}")


if __name__ == "__main__":
    sys.exit(main())
