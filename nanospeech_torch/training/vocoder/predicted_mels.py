"""python -m nanospeech_torch.training.vocoder.predicted_mels MODEL SHARDS... -o DIR

Write the corpus's mels as an acoustic model predicts them, to train a vocoder on (`data.predicted`): it then
corrects the errors of the model's mels. Half of each utterance is visible and the model generates the other
half, then the reverse, with the true durations, so that pitch and timing stay those of the recording. DIR
gets a NAME.npy for each utterance, float16 [frames, bins]; existing files are kept.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nanospeech_core.system.process import command, importing, note

PROG = "python -m nanospeech_torch.training.vocoder.predicted_mels"

with importing(__name__, PROG):
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from nanospeech_core.audio.mel import FRAME_RATE, SAMPLE_RATE
    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.config import ModelConfig
    from nanospeech_core.errors import UserError
    from nanospeech_core.sampling.options import GenerateOptions
    from nanospeech_core.sampling.prompt import Prompt
    from nanospeech_core.system.files import make_folder, replacing
    from nanospeech_core.system.install import need

    from ..config import DataConfig
    from ..data.batch import whole_tokens
    from ..data.corpus import Skip, read_index
    from ..data.loading import batch_seed
    from ..data.utterances import Utterance, load_utterance
    from .recordings import predicted_path

if TYPE_CHECKING:
    from ...nanospeech import Nanospeech

SPAN_SECONDS = (0.2, 0.8)  # of a stretch that is visible or generated


@command(PROG)
def main(argv: Sequence[str] | None, prog: str) -> int:
    """Write the mels of a corpus as an acoustic model predicts them, to train a vocoder on."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=(__doc__ or "").split("\n\n")[1],
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="DIR|ID", help='checkpoint folder, hub id, or "embedded"')
    parser.add_argument("shards", nargs="+", help="prepared tar files, or folders of audio + json")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the mels")
    parser.add_argument(
        "--hours", type=float, default=20.0, help="hours of the corpus to predict, at most (default: 20)"
    )
    parser.add_argument(
        "--max-seconds", type=float, default=12.0, help="leave out longer utterances (default: 12)"
    )
    parser.add_argument("--batch-size", type=int, default=8, help="utterances at once (default: 8)")
    args = parser.parse_args(argv)
    for name in ("hours", "max_seconds", "batch_size"):
        if not getattr(args, name) > 0:
            parser.error(f"--{name.replace('_', '-')} must be more than 0")
    return guard(lambda: run(args), prog, quiet=False)


def run(args: argparse.Namespace) -> None:
    need(("torch",), "predicting mels", "torch")
    from ...nanospeech import Nanospeech

    model = Nanospeech.from_pretrained(args.model)
    if model.config.diffusion is None or model.config.text.alignment != "durations":
        raise UserError(
            f"{args.model} has no diffusion head or no durations, and both are needed: name another model"
        )
    make_folder(args.output)
    entries = read_index(DataConfig(shards=tuple(args.shards), max_seconds=args.max_seconds), model.config)
    np.random.default_rng(0).shuffle(entries)
    hours, missing = 0.0, []
    for entry in entries:
        hours += entry.samples / SAMPLE_RATE / 3600
        if hours > args.hours:
            break
        if not predicted_path(args.output, entry.key).exists():
            missing.append(entry)
    missing.sort(key=lambda entry: entry.samples)
    for start in range(0, len(missing), args.batch_size):
        batch = []
        for entry in missing[start : start + args.batch_size]:
            try:
                batch.append(load_utterance(entry))
            except Skip as reason:
                note(f"predicted_mels: {entry.key} is left out: {reason}")
        if batch:
            for utterance, mel in zip(batch, predict(model, batch), strict=True):
                path = predicted_path(args.output, utterance.key)
                with replacing(path) as temporary, open(temporary, "wb") as file:
                    np.save(file, mel.astype(np.float16))
        done = min(start + args.batch_size, len(missing))
        if done % (50 * args.batch_size) == 0 or done == len(missing):
            print_result(f"{done} of {len(missing)}")


def predict(model: Nanospeech, batch: list[Utterance]) -> list[np.ndarray]:
    """The log-mels of utterances as the model predicts them, float32 [frames, bins]; whole tokens only."""
    config = model.config
    patch, bins = config.transformer.patch, config.transformer.mel_dim
    options = GenerateOptions(sampler="masked", num_iter=1)
    tokens = [whole_tokens(utterance.mel, config) for utterance in batch]
    visible = [
        visible_stretches(len(part), utterance.key, config)
        for part, utterance in zip(tokens, batch, strict=True)
    ]
    seeds = [batch_seed(0, index) for index in range(len(batch))]
    predicted = [np.empty_like(part) for part in tokens]
    for inverted in (False, True):
        prompts = []
        for utterance, part, stretches in zip(batch, tokens, visible, strict=True):
            half = stretches ^ inverted
            text = np.repeat(utterance.ids, utterance.durations)[: len(part) * patch]
            prompts.append(Prompt(np.where(half[:, None], part, 0).astype(np.float32), half, text))
        for states, _ in model.sample_steps(prompts, seeds, options):  # noqa: B007
            pass
        for result, prompt, state in zip(predicted, prompts, model.array(states), strict=True):
            result[~prompt.visible] = state[: len(result)][~prompt.visible]
    return [result.reshape(-1, bins) * config.mel.std + config.mel.mean for result in predicted]


def visible_stretches(tokens: int, key: str, config: ModelConfig) -> np.ndarray:
    """Bool [tokens], true in every other stretch. The stretches depend on the key only."""
    rng = np.random.default_rng(list(key.encode()))
    per_second = FRAME_RATE / config.transformer.patch
    flags: list[bool] = []
    flag = bool(rng.integers(2))
    while len(flags) < tokens:
        flags += [flag] * max(1, round(rng.uniform(*SPAN_SECONDS) * per_second))
        flag = not flag
    visible = np.array(flags[:tokens])
    if visible.all() or not visible.any():
        visible[: (tokens + 1) // 2] = ~visible[0]
    return visible


if __name__ == "__main__":
    sys.exit(main())
