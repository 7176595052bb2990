"""One face over both backends, for tests that run on either or compare them: numpy in, numpy out."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pytest

from nanospeech_core.checkpoints.tensors import check_tensors, convert_layout

NAMES = ("torch", "mlx")

# Tiny transformers. A token of our style is 4 frames of 5 bins, of the original style one frame of 20 bins.
OURS = dict(
    dim=32,
    depth=2,
    heads=2,
    dim_head=8,
    ff_mult=3,
    mel_dim=5,
    patch=4,
    text_num_embeds=11,
    text_dim=6,
    conv_layers=2,
    conv_pos_kernel=7,
    conv_pos_groups=4,
    rope="all_heads",
    visible_flag=True,
    mask_padding=True,
)
ORIGINAL = dict(
    dim=32,
    depth=2,
    heads=2,
    dim_head=8,
    mel_dim=20,
    text_num_embeds=11,
    text_dim=6,
    conv_layers=1,
    rope="first_head",
)


class Backend:
    """PyTorch or MLX.

    `Backend(name)` skips the test where the framework is absent. `call` is the method behind `model(...)`.
    """

    def __init__(self, name: str):
        self.name = name
        self.format, self.call = {"torch": ("pt", "forward"), "mlx": ("mlx", "__call__")}[name]
        self.framework = pytest.importorskip({"torch": "torch", "mlx": "mlx.core"}[name])

    def module(self, file: str) -> ModuleType:
        """`nanospeech_torch.FILE` or `nanospeech_mlx.FILE`."""
        return importlib.import_module(f"nanospeech_{self.name}.{file}")

    def array(self, x: np.ndarray):
        """float32, bool, or the backend's integer (int64 in torch, int32 in MLX)."""
        x = np.ascontiguousarray(x)
        if self.name == "torch":
            return self.framework.from_numpy(x.astype(np.int64) if x.dtype.kind == "i" else x.copy())
        return self.framework.array(x.astype(np.int32) if x.dtype.kind == "i" else x)

    def numpy(self, x) -> np.ndarray:
        return x.detach().numpy() if self.name == "torch" else np.array(x)

    def shapes(self, model) -> dict[str, tuple[int, ...]]:
        """Parameter names and shapes, in torch's layout of convolutions."""
        if self.name == "torch":
            return {name: tuple(value.shape) for name, value in model.state_dict().items()}
        from mlx.utils import tree_flatten

        flat = {name: np.empty(value.shape, np.int8) for name, value in tree_flatten(model.parameters())}
        return {name: value.shape for name, value in convert_layout(flat, "mlx", "pt").items()}

    def load(self, model, weights: dict[str, np.ndarray]):
        """Set all weights, given in torch's layout, strictly; returns the model."""
        weights = check_tensors(weights, self.shapes(model), "the weights")
        weights = convert_layout(weights, "pt", self.format)
        if self.name == "torch":
            model.load_state_dict({name: self.framework.from_numpy(v.copy()) for name, v in weights.items()})
        else:
            model.load_weights([(name, self.framework.array(value)) for name, value in weights.items()])
        return model


def random_weights(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, np.ndarray]:
    """Weights that keep activations near 1, none of them zero: matrices by fan-in, vectors around 0 or 1."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in sorted(shapes.items()):
        values = rng.standard_normal(shape, dtype=np.float32)
        if name.endswith(("bias", "beta", "gamma")) or len(shape) == 1:
            values = 0.2 * values + (1 if name.endswith("weight") else 0)
        else:
            values /= np.sqrt(np.prod(shape[1:]))
        weights[name] = values.astype(np.float32)
    return weights


def relative_error(ours: np.ndarray, reference: np.ndarray) -> float:
    """Largest difference in units of the reference's largest magnitude."""
    assert ours.shape == reference.shape
    assert np.isfinite(reference).all() and np.abs(reference).max() > 0
    return float(np.abs(ours - reference).max() / np.abs(reference).max())
