"""python -m nanospeech_torch.export RUN -o DIR: a checkpoint folder that speaks, from what was trained."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command, importing

PROG = "python -m nanospeech_torch.export"

with importing(__name__, PROG):
    import argparse
    import dataclasses
    import json
    import os
    import shlex
    import warnings
    from pathlib import Path

    import numpy as np

    from nanospeech_core.checkpoints import folder as checkpoint
    from nanospeech_core.checkpoints.tensors import save_tensors
    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.config import AlignerConfig, ModelConfig, VocosConfig
    from nanospeech_core.errors import UserError
    from nanospeech_core.sampling.option_fields import options_of
    from nanospeech_core.sampling.options import ITERATIONS, GenerateOptions
    from nanospeech_core.sampling.samplers import sampler_of
    from nanospeech_core.system.files import replacing
    from nanospeech_core.system.folders import replacing_folder
    from nanospeech_core.system.install import need

    from .output import check_folder, find_silence
    from .voices import make_voices, read_voices


@command(PROG)
def main(argv: list[str] | None, prog: str) -> int:
    """Write the averaged weights of a training run, a vocoder, an aligner and voices to a checkpoint folder.

    A vocoder's run alone is written to one file: -o vocos.safetensors.
    """
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    parser.add_argument("run", help="a training run's folder (its best.pt, or the newest), or one checkpoint")
    parser.add_argument(
        "vocoder",
        nargs="?",
        help="a vocoder's run, a vocos.safetensors, a folder or a hub id (default: the embedded one)",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", type=Path, help="folder, or a vocoder's file"
    )
    parser.add_argument(
        "--aligner",
        metavar="RUN|DIR|ID",
        help="an aligner (default: the embedded one, if it has the same symbols)",
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "float16"),
        default="float16",
        help="dtype of the weights (default: float16)",
    )
    parser.add_argument(
        "--voice",
        metavar="NAME",
        help="make a voice of this name from an utterance of that voice, else of any voice",
    )
    parser.add_argument(
        "--voices",
        metavar="JSON",
        help="list of voices to make from utterances (see examples/embedded/voices.json)",
    )
    parser.add_argument(
        "--shards", nargs="*", default=[], metavar="GLOB", help="shards with these utterances"
    )
    parser.add_argument(
        "--tempo-shards",
        nargs="*",
        metavar="GLOB",
        help="speech that the voices' tempo is measured on, preferably not trained on (default: --shards)",
    )
    parser.add_argument(
        "--num_iter",
        type=int,
        metavar="N",
        help="iterations of masked decoding with which these voices speak, if that many are enough for them "
        f"(default: none of their own, so {ITERATIONS})",
    )
    args = parser.parse_args(argv)
    return guard(lambda: run(args), prog, quiet=False)


def run(args: argparse.Namespace) -> None:
    need(("torch",), "export", "torch")
    from ..training.engine.checkpoints import best_or_newest

    voices = read_voices(args.voices) if args.voices else []
    if (voices or args.voice) and not args.shards:
        raise UserError('a voice needs a recording: name the prepared data with --shards "data/*.tar"')
    options_of(GenerateOptions)["num_iter"].check(args.num_iter)
    if args.num_iter is not None and not (voices or args.voice):
        raise UserError("--num_iter is stored with voices: name them with --voice or --voices")
    path = best_or_newest(args.run)
    state = read_state(path)
    if "transformer" not in state["config"]:
        export_vocoder(state, path, args)
    else:
        names = [item["name"] for item in voices] + [args.voice] * bool(args.voice)
        check_folder(args.output, names)
        with replacing_folder(args.output) as folder:
            export(state, path, folder, args.vocoder, args.aligner, args.dtype)
            make_voices(folder, voices, args.voice, args.shards, args.tempo_shards, args.num_iter)
            if silence := find_silence(folder):
                warnings.warn(f"{path} (step {state.get('step', '?')}): {silence}", stacklevel=1)
            check_folder(args.output, names)  # again: another process may have written it meanwhile
    print_result(f"{path} -> {args.output}")
    if args.voice:
        speak = f"generate --model {shlex.quote(str(args.output))} --voice {shlex.quote(args.voice)}"
        print_result(f'it speaks with nanospeech-mar {speak} --text "Hello there."')


def read_state(path: str) -> dict:
    """The contents of a training checkpoint. Raises UserError if it is another kind of file."""
    from ..training.engine.checkpoints import read_checkpoint

    if os.path.isdir(path):
        raise UserError(f"{path} is not a training run: it has no step-N.pt")
    state = read_checkpoint(path)
    if not (isinstance(state, dict) and isinstance(state.get("config"), dict) and "ema" in state):
        raise UserError(f"{path} is not a checkpoint of nanospeech_torch.train")
    return state


def export_vocoder(state: dict, path: str, args: argparse.Namespace) -> None:
    """Write a vocoder's weights to a file."""
    from ..training.vocoder.weights import vocoder_of

    if args.vocoder or args.aligner or args.output.suffix != ".safetensors":
        raise UserError(
            f"{path} is not a checkpoint of an acoustic model; "
            "export a vocoder alone with -o vocos.safetensors"
        )
    save_vocoder(args.output, *vocoder_of(state, path), args.dtype)


