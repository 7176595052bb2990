"""Task "aligner": which symbol is spoken when, learnt from text and audio only."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.errors import UserError

from ...models.aligner import Aligner
from ..data.batch import Library, Loader, Utterance
from ..data.batch_plans import FRAME_RATE, group, plans
from ..data.corpus import read_index, split
from ..engine.blocks import prepare_blocks
from ..engine.metrics import Means
from ..monitoring import samples as watch
from .boundaries import Errors, boundary_errors
from .config import AlignmentConfig
from .loss import AlignerObjective, build_alignment
from .weights import read_aligner


class AlignmentTask:
    """See `task.Task`.

    Args:
        config: of the run.
        report: called with a line of text.
    Raises:
        UserError: bad data, or weights that do not fit.
    """

    def __init__(self, config: AlignmentConfig, report=print):
        self.config = config
        torch.manual_seed(config.seed)
        self.model = Aligner(**dataclasses.asdict(config.model))
        initialize(self.model)
        if config.init_from:
            self.model.load_state_dict(fitting_weights(config))
            report(f"weights of {config.init_from}")
        # as of a model that has this aligner, so that `convert` and `export` know the checkpoints
        self.identity = {
            "text": dataclasses.asdict(config.text),
            "aligner": dataclasses.asdict(config.model),
        }
        self.losses: dict[str, nn.Module] = {"model": AlignerObjective(self.model, config.loss)}
        self.rates = {"model": config.optimizer.learning_rate}
        held_out, training = split(
            read_index(config.data, config.speaker, report, durations=False), config.data.held_out
        )
        self.training = Library(training, config.speaker, config.data.memory_hours, report)
        self.held_out = Library(held_out, config.speaker, float("inf"), report) if held_out else None

    def turns(self, step: int) -> list[str]:
        return ["model"]

    def weights(self, turn: str, step: int) -> dict[str, float]:
        """The prior fades while the alignment forms; the binarization comes when it has."""
        loss = self.config.loss
        return {
            "forward_sum": 1.0,
            "binarization": loss.binarization if step >= loss.binarization_start else 0.0,
            "prior": max(0.0, 1.0 - step / max(1, loss.prior_steps)),
        }

    def stream(self, start: int, rank: int, world: int) -> Iterator[tuple[object, list[str]]]:
        c = self.config
        order = plans(self.training.items, c.data, 1, c.seed, start, rank, world)
        loader = Loader(self.training, functools.partial(build_alignment, config=c.loss), c.seed)
        return loader.stream(order, c.engine.workers, torch.cuda.is_available())

    @functools.cached_property
    def held_out_utterances(self) -> list[Utterance]:
        return [] if self.held_out is None else [self.held_out[i] for i in range(len(self.held_out.items))]

    @functools.cached_property
    def held_out_durations(self) -> dict[str, object]:
        """Of those held-out utterances whose data say them, in samples, by key."""
        keys = {utterance.key for utterance in self.held_out_utterances}
        try:
            items = read_index(self.config.data, self.config.speaker, lambda line: None, durations=True)
        except UserError:  # none has any
            return {}
        return {item.key: item.durations for item in items if item.key in keys}

    @torch.no_grad()
    def validate(self, model: Aligner) -> dict[str, float]:
        """The forward-sum loss without prior and, where the data have durations, how near the path is."""
        plain = dataclasses.replace(self.config.loss, augment=0.0)
        utterances, means, errors = self.held_out_utterances, Means(), Errors()
        loss, device = AlignerObjective(model, plain), next(model.parameters()).device
        weights = {"forward_sum": 1.0, "binarization": 0.0, "prior": 0.0}
        lengths = [len(u.mel) for u in utterances]
        limit = self.config.data.batch_seconds * FRAME_RATE
        for numbers in group(lengths, range(len(lengths)), limit):
            batch = build_alignment([[utterances[i]] for i in numbers], 0, 0, plain).to(device)
            means.rate(
                "held_out_forward_sum", loss(batch, weights)["forward_sum"], batch.counts["forward_sum"]
            )
        for u in utterances:
            if u.key in self.held_out_durations:
                errors.add(boundary_errors(model.align(u.mel, u.ids), self.held_out_durations[u.key]))
        return means.take() | {f"held_out_{name}": value for name, value in errors.summary().items()}

    def evaluate(self, model: Aligner) -> dict[str, float]:
        return {}

    @torch.no_grad()
    def show(self, model: Aligner, folder: Path) -> bool:
        items, device = [], next(model.parameters()).device
        for u in watch.choose(self.held_out_utterances, self.config.speaker, (), self.config.watch.samples):
            mel = torch.from_numpy(u.recording.mel).float()[None].to(device)
            ids = torch.from_numpy(u.ids)[None].to(device)
            soft = model.log_probs(mel, ids)[0].exp().cpu().numpy()
            labels = [self.config.text.vocab[i] if i >= 0 else "?" for i in u.ids]
            frames = model.align(u.recording.mel, u.ids)
            items.append(watch.Alignment(u.recording.key, u.text, soft, frames, labels))
        if items:
            watch.show_alignments(items, folder)
        return bool(items)

    def prepare(self) -> None:
        blocks = (*self.model.text_blocks, *self.model.mel_blocks)
        prepare_blocks(blocks, self.config.engine)


@torch.no_grad()
def initialize(aligner: Aligner) -> None:
    """The text convolutions begin at nothing: a symbol first stands for itself, then for its context."""
    for block in aligner.text_blocks:
        nn.init.zeros_(block.conv.weight)
        nn.init.zeros_(block.conv.bias)


def fitting_weights(config: AlignmentConfig) -> dict[str, torch.Tensor]:
    """The weights of `init_from`. Raises UserError where they are of another size or vocabulary."""
    text, weights = read_aligner(config.init_from)[::2]
    if text.vocab != config.text.vocab:
        raise UserError(f"{config.init_from} was trained with another text.vocab than the config's")
    own = Aligner(**dataclasses.asdict(config.model)).state_dict()
    shapes = {name: tuple(value.shape) for name, value in own.items()}
    fitting = checkpoint.check(weights, shapes, config.init_from)
    return {name: torch.from_numpy(value) for name, value in fitting.items()}
