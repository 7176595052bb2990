"""The masks of a batch: what the networks see of each sequence and what they are trained on.

All random numbers are drawn before the loss is computed. So the loss is a function of the batch, and it is
known beforehand what each loss is averaged over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from nanospeech_core.sampling.reveal import bit_reversal

from ..data.batch import Batch
from .config import AcousticLossConfig


@dataclass(frozen=True)
class Masks:
    """What is visible in each row of a batch, and what is a target."""

    unconditional: Tensor  # bool [batch]: rows without text and visible tokens, for guidance
    visible: Tensor  # bool [batch, tokens]
    span: Tensor  # bool [batch, tokens]: visible tokens that stand for a reference's, not for generated ones
    flow_time: Tensor  # float [batch]: of the flow; 0 on rows of the masked path
    is_flow: Tensor  # bool [batch]: rows that train the flow path; the others train the masked path
    flow_targets: Tensor  # int64 [n]: tokens that the flow path learns, in the flattened [batch x tokens]
    masked_targets: Tensor  # int64 [m]: tokens that the masked path learns
    known_durations: Tensor  # bool [batch, symbols] ("filler": [batch, frames]): visible to the predictor
    duration_targets: Tensor  # bool [batch, symbols]: what the duration predictor learns


def draw_masks(
    batch: Batch,
    config: AcousticLossConfig,
    flow_share: float,
    generator: torch.Generator,
    filler: bool = False,
) -> Masks:
    """Visible spans and, on the masked path, random masks.

    The masked share is cos(pi/2 u), u uniform (MaskGIT, arXiv 2202.04200), as in generation's reveal
    schedule, or ("uniform") u. The masked tokens are the last ones in the order of `config.mask_order`.

    Args:
        batch: on the CPU.
        config: how often there is a span, where, and how often a row is unconditional.
        flow_share: share of the rows that train the flow path, exact on average.
        generator: of the CPU.
        filler: durations belong to utterances, not to symbols.
    """
    rows, tokens = batch.mask.shape
    mask, first = batch.mask, batch.first_tokens
    position = torch.arange(tokens)[None]

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    flow_rows = math.floor(rows * flow_share + float(uniform(1)))
    is_flow = torch.randperm(rows, generator=generator) < flow_rows

    length = mask.sum(1)
    width = (length * (0.1 + 0.3 * uniform(rows))).long()
    at_front = uniform(rows) < config.prefix
    begin = torch.where(at_front, 0.0, uniform(rows) * (length - width)).long()
    # half of the joined sequences show all of their first utterance, as a prompt shows the reference
    whole_first = (first > 0) & at_front & (uniform(rows) < 0.5)
    width = torch.where(whole_first, first, width)
    has_span = (uniform(rows) < config.span)[:, None]
    span = has_span & (position >= begin[:, None]) & (position < (begin + width)[:, None])

    masked_share = uniform(rows)
    if config.mask_law == "cosine":
        masked_share = torch.cos(math.pi / 2 * masked_share)
    order_of_row = torch.randint(len(config.mask_order), (rows, 1), generator=generator)
    earliness = torch.zeros(rows, tokens)
    for index, order in enumerate(config.mask_order):
        earliness = torch.where(
            order_of_row == index, draw_earliness(order, length, tokens, generator), earliness
        )
    revealed = earliness >= masked_share[:, None]
    visible = span | (revealed & ~is_flow[:, None])

    unconditional = uniform(rows) < config.drop
    visible = visible & mask & ~unconditional[:, None]
    # a row must have a target: one that is visible as a whole shows nothing instead
    visible = visible & ~(visible == mask).all(1)[:, None]
    target = mask & ~visible
    flow_time = torch.where(is_flow, logit_normal(rows, config.flow_time, generator), 0.0)
    known_durations, duration_targets = draw_duration_masks(batch, generator, filler)
    return Masks(
        unconditional=unconditional,
        visible=visible,
        span=span & visible,
        flow_time=flow_time,
        is_flow=is_flow,
        flow_targets=(target & is_flow[:, None]).flatten().nonzero()[:, 0],
        masked_targets=(target & ~is_flow[:, None]).flatten().nonzero()[:, 0],
        known_durations=known_durations,
        duration_targets=duration_targets,
    )


def draw_earliness(order: str, length: Tensor, tokens: int, generator: torch.Generator) -> Tensor:
    """How early each token is revealed, float [rows, tokens] in [0, 1]; the first has the greatest value.

    Args:
        order: see `nanospeech_core.sampling.reveal.token_order`.
        length: int64 [rows], the tokens of each row.
        tokens: of the padded rows.
        generator: of the CPU.
    """
    rows, position = len(length), torch.arange(tokens)[None]
    if order == "random":
        return torch.rand(rows, tokens, generator=generator)
    if order == "interleaved":
        reversal = torch.from_numpy(bit_reversal(tokens.bit_length()))
        begins = torch.randint(len(reversal), (rows, 1), generator=generator)
        return 1 - (reversal[(position + begins) % len(reversal)] + 1) / len(reversal)
    return 1 - (position + 1) / length[:, None]


def draw_duration_masks(batch: Batch, generator: torch.Generator, filler: bool) -> tuple[Tensor, Tensor]:
    """(durations that the predictor sees, durations that it learns).

    It sees the durations of a row's first utterance, as of a reference; if there is only one, those of at
    most its first half; in a tenth of the rows none. With "filler" alignment it sees that many frames, at
    least one (it has no other input), and learns one duration a row.
    """
    rows = len(batch.ids)
    patch = batch.text.shape[1] // batch.mask.shape[1]
    real = batch.mask.repeat_interleave(patch, dim=1) if filler else batch.ids >= 0
    first = batch.first_tokens * patch if filler else batch.first_symbols
    share = 0.5 * torch.rand(rows, generator=generator)
    count = torch.where(first > 0, first, (real.sum(1) * share).long())
    count = torch.where(torch.rand(rows, generator=generator) < 0.1, 0, count)
    if filler:
        count = count.clamp(min=1)
    known = (torch.arange(real.shape[1])[None] < count[:, None]) & real
    return known, torch.ones(rows, 1, dtype=torch.bool) if filler else real & ~known


def logit_normal(rows: int, mean_std: tuple[float, ...], generator: torch.Generator) -> Tensor:
    """Times [rows] in (0, 1) whose logits are normal (arXiv 2403.03206, 3.1)."""
    mean, std = mean_std
    return (mean + std * torch.randn(rows, generator=generator, device=generator.device)).sigmoid()