def export(
    state: dict,
    path: str,
    output: Path,
    vocoder: str | None = None,
    aligner: str | None = None,
    dtype: str = "float16",
) -> None:
    """Write config.json, model.safetensors, vocos.safetensors and, with an aligner, aligner.safetensors.

    All have the format "pt".

    Args:
        state: the contents of an acoustic model's checkpoint.
        path: of the checkpoint.
        output: the folder; it exists.
        vocoder: a vocoder's run, or see `training.vocoder.weights.read_vocoder`; None: the embedded one.
        aligner: an aligner's run, or see `training.aligner.weights.read_aligner`; None: the embedded one, if
            it has the same symbols.
        dtype: "float16" or "float32".
    Raises:
        UserError: an input is missing or broken, or the output cannot be written.
    """
    from ..training.engine.checkpoints import averaged_weights, best_or_newest
    from ..training.vocoder.weights import read_vocoder

    config = ModelConfig.from_dict(state["config"], path)
    vocos, vocos_weights = read_vocoder(best_or_newest(vocoder or "embedded"))
    sizes, aligner_weights = find_aligner(config, aligner)
    sampling = dataclasses.replace(config.sampling, sampler=sampler_of(GenerateOptions(), config))
    config = dataclasses.replace(config, vocoder=vocos, aligner=sizes, sampling=sampling)
    save(output / "model.safetensors", averaged_weights(state, path), dtype)
    save_vocoder(output / "vocos.safetensors", vocos, vocos_weights, dtype)
    if aligner_weights:
        save(output / "aligner.safetensors", aligner_weights, dtype)
    with replacing(output / "config.json") as file:
        text = json.dumps(config.to_dict(), indent=1, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")


def find_aligner(
    config: ModelConfig, aligner: str | None
) -> tuple[AlignerConfig | None, dict[str, np.ndarray]]:
    """The sizes (None: no aligner) and tensors of the aligner for a model."""
    from ..training.aligner.weights import read_aligner
    from ..training.engine.checkpoints import best_or_newest

    if aligner is None:
        embedded = checkpoint.PRETRAINED / "aligner.safetensors"
        if (
            not embedded.is_file()
            or checkpoint.read_config(checkpoint.PRETRAINED).text.vocab != config.text.vocab
        ):
            return None, {}
    text, sizes, weights = read_aligner(best_or_newest(aligner or "embedded"))
    if text.vocab != config.text.vocab:
        raise UserError(f"{aligner} was trained with another text.vocab than the acoustic model")
    return sizes, weights


def save_vocoder(path: Path, config: VocosConfig, tensors: dict[str, np.ndarray], dtype: str) -> None:
    """Write a vocoder with its config in the file, so that it can be used without its folder."""
    save(path, tensors, dtype, {"config": json.dumps(dataclasses.asdict(config))})


def save(
    path: Path, tensors: dict[str, np.ndarray], dtype: str, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors as safetensors. Raises UserError if `dtype` cannot represent a value."""
    with np.errstate(over="ignore"):
        cast = {name: value.astype(dtype) for name, value in tensors.items()}
    for name, value in cast.items():
        if not np.isfinite(value).all():
            raise UserError(f"{name} has values that {dtype} cannot represent: choose another --dtype")
    save_tensors(path, cast, {"format": "pt", **(metadata or {})})


if __name__ == "__main__":
    sys.exit(main())
