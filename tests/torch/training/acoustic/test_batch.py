"""The joint batch: its masks, its counts, its seed."""

import pytest

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE

torch = pytest.importorskip("torch")

from joint import FILLER, MODEL, random_sequences, random_work

from nanospeech_torch.training.acoustic.batch import build_joint_batch
from nanospeech_torch.training.acoustic.config import AcousticLossConfig

PATCH = MODEL.transformer.patch


# noises


@pytest.mark.parametrize("config", [MODEL, FILLER], ids=["durations", "filler"])
def test_counts_are_of_what_is_learnt(config):
    loss = AcousticLossConfig(draws=5)
    work = random_work(loss, rows=8, config=config)
    masks = work.masks
    visible = masks.visible | ~work.batch.mask
    assert work.counts == {
        "flow": float((~visible)[masks.is_flow].sum()),
        "regression": float((~visible)[~masks.is_flow].sum()),
        "head": 5 * float((~visible)[~masks.is_flow].sum()),
        "duration": 8.0
        if config is FILLER
        else float((work.batch.ids >= 0).sum() - masks.known_durations.sum()),
    }
    frames = sum(sum(len(u.mel) for u in s) // PATCH * PATCH for s in random_sequences(8, config=config))
    assert work.seconds == pytest.approx(frames * HOP / SAMPLE_RATE)


def test_a_batch_is_a_function_of_its_seed():
    sequences, loss = random_sequences(), AcousticLossConfig()
    a, b, c = (build_joint_batch(sequences, 0, seed, MODEL, loss, 0.34) for seed in (3, 3, 4))
    assert torch.equal(a.masks.visible, b.masks.visible) and a.counts == b.counts
    assert not torch.equal(a.masks.visible, c.masks.visible)
    torch.manual_seed(99)  # torch's own generator has no part in it
    d = build_joint_batch(sequences, 0, 3, MODEL, loss, 0.34)
    assert torch.equal(a.masks.visible, d.masks.visible) and torch.equal(a.masks.flow_time, d.masks.flow_time)
    longer = build_joint_batch(sequences, 400, 3, MODEL, loss, 0.34)
    assert longer.batch.mask.shape == (6, 400 // PATCH)
    assert torch.equal(longer.batch.mask.sum(1), a.batch.mask.sum(1))


def test_all_of_a_batch_moves():
    moved = random_work(AcousticLossConfig()).to(torch.device("meta"))
    tensors = [*vars(moved.batch).values(), *vars(moved.masks).values()]
    assert len(tensors) == 16 and all(tensor.is_meta for tensor in tensors)
    assert moved.seed == 0 and moved.counts["duration"] > 0
