"""Task "aligner": trains a network that finds which symbol is spoken when, on text and audio only."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from nanospeech_core.checkpoints.tensors import check_tensors
from nanospeech_core.errors import UserError

from ...models.aligner import Aligner
from ..data.batch_plans import FRAME_RATE, batch_plans, group_neighbors
from ..data.corpus import read_index, split_held_out
from ..data.fingerprint import describe_held_out, fingerprint_entries
from ..data.loading import UtteranceBatchDataset
from ..data.utterances import Utterance, UtteranceDataset
from ..engine.blocks import prepare_blocks
from ..monitoring import samples
from ..monitoring.metrics import RunningMeans
from .batch import AlignmentBatch, build_alignment_batch
from .boundaries import BoundaryErrors, boundary_errors
from .config import AlignmentConfig
from .loss import AlignerObjective
from .weights import read_aligner


class AlignmentTask:
    """See `engine.task.Task`.

    Args:
        config: of the run.
        report: called with a line of text.
    Raises:
        UserError: bad data, or weights that do not fit.
    """

    def __init__(self, config: AlignmentConfig, report: Callable[[str], object] = print) -> None:
        self.config = config
        torch.manual_seed(config.seed)
        self.model = Aligner(**dataclasses.asdict(config.model))
        initialize(self.model)
        if config.init_from:
            self.model.load_state_dict(fitting_weights(config))
            report(f"weights of {config.init_from}")
        # like the config of a model with this aligner: `convert` and `export` read it so
        self.identity = {
            "text": dataclasses.asdict(config.text),
            "aligner": dataclasses.asdict(config.model),
        }
        self.losses: dict[str, nn.Module] = {"model": AlignerObjective(self.model, config.loss)}
        self.rates = {"model": config.optimizer.learning_rate}
        entries = read_index(config.data, config.full_model, report, durations=False)
        held_out, training = split_held_out(entries, config.data.held_out)
        self.data = fingerprint_entries(held_out, training)
        keys = [entry.key for entry in held_out]
        report(describe_held_out(keys, sum(entry.samples for entry in held_out), "data.held_out"))
        self.training = UtteranceDataset(training, config.data.memory_hours, report)
        self.held_out = UtteranceDataset(held_out, float("inf"), report) if held_out else None

    def active_losses(self, step: int) -> list[str]:
        return ["model"]

    def weights(self, loss_name: str, step: int) -> dict[str, float]:
        """The prior fades while the alignment forms; the binarization begins afterwards."""
        loss = self.config.loss
        return {
            "forward_sum": 1.0,
            "binarization": loss.binarization if step >= loss.binarization_start else 0.0,
            "prior": max(0.0, 1.0 - step / max(1, loss.prior_steps)),
        }

    def stream(self, start: int, rank: int, world: int) -> Iterator[tuple[AlignmentBatch, list[str]]]:
        c = self.config
        plans = batch_plans(self.training.entries, c.data, 1, c.seed, start, rank, world)
        build = functools.partial(build_alignment_batch, config=c.loss)
        batches = UtteranceBatchDataset(self.training, build, c.seed)
        return batches.stream(plans, c.engine.workers, torch.cuda.is_available())

    @functools.cached_property
    def held_out_utterances(self) -> list[Utterance]:
        return [] if self.held_out is None else [self.held_out[i] for i in range(len(self.held_out))]

    @functools.cached_property
    def held_out_durations(self) -> dict[str, np.ndarray]:
        """The durations of held-out utterances, in samples, by key; of those that have any in the data."""
        keys = {utterance.key for utterance in self.held_out_utterances}
        try:
            entries = read_index(self.config.data, self.config.full_model, lambda line: None, durations=True)
        except UserError:  # no utterance has durations
            return {}
        return {e.key: e.durations for e in entries if e.key in keys and e.durations is not None}

    @torch.no_grad()
    def validate(self, model: Aligner) -> dict[str, float]:
        """The forward-sum loss without prior; if the data have durations, also the boundaries' errors."""
        plain = dataclasses.replace(self.config.loss, augment=0.0)
        utterances, means, errors = self.held_out_utterances, RunningMeans(), BoundaryErrors()
        loss, device = AlignerObjective(model, plain), next(model.parameters()).device
        weights = {"forward_sum": 1.0, "binarization": 0.0, "prior": 0.0}
        lengths = [len(u.mel) for u in utterances]
        limit = self.config.data.batch_seconds * FRAME_RATE
        for group in group_neighbors(lengths, range(len(lengths)), limit):
            batch = build_alignment_batch([[utterances[i]] for i in group], 0, 0, plain).to(device)
            total = loss(batch, weights)["forward_sum"]
            means.add_sum("held_out_forward_sum", total, batch.counts["forward_sum"])
        for u in utterances:
            if u.key in self.held_out_durations:
                errors.add(boundary_errors(model.align(u.mel, u.ids), self.held_out_durations[u.key]))
        return means.pop() | {f"held_out_{name}": value for name, value in errors.summary().items()}

    def error_rates(self, model: Aligner) -> dict[str, float]:
        return {}

    @torch.no_grad()
    def write_samples(self, model: Aligner, folder: Path) -> bool:
        items, device = [], next(model.parameters()).device
        for u in samples.select_utterances(self.held_out_utterances, self.config.watch.samples):
            mel = torch.from_numpy(u.mel).float()[None].to(device)
            ids = torch.from_numpy(u.ids)[None].to(device)
            soft = model.log_probs(mel, ids)[0].exp().cpu().numpy()
            labels = [self.config.text.vocab[i] if i >= 0 else "?" for i in u.ids]
            frames = model.align(u.mel, u.ids)
            items.append(samples.Alignment(u.key, u.text, soft, frames, labels))
        if items:
            samples.write_alignments(items, folder)
        return bool(items)

    def prepare(self) -> None:
        blocks = (*self.model.text_blocks, *self.model.mel_blocks)
        prepare_blocks(blocks, self.config.engine)


@torch.no_grad()
def initialize(aligner: Aligner) -> None:
    """The text convolutions start at zero: at first a symbol's embedding does not depend on its context."""
    for block in aligner.text_blocks:
        nn.init.zeros_(block.conv.weight)
        nn.init.zeros_(block.conv.bias)


def fitting_weights(config: AlignmentConfig) -> dict[str, torch.Tensor]:
    """The weights of `init_from`. Raises UserError if they have another size or vocabulary."""
    text, _, weights = read_aligner(config.init_from)
    if text.vocab != config.text.vocab:
        raise UserError(f"{config.init_from} was trained with another text.vocab than the config's")
    own = Aligner(**dataclasses.asdict(config.model)).state_dict()
    shapes = {name: tuple(value.shape) for name, value in own.items()}
    fitting = check_tensors(weights, shapes, config.init_from)
    return {name: torch.from_numpy(value) for name, value in fitting.items()}
