"""Batches: sequences collated, padded, moved."""

import itertools
from dataclasses import replace

import corpus
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.batch import Batch, collate, map_tensors
from nanospeech_torch.training.data.batch_plans import batch_plans
from nanospeech_torch.training.data.loading import UtteranceBatchDataset
from nanospeech_torch.training.data.utterances import (
    Utterance,
    UtteranceDataset,
)

MODEL = corpus.small_model()
PATCH = MODEL.transformer.patch


def build(sequences, length, seed) -> Batch:
    """A batch, its seed among the ids."""
    batch = collate(sequences, MODEL, length // PATCH)
    return replace(batch, first_tokens=torch.full_like(batch.first_tokens, seed % 2**31))


# batches


def test_collate():
    rng = np.random.default_rng(0)
    utterances = [
        Utterance(
            "k", "v", "", rng.normal(size=(sum(n), 100)).astype("f2"), rng.integers(0, 9, 3), np.array(n)
        )
        for n in ((5, 4, 9), (3, 3, 3), (2, 6, 1))
    ]
    batch = collate([utterances[:1], utterances[1:]], MODEL)
    assert batch.mask.sum(1).tolist() == [18 // PATCH, 18 // PATCH]
    for row, sequence in enumerate((utterances[:1], utterances[1:])):
        text = np.concatenate([np.repeat(u.ids, u.durations) for u in sequence])
        assert batch.text[row].tolist() == text[:16].tolist()  # the last 2 frames fill no token
        mel = np.concatenate([u.mel for u in sequence]).astype(np.float32)[:16]
        frames = batch.tokens[row].reshape(16, 100).numpy()
        np.testing.assert_allclose(frames * MODEL.mel.std + MODEL.mel.mean, mel, atol=1e-5)
    assert batch.first_tokens.tolist() == [0, 9 // PATCH] and batch.first_symbols.tolist() == [0, 3]
    assert batch.ids.tolist()[0] == utterances[0].ids.tolist() + [-1] * 3
    assert batch.durations.tolist() == [[5, 4, 9, 0, 0, 0], [3, 3, 3, 2, 6, 1]]


@pytest.mark.parametrize("length", [0, 3, 4, 9])
def test_collate_pads(length):
    mels = [np.ones((n, 100), np.float16) for n in (18, 9)]
    rows = [[Utterance("k", "v", "", mel, np.array([3]), np.array([len(mel)]))] for mel in mels]
    batch = collate(rows, MODEL, length)
    n = max(4, length)
    assert batch.mask.tolist() == [[True] * 4 + [False] * (n - 4), [True] * 2 + [False] * (n - 2)]
    assert not batch.tokens[~batch.mask].any() and batch.tokens[batch.mask].all()
    assert torch.equal(batch.text >= 0, batch.mask.repeat_interleave(PATCH, dim=1))


def test_map_tensors_reaches_all_and_only_tensors():
    batch = collate([[Utterance("k", "v", "", np.ones((8, 100), "f2"), np.array([3]), np.array([8]))]], MODEL)
    doubled = map_tensors(batch, lambda tensor: torch.cat((tensor, tensor)))
    assert all(len(getattr(doubled, name)) == 2 for name in vars(batch)) and len(batch.mask) == 1
    assert map_tensors({"a": 1}, torch.neg) == {"a": 1}


# libraries and loaders


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in vars(a))


def batches(items, count, memory_hours=1.0, workers=0, seed=3, start=0, report=lambda line: None, **config):
    library = UtteranceDataset(items, memory_hours, report)
    config = DataConfig(batch_seconds=4.0, max_seconds=3.0, **config)
    stream = UtteranceBatchDataset(library, build, seed).stream(
        batch_plans(library.entries, config, PATCH, seed, start), workers
    )
    return list(itertools.islice(stream, count))
