"""The aligner's losses: forward-sum and binarization (Badlani et al., arXiv 2108.10447, 3.1 and 3.3)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.voices.alignment import MASKED, monotonic_search

from ...models.aligner import Aligner
from .batch import AlignmentBatch
from .config import AlignmentLossConfig


def forward_sum(logits: Tensor, frames: Tensor, symbols: Tensor, blank: float) -> Tensor:
    """-log of the total probability of all monotonic paths, [batch] (arXiv 2108.10447, eq. 3).

    It is the CTC loss of the targets 1, 2, 3, ...: as there, a frame between two symbols may belong to none.

    Args:
        logits: [batch, frames, symbols], `MASKED` where a symbol is padding.
        frames, symbols: int64 [batch], the lengths.
        blank: the logit of "no symbol".
    """
    rows, _, n = logits.shape
    log_probs = F.pad(logits.float(), (1, 0), value=blank).log_softmax(-1)
    targets = torch.arange(1, n + 1, device=logits.device).expand(rows, n)
    return F.ctc_loss(log_probs.transpose(0, 1), targets, frames, symbols, reduction="none")


def path_mask(log_probs: Tensor, frames: Tensor, symbols: Tensor) -> Tensor:
    """Bool [batch, frames, symbols]: true on the best monotonic path of each row."""
    mask = np.zeros(log_probs.shape, dtype=bool)
    lengths = zip(frames.tolist(), symbols.tolist(), strict=True)
    for row, probs, (t, n) in zip(mask, log_probs.detach().float().cpu().numpy(), lengths, strict=True):
        counts = monotonic_search(probs[:t, :n])
        row[np.arange(t), np.repeat(np.arange(n), counts)] = True
    return torch.from_numpy(mask).to(log_probs.device)


class AlignerObjective(nn.Module):
    """The aligner's losses as a module: sums over the frames of a batch."""

    def __init__(self, aligner: Aligner, config: AlignmentLossConfig) -> None:
        super().__init__()
        self.aligner, self.config = aligner, config

    def forward(self, batch: AlignmentBatch, weights: dict[str, float]) -> dict[str, Tensor]:
        """The sums of `forward_sum` and, where its weight is not 0, `binarization`; nats.

        weights: of the two losses, and of the `prior` in the log-probabilities.
        """
        frames, symbols = batch.mel_mask.sum(1), batch.text_mask.sum(1)
        logits = self.aligner(batch.mel, batch.ids, batch.mel_mask, batch.text_mask)
        log_probs = logits.log_softmax(-1)
        with_prior = log_probs + weights["prior"] * batch.prior
        with_prior = torch.where(batch.text_mask[:, None], with_prior, MASKED)
        sums = {"forward_sum": forward_sum(with_prior, frames, symbols, self.config.blank).sum()}
        if weights["binarization"] > 0:
            sums["binarization"] = -log_probs[path_mask(log_probs, frames, symbols)].sum()
        return sums
