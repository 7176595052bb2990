"""Task "acoustic": trains the DiT on both its paths, the mel regression and the duration predictor."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.dataset import read_items

from ...nanospeech import Nanospeech
from ..data.batch_plans import FRAME_RATE, batch_plans, group_neighbors
from ..data.corpus import read_index, split_held_out
from ..data.fingerprint import describe_held_out, fingerprint_entries
from ..data.languages import check_languages
from ..data.loading import UtteranceBatchDataset
from ..data.utterances import Utterance, UtteranceDataset
from ..engine.blocks import prepare_blocks
from ..monitoring import samples
from ..monitoring.error_rates import ErrorRates
from ..monitoring.metrics import RunningMeans
from .batch import JointBatch, build_joint_batch
from .config import AcousticConfig
from .loss import JointLoss
from .weights import freeze, initialize, warm_start


class AcousticTask:
    """See `engine.task.Task`.

    Args:
        config: of the run.
        report: called with a line of text.
    Raises:
        UserError: bad data, weights that do not fit, or missing packages for the error rates.
    """

    def __init__(self, config: AcousticConfig, report: Callable[[str], object] = print) -> None:
        self.config = config
        watch = config.watch
        self.asr: ErrorRates | None = None
        if watch.asr:
            self.asr = ErrorRates(
                watch.eval_texts, watch.asr, watch.eval_sentences, config.engine.threads, config.model
            )
        torch.manual_seed(config.seed)
        # the vocoder and the aligner are trained by their own tasks
        architecture = dataclasses.replace(config.model, vocoder=None, aligner=None)
        self.model = Nanospeech.from_config(architecture)
        self.identity = architecture.to_dict()
        initialize(self.model)
        if config.init_from:
            fresh = warm_start(self.model, config.init_from)
            report(f"weights of {config.init_from}" + (f"; new: {', '.join(fresh)}" if fresh else ""))
        freeze(self.model, config.frozen)
        self.losses: dict[str, nn.Module] = {"model": JointLoss(self.model, config.loss)}
        self.rates = {"model": config.optimizer.learning_rate}

        flow_share = config.loss.flow_share if self.model.diffusion_module is not None else 1.0
        self.build_batch = functools.partial(
            build_joint_batch, model=config.model, config=config.loss, flow_share=flow_share
        )
        data = config.data
        entries = read_index(data, config.model, report)
        check_languages(entries, config.model.text.languages)
        held_out, training = split_held_out(entries, data.held_out)
        self.data = fingerprint_entries(held_out, training)
        keys = [entry.key for entry in held_out]
        report(describe_held_out(keys, sum(entry.samples for entry in held_out), "data.held_out"))
        self.training = UtteranceDataset(training, data.memory_hours, report)
        self.held_out = UtteranceDataset(held_out, float("inf"), report) if held_out else None
        if watch.asr and self.held_out is None:
            raise UserError("config: watch.asr needs held-out utterances as references, but there are none")

    def active_losses(self, step: int) -> list[str]:
        return ["model"]

    def weights(self, loss_name: str, step: int) -> dict[str, float]:
        """The flow is trained first; the diffusion loss begins at `head_start` and rises for `head_ramp`."""
        loss = self.config.loss
        since = step - loss.head_start
        ramp = min(1.0, max(0.0, since / loss.head_ramp)) if loss.head_ramp else float(since >= 0)
        return {
            "flow": loss.flow_weight,
            "regression": loss.regression_weight,
            "head": loss.head_weight * ramp,
            "duration": loss.duration_weight,
        }

    def stream(self, start: int, rank: int, world: int) -> Iterator[tuple[JointBatch, list[str]]]:
        c = self.config
        patch = c.model.transformer.patch
        plans = batch_plans(self.training.entries, c.data, patch, c.seed, start, rank, world)
        batches = UtteranceBatchDataset(self.training, self.build_batch, c.seed)
        return batches.stream(plans, c.engine.workers, torch.cuda.is_available())

    @torch.no_grad()
    def validate(self, model: Nanospeech) -> dict[str, float]:
        """The losses on the held-out utterances, always with the same masks and noise."""
        if not self.held_out_utterances:
            return {}
        loss, means = JointLoss(model, self.config.loss), RunningMeans()
        device = next(model.parameters()).device
        weights = {name: 1.0 for name in ("flow", "regression", "head", "duration")}
        utterances = self.held_out_utterances
        lengths = [len(u.mel) for u in utterances]
        batch_frames = self.config.data.batch_seconds * FRAME_RATE
        for number, group in enumerate(group_neighbors(lengths, range(len(lengths)), batch_frames)):
            joint = self.build_batch([[utterances[i]] for i in group], 0, number).to(device)
            for name, value in loss(joint, weights).items():
                means.add_sum(f"held_out_{name}", value, joint.counts[name])
        return means.pop()

    def error_rates(self, model: Nanospeech) -> dict[str, float]:
        if self.asr is None:
            return {}
        return self.asr.measure(model, self.held_out_utterances)

    def write_samples(self, model: Nanospeech, folder: Path) -> bool:
        watch = self.config.watch
        rows = read_items(watch.eval_texts)[:1] if watch.eval_texts else []
        sentences = samples.select_sentences(self.held_out_utterances, self.config.model, rows, watch.samples)
        if not sentences:
            return False
        samples.write_speech(model, sentences, folder)
        return True

    @functools.cached_property
    def held_out_utterances(self) -> list[Utterance]:
        return [] if self.held_out is None else [self.held_out[i] for i in range(len(self.held_out))]

    def prepare(self) -> None:
        engine = self.config.engine
        if engine.compile:  # torch stops compiling after 8 shapes; guidance compiles each once more
            config = torch._dynamo.config
            config.cache_size_limit = max(config.cache_size_limit, 4 * self.config.data.buckets)
        prepare_blocks(self.model.transformer.transformer_blocks, engine)
