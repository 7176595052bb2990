"""python -m nanospeech_torch.export RUN -o DIR: a checkpoint folder that speaks, from what was trained."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command, importing

PROG = "python -m nanospeech_torch.export"

with importing(__name__, PROG):
    import argparse
    import dataclasses
    import json
    from pathlib import Path

    import numpy as np

    from nanospeech_core.checkpoints import folder as checkpoint
    from nanospeech_core.checkpoints.tensors import save_tensors
    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.config import ModelConfig, VocosConfig
    from nanospeech_core.errors import UserError
    from nanospeech_core.sampling.options import GenerateOptions
    from nanospeech_core.sampling.samplers import sampler_of
    from nanospeech_core.system.files import make_folder, replacing
    from nanospeech_core.system.install import need

    from .voices import cut_voices, read_voices


@command(PROG)
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """Join the averaged weights of a training run, a vocoder, an aligner and voices into one folder.

    A vocoder's run alone becomes one file: -o vocos.safetensors.
    """
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    parser.add_argument("run", help="a training run's folder (its best.pt, or the newest), or one checkpoint")
    parser.add_argument(
        "vocoder",
        nargs="?",
        help="a vocoder's run, a vocos.safetensors, a folder or a hub id (default: the embedded one)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="DIR", type=Path)
    parser.add_argument(
        "--aligner",
        metavar="RUN|DIR|ID",
        help="an aligner of its own (default: the embedded one, if it reads the same symbols)",
    )
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float16", help="of the weights")
    parser.add_argument("--voice", metavar="NAME", help="cut one voice, of an utterance of that voice or any")
    parser.add_argument(
        "--voices", metavar="JSON", help="a list of voices to cut (see examples/embedded/voices.json)"
    )
    parser.add_argument("--shards", nargs="*", default=[], metavar="GLOB", help="where their utterances are")
    parser.add_argument(
        "--tempo-shards",
        nargs="*",
        metavar="GLOB",
        help="speech to measure their tempo on, best of texts that were not trained on (default: --shards)",
    )
    args = parser.parse_args(argv)
    return guard(lambda: run(args), prog, quiet=False)


def run(args: argparse.Namespace) -> None:
    need(("torch",), "export", "torch")
    from ..training.engine.checkpoints import newest

    print_result(f"{newest(args.run)} -> {args.output}")
    wanted = read_voices(args.voices) if args.voices else []
    export(args.run, args.output, args.vocoder, args.aligner, args.dtype)
    cut_voices(args.output, wanted, args.voice, args.shards, args.tempo_shards)


def export(
    run: str,
    output: Path,
    vocoder: str | None = None,
    aligner: str | None = None,
    dtype: str = "float16",
) -> None:
    """Write config.json, model.safetensors, vocos.safetensors and, where there is one, aligner.safetensors.

    All have the format "pt".

    Args:
        run: a training run's folder or checkpoint; of a vocoder, its weights alone are written.
        output: the folder; of a vocoder, the file.
        vocoder: a vocoder's run, or as `training.vocoder_weights.read_vocoder` takes it; None: the embedded.
        aligner: an aligner's run, or as `training.alignment_weights.read_aligner` takes it; None: the
            embedded one, if it reads the same symbols.
        dtype: "float16" or "float32".
    Raises:
        UserError: an input is missing or broken, or the output cannot be written.
    """
    from ..training.engine.checkpoints import newest, read_checkpoint
    from ..training.vocoder.weights import read_vocoder, vocoder_of

    path = newest(run)
    state = read_checkpoint(path)
    if not (isinstance(state, dict) and isinstance(state.get("config"), dict) and "ema" in state):
        raise UserError(f"{path} is no checkpoint of nanospeech_torch.train")
    if "transformer" not in state["config"]:
        if vocoder or aligner or output.suffix != ".safetensors":
            raise UserError(
                f"{path} is not an acoustic model's; a vocoder alone is exported to -o vocos.safetensors"
            )
        save_vocoder(output, *vocoder_of(state, path), dtype)
        return
    config = ModelConfig.from_dict(state["config"], path)
    vocos, vocos_weights = read_vocoder(newest(vocoder or "embedded"))
    sizes, aligner_weights = find_aligner(config, aligner)
    sampling = dataclasses.replace(config.sampling, sampler=sampler_of(GenerateOptions(), config))
    config = dataclasses.replace(config, vocoder=vocos, aligner=sizes, sampling=sampling)
    make_folder(output)
    model = {name: value.numpy() for name, value in state["ema"].items()}
    save(output / "model.safetensors", model, dtype)
    save_vocoder(output / "vocos.safetensors", vocos, vocos_weights, dtype)
    if aligner_weights:
        save(output / "aligner.safetensors", aligner_weights, dtype)
    with replacing(output / "config.json") as file:
        text = json.dumps(config.to_dict(), indent=1, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")


def find_aligner(config: ModelConfig, wanted: str | None):
    """The sizes (None: no aligner) and tensors of the aligner for a model."""
    from ..training.aligner.weights import read_aligner
    from ..training.engine.checkpoints import newest

    if wanted is None:
        embedded = checkpoint.PRETRAINED / "aligner.safetensors"
        if (
            not embedded.is_file()
            or checkpoint.read_config(checkpoint.PRETRAINED).text.vocab != config.text.vocab
        ):
            return None, {}
    heard, sizes, weights = read_aligner(newest(wanted or "embedded"))
    if heard.vocab != config.text.vocab:
        raise UserError(f"{wanted} was trained with another text.vocab than the acoustic model")
    return sizes, weights


def save_vocoder(path: Path, config: VocosConfig, tensors: dict[str, np.ndarray], dtype: str) -> None:
    """The file says its config, so that it can be used without its folder."""
    save(path, tensors, dtype, {"config": json.dumps(dataclasses.asdict(config))})


def save(
    path: Path, tensors: dict[str, np.ndarray], dtype: str, metadata: dict[str, str] | None = None
) -> None:
    with np.errstate(over="ignore"):
        cast = {name: value.astype(dtype) for name, value in tensors.items()}
    for name, value in cast.items():
        if not np.isfinite(value).all():
            raise UserError(f"{name} has values that {dtype} cannot hold")
    save_tensors(path, cast, {"format": "pt", **(metadata or {})})


if __name__ == "__main__":
    sys.exit(main())
