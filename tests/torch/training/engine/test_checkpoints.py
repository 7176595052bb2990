"""Checkpoints in a run's folder."""

import pytest

pytest.importorskip("torch")

from nanospeech_torch.training.engine import checkpoints


def test_checkpoints_are_in_the_order_of_their_numbers(tmp_path):
    left = (".step-00000900.7.pt", ".best.7.pt", ".config.7.json")
    for name in ("step-0000783.pt", "step-00000800.pt", "step-99.pt", "step-x.pt", "best.pt", *left):
        (tmp_path / name).write_bytes(b"")
    order = ["step-99.pt", "step-0000783.pt", "step-00000800.pt"]
    assert [path.name for path in checkpoints.list_checkpoints(tmp_path)] == order
    checkpoints.prune(tmp_path, 1)
    checkpoints.delete_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.pt", "step-00000800.pt", "step-x.pt"]
