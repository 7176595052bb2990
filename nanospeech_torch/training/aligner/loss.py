"""The aligner's losses: forward-sum and binarization (Badlani et al., arXiv 2108.10447, 3.1 and 3.3).

What is random is drawn with the batch, so that the losses are functions of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.audio.mel import HOP, LOG_FLOOR, SAMPLE_RATE
from nanospeech_core.voices.alignment import MASKED, beta_binomial_log_prior, monotonic_search

from ...models.aligner import Aligner
from ..data.batch import Utterance, map_tensors
from .config import AlignmentLossConfig


@dataclass(frozen=True)
class AlignmentBatch:
    """Padded utterances."""

    mel: Tensor  # float32 [batch, frames, bins], not normalized
    mel_mask: Tensor  # bool [batch, frames]
    ids: Tensor  # int64 [batch, symbols], -1 outside the vocabulary
    text_mask: Tensor  # bool [batch, symbols]
    prior: Tensor  # float32 [batch, frames, symbols], log
    counts: dict[str, float]  # what each loss is averaged over: frames
    seconds: float

    def to(self, device: torch.device) -> AlignmentBatch:
        return map_tensors(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> AlignmentBatch:
        return map_tensors(self, lambda tensor: tensor.pin_memory())


def build_alignment(
    sequences: list[list[Utterance]], frames: int, seed: int, config: AlignmentLossConfig
) -> AlignmentBatch:
    """Utterances -> a batch; the arguments are those of `data.Loader`'s `build`, then the config."""
    rng = np.random.default_rng(seed)
    utterances = [utterance for sequence in sequences for utterance in sequence]
    rows, bins = len(utterances), utterances[0].mel.shape[1]
    t = max(frames, *(len(u.mel) for u in utterances))
    n = max(len(u.ids) for u in utterances)
    mel = np.zeros((rows, t, bins), dtype=np.float32)
    mel_mask, text_mask = np.zeros((rows, t), dtype=bool), np.zeros((rows, n), dtype=bool)
    ids = np.full((rows, n), -1, dtype=np.int64)
    prior = np.zeros((rows, t, n), dtype=np.float32)
    for i, u in enumerate(utterances):
        spoken, symbols = len(u.mel), len(u.ids)
        mel[i, :spoken] = augment(u.mel.astype(np.float32), rng, config.augment)
        mel_mask[i, :spoken], text_mask[i, :symbols] = True, True
        ids[i, :symbols] = u.ids
        prior[i, :spoken, :symbols] = beta_binomial_log_prior(spoken, symbols, config.prior_scale)
    total = float(mel_mask.sum())
    tensors = map(torch.from_numpy, (mel, mel_mask, ids, text_mask, prior))
    counts = {"forward_sum": total, "binarization": total}
    return AlignmentBatch(*tensors, counts, total * HOP / SAMPLE_RATE)


def augment(mel: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """A log-mel [frames, bins] as another speaker, microphone, room and sample rate might have made it.

    The bins are moved (the length of a vocal tract), filtered (a tilt and slow cosines), cut off above 4 to
    11 kHz in half of the draws (a lower sample rate), and drowned in noise down to 30 dB below speech.
    """
    if strength == 0:
        return mel
    bins = mel.shape[1]
    place = np.arange(bins) / bins
    moved = np.clip(np.arange(bins) * (1 + strength * rng.uniform(-0.08, 0.08)), 0, bins - 1)
    low = np.minimum(moved.astype(np.int64), bins - 2)
    part = (moved - low).astype(np.float32)
    mel = mel[:, low] * (1 - part) + mel[:, low + 1] * part

    gain = rng.uniform(-1.2, 1.2) + rng.normal(0, 1.6) * (place - 0.5)
    for turns in (1, 2, 3):
        gain = gain + rng.normal(0, 0.3) * np.cos(2 * np.pi * (turns * place + rng.uniform()))
    cut = np.zeros(bins)
    if rng.uniform() < 0.5:
        cut = 2.0 * np.maximum(np.arange(bins) - bins * rng.uniform(0.62, 0.95), 0)
    noise = rng.uniform(-13, -4) - rng.uniform(0, 3) * place - cut * (rng.uniform() < 0.7)
    noise = noise + 0.35 * rng.standard_normal(mel.shape, dtype=np.float32)
    # powers add up
    heard = np.logaddexp(2 * (mel + strength * (gain - cut)), 2 * (noise + np.log(max(strength, 1e-9)))) / 2
    return np.maximum(heard, np.log(LOG_FLOOR)).astype(np.float32)


def forward_sum(logits: Tensor, frames: Tensor, symbols: Tensor, blank: float) -> Tensor:
    """-log of the probability of all monotonic paths together, [batch] (arXiv 2108.10447, eq. 3).

    It is CTC's loss for the targets 1, 2, 3, ...: as there, a frame between two symbols may belong to none.

    Args:
        logits: [batch, frames, symbols], `MASKED` where a symbol is padding.
        frames, symbols: int64 [batch], the lengths.
        blank: the logit of no symbol.
    """
    rows, _, n = logits.shape
    log_probs = F.pad(logits.float(), (1, 0), value=blank).log_softmax(-1)
    targets = torch.arange(1, n + 1, device=logits.device).expand(rows, n)
    return F.ctc_loss(log_probs.transpose(0, 1), targets, frames, symbols, reduction="none")


def path_mask(log_probs: Tensor, frames: Tensor, symbols: Tensor) -> Tensor:
    """Bool [batch, frames, symbols]: true on the best monotonic path of each row."""
    mask = np.zeros(log_probs.shape, dtype=bool)
    lengths = zip(frames.tolist(), symbols.tolist(), strict=True)
    for row, given, (t, n) in zip(mask, log_probs.detach().float().cpu().numpy(), lengths, strict=True):
        counts = monotonic_search(given[:t, :n])
        row[np.arange(t), np.repeat(np.arange(n), counts)] = True
    return torch.from_numpy(mask).to(log_probs.device)


class AlignerObjective(nn.Module):
    """What an aligner is trained on: sums over the frames of a batch."""

    def __init__(self, aligner: Aligner, config: AlignmentLossConfig):
        super().__init__()
        self.aligner, self.config = aligner, config

    def forward(self, batch: AlignmentBatch, weights: dict[str, float]) -> dict[str, Tensor]:
        """The sums of `forward_sum` and, where its weight is not 0, `binarization`; nats.

        weights: of the two losses, and `prior`, the share of the prior in the probabilities.
        """
        frames, symbols = batch.mel_mask.sum(1), batch.text_mask.sum(1)
        logits = self.aligner(batch.mel, batch.ids, batch.mel_mask, batch.text_mask)
        log_probs = logits.log_softmax(-1)
        guided = log_probs + weights["prior"] * batch.prior
        guided = torch.where(batch.text_mask[:, None], guided, MASKED)
        sums = {"forward_sum": forward_sum(guided, frames, symbols, self.config.blank).sum()}
        if weights["binarization"] > 0:
            sums["binarization"] = -log_probs[path_mask(log_probs, frames, symbols)].sum()
        return sums
