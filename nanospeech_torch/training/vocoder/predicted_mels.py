"""python -m nanospeech_torch.training.vocoder.predicted_mels MODEL SHARDS... -o DIR

The corpus's mels as an acoustic model speaks them, for the vocoder to learn from (`data.predicted`): it then
mends what the model does to a mel. Half of each utterance is given and the other half drawn, then the other
way round, at the true durations, so that pitch and timing stay those of the recording. DIR gets a NAME.npy
for each, float16 [frames, bins]; those that are there are kept.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nanospeech_core.system.process import command, importing, note

with importing(__name__, "predicted"):
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
    from ..data.batch import Utterance, batch_seed, load_utterance, whole_tokens
    from ..data.corpus import Skip, read_index
    from .crops import predicted_path

if TYPE_CHECKING:
    from ...nanospeech import Nanospeech

SPAN_SECONDS = (0.2, 0.8)  # that are given, or drawn, at a stretch


@command("predicted")
def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="predicted", description=__doc__.split("\n\n")[1], allow_abbrev=False
    )
    parser.add_argument("model", metavar="DIR|ID", help='checkpoint folder, hub id, or "embedded"')
    parser.add_argument("shards", nargs="+", help="prepared tar files, or folders of audio + json")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--hours", type=float, default=20.0, help="of the corpus, at most (default: 20)")
    parser.add_argument("--max-seconds", type=float, default=12.0, help="of an utterance (default: 12)")
    parser.add_argument("--batch-size", type=int, default=8, help="utterances at once (default: 8)")
    args = parser.parse_args(argv)
    for name in ("hours", "max_seconds", "batch_size"):
        if not getattr(args, name) > 0:
            parser.error(f"--{name.replace('_', '-')} must be more than 0")
    return guard(lambda: run(args), "predicted", quiet=False)


def run(args: argparse.Namespace) -> None:
    need(("torch",), "speaking", "torch")
    from ...nanospeech import Nanospeech

    model = Nanospeech.from_pretrained(args.model)
    if model.config.diffusion is None or model.config.text.alignment != "durations":
        raise UserError(f"{args.model} has no diffusion head, or knows no durations: nothing can be drawn")
    make_folder(args.output)
    items = read_index(DataConfig(shards=tuple(args.shards), max_seconds=args.max_seconds), model.config)
    np.random.default_rng(0).shuffle(items)
    total, wanted = 0.0, []
    for item in items:
        total += item.samples / SAMPLE_RATE / 3600
        if total > args.hours:
            break
        if not predicted_path(args.output, item.key).exists():
            wanted.append(item)
    wanted.sort(key=lambda item: item.samples)
    for start in range(0, len(wanted), args.batch_size):
        batch = []
        for item in wanted[start : start + args.batch_size]:
            try:
                batch.append(load_utterance(item, model.config))
            except Skip as reason:
                note(f"predicted: {item.key} is left out: {reason}")
        if batch:
            for utterance, mel in zip(batch, predict(model, batch), strict=True):
                path = predicted_path(args.output, utterance.key)
                with replacing(path) as temporary, open(temporary, "wb") as file:
                    np.save(file, mel.astype(np.float16))
        done = min(start + args.batch_size, len(wanted))
        if done % (50 * args.batch_size) == 0 or done == len(wanted):
            print_result(f"{done} of {len(wanted)}")


def predict(model: Nanospeech, batch: list[Utterance]) -> list[np.ndarray]:
    """The log-mels float32 [frames, bins] of utterances, drawn by the model; whole tokens only."""
    config = model.config
    patch, bins = config.transformer.patch, config.transformer.mel_dim
    options = GenerateOptions(sampler="masked", num_iter=1)
    tokens = [whole_tokens(utterance.mel, config) for utterance in batch]
    given = [spans(len(part), utterance.key, config) for part, utterance in zip(tokens, batch, strict=True)]
    seeds = [batch_seed(0, index) for index in range(len(batch))]
    drawn = [np.empty_like(part) for part in tokens]
    for turn in (False, True):
        prompts = []
        for utterance, part, visible in zip(batch, tokens, given, strict=True):
            visible = visible ^ turn
            text = np.repeat(utterance.ids, utterance.frames)[: len(part) * patch]
            prompts.append(Prompt(np.where(visible[:, None], part, 0).astype(np.float32), visible, text))
        for states, _ in model.sample_steps(prompts, seeds, options):  # noqa: B007
            pass
        for made, prompt, state in zip(drawn, prompts, model.array(states), strict=True):
            made[~prompt.visible] = state[: len(made)][~prompt.visible]
    return [made.reshape(-1, bins) * config.mel.std + config.mel.mean for made in drawn]


def spans(tokens: int, key: str, config: ModelConfig) -> np.ndarray:
    """bool [tokens], true in every other stretch; the stretches depend on the key alone."""
    rng = np.random.default_rng(list(key.encode()))
    per_second = FRAME_RATE / config.transformer.patch
    visible, given = [], bool(rng.integers(2))
    while len(visible) < tokens:
        visible += [given] * max(1, round(rng.uniform(*SPAN_SECONDS) * per_second))
        given = not given
    visible = np.array(visible[:tokens])
    if visible.all() or not visible.any():
        visible[: (tokens + 1) // 2] = ~visible[0]
    return visible


if __name__ == "__main__":
    sys.exit(main())
