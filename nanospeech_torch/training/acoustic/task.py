"""Task "acoustic": the DiT with both its paths, the mel regression and the duration predictor, trained
jointly.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.dataset import read_rows

from ...nanospeech import Nanospeech
from ..config import AcousticConfig
from ..data.batch import Library, Loader
from ..data.batch_plans import FRAME_RATE, group, plans
from ..data.corpus import read_index, split
from ..engine.blocks import prepare_blocks
from ..engine.metrics import Means
from ..monitoring import samples as watch
from ..monitoring.error_rates import Evaluation
from .loss import JointLoss
from .masking import build_joint
from .weights import freeze, initialize, warm_start


class AcousticTask:
    """See `task.Task`.

    Args:
        config: of the run.
        report: called with a line of text.
    Raises:
        UserError: bad data, weights that do not fit, an evaluation whose packages are missing.
    """

    def __init__(self, config: AcousticConfig, report=print):
        self.config = config
        watched = config.watch
        self.evaluation = None
        if watched.asr:
            self.evaluation = Evaluation(
                watched.eval_texts, watched.asr, watched.eval_sentences, config.engine.threads, config.model
            )
        torch.manual_seed(config.seed)
        # the vocoder and the aligner have runs of their own
        architecture = dataclasses.replace(config.model, vocoder=None, aligner=None)
        self.model = Nanospeech.from_config(architecture)
        self.identity = architecture.to_dict()
        initialize(self.model)
        if config.init_from:
            fresh = warm_start(self.model, config.init_from)
            report(f"weights of {config.init_from}" + (f"; new: {', '.join(fresh)}" if fresh else ""))
        freeze(self.model, config.frozen)
        self.flow_share = config.loss.flow_share if self.model.diffusion_module is not None else 1.0
        self.losses: dict[str, nn.Module] = {"model": JointLoss(self.model, config.loss)}
        self.rates = {"model": config.optimizer.learning_rate}

        data, patch = config.data, config.model.transformer.patch
        held_out, training = split(read_index(data, config.model, report), data.held_out)
        self.patch = patch
        self.training = Library(training, config.model, data.memory_hours, report)
        self.held_out = Library(held_out, config.model, float("inf"), report) if held_out else None
        if watched.asr and self.held_out is None:
            raise UserError("config: an evaluation by asr speaks after held-out utterances: there are none")

    def turns(self, step: int) -> list[str]:
        return ["model"]

    def weights(self, turn: str, step: int) -> dict[str, float]:
        """Flow first; the diffusion loss begins at `head_start` and rises over `head_ramp` steps."""
        loss = self.config.loss
        since = step - loss.head_start
        ramp = min(1.0, max(0.0, since / loss.head_ramp)) if loss.head_ramp else float(since >= 0)
        return {
            "flow": loss.flow_weight,
            "regression": loss.regression_weight,
            "head": loss.head_weight * ramp,
            "duration": loss.duration_weight,
        }

    def loader(self, library: Library) -> Loader:
        build = functools.partial(
            build_joint, model=self.config.model, config=self.config.loss, flow_share=self.flow_share
        )
        return Loader(library, build, self.config.seed)

    def stream(self, start: int, rank: int, world: int) -> Iterator[tuple[object, list[str]]]:
        c = self.config
        order = plans(self.training.items, c.data, self.patch, c.seed, start, rank, world)
        return self.loader(self.training).stream(order, c.engine.workers, torch.cuda.is_available())

    @torch.no_grad()
    def validate(self, model: Nanospeech) -> dict[str, float]:
        """The losses on the held-out utterances, always under the same masks and noises."""
        if self.held_out is None:
            return {}
        loss, device, means = JointLoss(model, self.config.loss), next(model.parameters()).device, Means()
        weights = {name: 1.0 for name in ("flow", "regression", "head", "duration")}
        utterances = self.spoken_after
        lengths = [len(u.mel) for u in utterances]
        batch_frames = self.config.data.batch_seconds * FRAME_RATE
        for number, numbers in enumerate(group(lengths, range(len(lengths)), batch_frames)):
            build = self.loader(self.held_out).build
            work = build([[utterances[i]] for i in numbers], 0, number).to(device)
            for name, value in loss(work, weights).items():
                means.rate(f"held_out_{name}", value, work.counts[name])
        return means.take()

    def evaluate(self, model: Nanospeech) -> dict[str, float]:
        if self.evaluation is None:
            return {}
        return self.evaluation.measure(model, self.spoken_after)

    def show(self, model: Nanospeech, folder: Path) -> bool:
        watched = self.config.watch
        rows = read_rows(watched.eval_texts)[:1] if watched.eval_texts else []
        sentences = watch.choose(self.spoken_after, self.config.model, rows, watched.samples)
        if not sentences:
            return False
        watch.speak(model, sentences, folder)
        return True

    @functools.cached_property
    def spoken_after(self) -> list:
        """The held-out utterances."""
        return [] if self.held_out is None else [self.held_out[i] for i in range(len(self.held_out.items))]

    def prepare(self) -> None:
        engine = self.config.engine
        if engine.compile:  # torch gives up after 8 shapes; guidance compiles each once more
            config = torch._dynamo.config
            config.cache_size_limit = max(config.cache_size_limit, 4 * self.config.data.buckets)
        prepare_blocks(self.model.transformer.transformer_blocks, engine)
