"""Fused layers: the same numbers, and weights that can be set again."""

import numpy as np
import pytest
from checkpoints import write_checkpoint

mx = pytest.importorskip("mlx.core")


def names(model) -> set[str]:
    from mlx.utils import tree_flatten

    return {name for name, _ in tree_flatten(model.parameters())}


@pytest.mark.parametrize("bits", [None, 8])
def test_the_speech_is_that_of_separate_layers(bits, tmp_path):
    from convert.quantize import quantize_folder
    from nanospeech_mlx import Nanospeech
    from nanospeech_mlx.models.fusion import fuse_layers, separate_layers

    folder = write_checkpoint(tmp_path / "tiny")
    if bits:
        folder = quantize_folder(folder, bits, 32, tmp_path / "quantized")
    model = Nanospeech.from_pretrained(folder)
    fused, loaded = model.generate("Hello.", seed=2), names(model)
    assert any("to_qkv" in name for name in loaded) and not any("to_q." in name for name in loaded)
    assert any("to_modulations" in name for name in loaded)
    separate_layers(model)
    assert not any("to_qkv" in name or "to_modulations" in name for name in names(model))
    assert any("attn.to_q.weight" in name for name in names(model))
    np.testing.assert_allclose(model.generate("Hello.", seed=2), fused, atol=1e-5)
    fuse_layers(model)
    assert names(model) == loaded
    np.testing.assert_array_equal(model.generate("Hello.", seed=2), fused)


def test_weights_can_be_set_again(tmp_path):
    from nanospeech_core.checkpoints.vocoder import load_with_vocoder
    from nanospeech_mlx import Nanospeech

    folder = write_checkpoint(tmp_path / "tiny")
    model = Nanospeech.from_pretrained(folder)
    before = model.generate("Hello.", seed=2)
    _, tensors = load_with_vocoder(folder, "mlx", None)
    model.set_weights({name: 0.9 * value for name, value in tensors.items()}, folder)
    assert np.abs(model.generate("Hello.", seed=2)[:1000] - before[:1000]).max() > 1e-4
    model.set_weights(tensors, folder)
    np.testing.assert_allclose(model.generate("Hello.", seed=2), before, atol=1e-5)
