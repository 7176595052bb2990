"""Small joint batches and models for the tests of the joint loss."""

from __future__ import annotations

from dataclasses import replace

import corpus
import numpy as np
import torch

from nanospeech_core.config import DurationConfig
from nanospeech_torch.nanospeech import Nanospeech
from nanospeech_torch.training.acoustic.batch import JointBatch, build_joint_batch
from nanospeech_torch.training.acoustic.config import AcousticLossConfig
from nanospeech_torch.training.acoustic.noise import Noise
from nanospeech_torch.training.acoustic.weights import initialize
from nanospeech_torch.training.data.batch import Batch, collate
from nanospeech_torch.training.data.utterances import Utterance

MODEL = corpus.small_model()
FILLER = replace(
    MODEL,
    text=replace(MODEL.text, alignment="filler"),
    phone_duration=None,
    duration=DurationConfig(dim=32, depth=1, heads=2, dim_head=16, text_num_embeds=114, text_dim=16),
)
WEIGHTS = {"flow": 1.0, "regression": 1.0, "head": 1.0, "duration": 1.0}


def random_sequences(rows=6, seed=0, joined=2, config=MODEL) -> list[list[Utterance]]:
    """Sequences of 1 to `joined` utterances of different lengths."""
    rng = np.random.default_rng(seed)

    def utterance():
        frames = rng.integers(2, 9, 12)
        mel = rng.normal(-5, 2.5, (frames.sum(), 100)).astype(np.float16)
        ids = rng.integers(0, len(config.text.vocab), 12)
        known = frames if config.text.alignment == "durations" else frames[:0]
        return Utterance("k", "v", "", mel, ids, known)

    return [[utterance() for _ in range(1 + i % joined)] for i in range(rows)]


def random_batch(rows=6, seed=0, joined=2, config=MODEL) -> Batch:
    return collate(random_sequences(rows, seed, joined, config), config)


def random_work(
    loss: AcousticLossConfig, rows=6, seed=0, flow_share=None, config=MODEL, joined=2
) -> JointBatch:
    share = loss.flow_share if flow_share is None else flow_share
    return build_joint_batch(random_sequences(rows, seed, joined, config), 0, seed, config, loss, share)


def build(config=MODEL, seed=0, trained=True) -> Nanospeech:
    """A model; `trained`: with no weight left at the zeros that it starts from."""
    torch.manual_seed(seed)
    model = Nanospeech.from_config(config)
    initialize(model)
    if trained:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def generator(seed=0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def hook(module: torch.nn.Module) -> list[torch.Tensor]:
    """The outputs of a module's coming calls."""
    seen = []
    module.register_forward_hook(lambda module, inputs, output: seen.append(output))
    return seen


def part(work: JointBatch, noises: Noise, rows: list[int]) -> tuple[JointBatch, Noise]:
    """Some rows of a batch, masked and noised as in the entire batch."""
    batch, masks = work.batch, work.masks
    tokens = batch.mask.shape[1]
    selected = torch.zeros(len(batch.mask), dtype=torch.bool)
    selected[rows] = True
    new = torch.full((len(selected),), -1)
    new[rows] = torch.arange(len(rows))

    def targets(old: torch.Tensor) -> torch.Tensor:
        old = old[selected[old // tokens]]
        return new[old // tokens] * tokens + old % tokens

    masked = selected[masks.masked_targets // tokens]
    copies = len(noises.head) // max(1, len(masked))
    of_rows = (
        "unconditional",
        "visible",
        "span",
        "flow_time",
        "is_flow",
        "known_durations",
        "duration_targets",
    )
    some = {name: getattr(masks, name)[rows] for name in of_rows}
    some_masks = replace(
        masks, **some, flow_targets=targets(masks.flow_targets), masked_targets=targets(masks.masked_targets)
    )
    some_batch = Batch(**{name: value[rows] for name, value in vars(batch).items()})
    some_noises = Noise(
        flow=noises.flow[rows],
        visible=noises.visible[rows],
        visible_scale=noises.visible_scale[rows],
        head=noises.head[masked.repeat(copies)],
        head_time=noises.head_time[masked.repeat(copies)],
        estimate_share=noises.estimate_share[rows],
    )
    return replace(work, batch=some_batch, masks=some_masks), some_noises


def padded(work: JointBatch, noises: Noise, extra: int) -> tuple[JointBatch, Noise]:
    """The same batch with `extra` more tokens of padding."""
    tokens = work.batch.mask.shape[1]
    patch = work.batch.text.shape[1] // tokens

    def pad(tensor: torch.Tensor, more: int, value=0) -> torch.Tensor:
        shape = (tensor.shape[0], more, *tensor.shape[2:])
        return torch.cat((tensor, torch.full(shape, value, dtype=tensor.dtype)), dim=1)

    def moved(old: torch.Tensor) -> torch.Tensor:
        return old // tokens * (tokens + extra) + old % tokens

    batch, masks = work.batch, work.masks
    batch = replace(
        batch,
        tokens=pad(batch.tokens, extra),
        text=pad(batch.text, extra * patch, -1),
        mask=pad(batch.mask, extra, False),
        ids=pad(batch.ids, 5, -1),
        durations=pad(batch.durations, 5),
    )
    masks = replace(
        masks,
        visible=pad(masks.visible, extra, False),
        span=pad(masks.span, extra, False),
        flow_targets=moved(masks.flow_targets),
        masked_targets=moved(masks.masked_targets),
        known_durations=pad(masks.known_durations, 5, False),
        duration_targets=pad(masks.duration_targets, 5, False),
    )
    noises = replace(noises, flow=pad(noises.flow, extra, 3.0), visible=pad(noises.visible, extra, 3.0))
    return replace(work, batch=batch, masks=masks), noises
