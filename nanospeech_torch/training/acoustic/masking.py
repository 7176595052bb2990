"""What is random about a batch: what is hidden of each sequence, and the noises.

All of it is drawn before the loss: the masks with the batch, the noises from the batch's seed. So the loss is
a function, and what each part is averaged over is known before it is computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.sampling.schedules import TRAIN_STEPS, bit_reversal

from ...nanospeech import Nanospeech
from ..config import LossConfig
from ..data.batch import Batch, Utterance, collate, map_tensors


@dataclass(frozen=True)
class Draws:
    """What each row is trained on."""

    drop: Tensor  # bool [batch]: rows without text and visible tokens
    visible: Tensor  # bool [batch, tokens]
    given: Tensor  # bool [batch, tokens]: visible as of a recording, not as generated ones
    time: Tensor  # float [batch]: of the flow; 0 on rows of the masked path
    is_flow: Tensor  # bool [batch]
    flow_targets: Tensor  # int64 [n]: tokens the flow path learns, in the flattened [batch x tokens]
    masked_targets: Tensor  # int64 [m]: of the masked path
    known: Tensor  # bool [batch, symbols] ("filler": [batch, frames]): what the duration predictor is shown
    hidden: Tensor  # bool [batch, symbols]: what it learns


@dataclass(frozen=True)
class JointBatch:
    """A batch with its draws."""

    batch: Batch
    draws: Draws
    seed: int  # of the noises
    counts: dict[str, float]  # what each loss is averaged over
    seconds: float  # of speech

    def to(self, device: torch.device) -> JointBatch:
        return map_tensors(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> JointBatch:
        return map_tensors(self, lambda tensor: tensor.pin_memory())


@dataclass(frozen=True)
class Noises:
    """All standard normal but the last two."""

    flow: Tensor  # [batch, tokens, channels]: the start of the flow's path
    visible: Tensor  # [batch, tokens, channels]: what is wrong with visible tokens, ...
    visible_scale: Tensor  # [batch, 1, 1]: ... and how much
    head: Tensor  # [draws x m, channels]
    head_time: Tensor  # [draws x m]: in (0, 1), or int64 steps of "ddpm"
    draft: Tensor  # [batch, 1, 1]: uniform, how far visible tokens are moved to the model's own


def build_joint(
    sequences: list[list[Utterance]], frames: int, seed: int, model, config: LossConfig, flow_share: float
) -> JointBatch:
    """Utterances -> a batch with draws; the arguments are those of `data.Loader`'s `build`, then the
    configs'.
    """
    batch = collate(sequences, model, frames // model.transformer.patch)
    generator = torch.Generator().manual_seed(seed)
    draws = draw(batch, config, flow_share, generator, model.text.alignment == "filler")
    seconds = float(batch.mask.sum()) * model.transformer.patch * HOP / SAMPLE_RATE
    masked = float(len(draws.masked_targets))
    counts = {
        "flow": float(len(draws.flow_targets)),
        "regression": masked,
        "head": masked * config.draws,
        "duration": float(draws.hidden.sum()),
    }
    return JointBatch(batch, draws, seed, counts, seconds)


def draw(
    batch: Batch, config: LossConfig, flow_share: float, generator: torch.Generator, filler: bool = False
) -> Draws:
    """Spans to infill and, on the masked path, random masks.

    The share that those mask is cos(pi/2 u), u uniform (MaskGIT, arXiv 2202.04200), as in generation's reveal
    schedule, or ("uniform") u. They mask what comes last in the order of `config.mask_order`.

    Args:
        batch: on the CPU.
        config: how often there is a span, where, and how often a row is dropped.
        flow_share: share of the rows that train the flow path, exact on average.
        generator: of the CPU.
        filler: the durations are not of symbols but of utterances.
    """
    rows, tokens = batch.mask.shape
    mask, first = batch.mask, batch.first
    position = torch.arange(tokens)[None]

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    flow_rows = math.floor(rows * flow_share + float(uniform(1)))
    is_flow = torch.randperm(rows, generator=generator) < flow_rows

    length = mask.sum(1)
    width = (length * (0.1 + 0.3 * uniform(rows))).long()
    in_front = uniform(rows) < config.prefix
    begin = torch.where(in_front, 0.0, uniform(rows) * (length - width)).long()
    # half of the joined sequences show their first utterance whole: that is how a reference voice will look
    whole = (first > 0) & in_front & (uniform(rows) < 0.5)
    width = torch.where(whole, first, width)
    has_span = (uniform(rows) < config.span)[:, None]
    given = has_span & (position >= begin[:, None]) & (position < (begin + width)[:, None])

    masked_share = uniform(rows)
    if config.mask_law == "cosine":
        masked_share = torch.cos(math.pi / 2 * masked_share)
    kind = torch.randint(len(config.mask_order), (rows, 1), generator=generator)
    early = torch.zeros(rows, tokens)
    for index, order in enumerate(config.mask_order):
        early = torch.where(kind == index, earliness(order, length, tokens, generator), early)
    revealed = early >= masked_share[:, None]
    visible = given | (revealed & ~is_flow[:, None])

    drop = uniform(rows) < config.drop
    visible = visible & mask & ~drop[:, None]
    # a row with nothing left to learn shows nothing instead
    visible = visible & ~(visible == mask).all(1)[:, None]
    target = mask & ~visible
    time = torch.where(is_flow, logit_normal(rows, config.flow_time, generator), 0.0)
    known, hidden = draw_known(batch, generator, filler)
    return Draws(
        drop=drop,
        visible=visible,
        given=given & visible,
        time=time,
        is_flow=is_flow,
        flow_targets=(target & is_flow[:, None]).flatten().nonzero()[:, 0],
        masked_targets=(target & ~is_flow[:, None]).flatten().nonzero()[:, 0],
        known=known,
        hidden=hidden,
    )


def earliness(order: str, length: Tensor, tokens: int, generator: torch.Generator) -> Tensor:
    """How early each token of rows of `length` is revealed, float [rows, tokens] in [0, 1]: the first has the
    most. See `nanospeech_core.sampling.reveal.token_order`.
    """
    rows, position = len(length), torch.arange(tokens)[None]
    if order == "random":
        return torch.rand(rows, tokens, generator=generator)
    if order == "interleaved":
        reversal = torch.from_numpy(bit_reversal(tokens.bit_length()))
        begins = torch.randint(len(reversal), (rows, 1), generator=generator)
        return 1 - (reversal[(position + begins) % len(reversal)] + 1) / len(reversal)
    return 1 - (position + 1) / length[:, None]


def draw_known(batch: Batch, generator: torch.Generator, filler: bool) -> tuple[Tensor, Tensor]:
    """What the duration predictor is shown and what it learns.

    Shown are the durations of a sequence's first utterance, as of a reference, or of at most the first half;
    in a tenth of the rows none. With "filler" alignment it is shown so many frames, at least one (it has
    nothing else to go by), and learns one length a row.
    """
    rows = len(batch.ids)
    patch = batch.text.shape[1] // batch.mask.shape[1]
    real = batch.mask.repeat_interleave(patch, dim=1) if filler else batch.ids >= 0
    first = batch.first * patch if filler else batch.first_symbols
    share = 0.5 * torch.rand(rows, generator=generator)
    shown = torch.where(first > 0, first, (real.sum(1) * share).long())
    shown = torch.where(torch.rand(rows, generator=generator) < 0.1, 0, shown)
    if filler:
        shown = shown.clamp(min=1)
    known = (torch.arange(real.shape[1])[None] < shown[:, None]) & real
    return known, torch.ones(rows, 1, dtype=torch.bool) if filler else real & ~known


def draw_noises(work: JointBatch, model: Nanospeech, config: LossConfig) -> Noises:
    """The noises of a batch, on its device, from its seed."""
    tokens, head = work.batch.tokens, model.diffusion_module
    generator = torch.Generator(tokens.device).manual_seed(work.seed + 1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=tokens.device)

    rows = config.draws * len(work.draws.masked_targets)
    if head is not None and head.objective == "ddpm":
        time = torch.randint(0, TRAIN_STEPS, (rows,), generator=generator, device=tokens.device)
    else:
        time = logit_normal(rows, config.head_time, generator)
    return Noises(
        flow=normal(*tokens.shape),
        visible=normal(*tokens.shape),
        visible_scale=normal(len(tokens), 1, 1),
        head=normal(rows if head is not None else 0, tokens.shape[-1]),
        head_time=time,
        draft=torch.rand(len(tokens), 1, 1, generator=generator, device=tokens.device),
    )


def logit_normal(rows: int, mean_std: tuple[float, ...], generator: torch.Generator) -> Tensor:
    """Times [rows] in (0, 1) whose logits are normal (arXiv 2403.03206, 3.1)."""
    mean, std = mean_std
    return (mean + std * torch.randn(rows, generator=generator, device=generator.device)).sigmoid()
