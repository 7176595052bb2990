"""Weights of 4 or 8 bits, in the affine format of MLX (`mx.quantize`), written and read with numpy.

Each row of a matrix [out, in] is cut into groups of `group_size` numbers. A group has a scale and a bias,
and a number is kept as a code from 0 to 2^bits - 1, which stands for scale x code + bias. A uint32 holds
32 / bits codes, the first in its lowest bits. The tensor `NAME.weight` becomes three, of the names and shapes
that `mlx.nn.QuantizedLinear` and `QuantizedEmbedding` have:

    NAME.weight  uint32 [out, in x bits / 32]
    NAME.scales  [out, in / group_size], of the dtype that the weight had
    NAME.biases  the same
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from ..config import QuantizationConfig
from ..errors import UserError

SMALLEST_SCALE = 1e-7  # of a group whose numbers are all alike


def quantize(weight: np.ndarray, bits: int, group_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The codes, scales and biases of a matrix, by the rule of `mx.quantize`.

    The number of a group that is farthest from zero is kept as it is and the scale is such that zero has a
    code of its own; its sign is chosen for that.

    Args:
        weight: float32 [out, in]; `in` is a multiple of `group_size`.
        bits: 4 or 8.
        group_size: numbers that share a scale and a bias.
    Returns:
        uint32 [out, in x bits / 32] and twice float32 [out, in / group_size].
    """
    rows, width = weight.shape
    groups = weight.astype(np.float32).reshape(rows, width // group_size, group_size)
    low, high = groups.min(-1), groups.max(-1)
    most = np.float32(2**bits - 1)
    from_low = np.abs(low) > np.abs(high)
    scales = np.maximum((high - low) / most, np.float32(SMALLEST_SCALE))
    scales = np.where(from_low, scales, -scales)
    edge = np.where(from_low, low, high)
    steps = np.rint(edge / scales)  # from the edge to zero
    near_zero = steps == 0
    scales = np.where(near_zero, scales, edge / np.where(near_zero, 1, steps))
    biases = np.where(near_zero, np.float32(0), edge)
    codes = np.clip(np.rint((groups - biases[..., None]) / scales[..., None]), 0, most).astype(np.uint32)
    places = np.arange(0, 32, bits, dtype=np.uint32)
    packed = np.bitwise_or.reduce(codes.reshape(rows, -1, len(places)) << places, axis=-1)
    return packed, scales, biases


def dequantize(packed: np.ndarray, scales: np.ndarray, biases: np.ndarray, bits: int) -> np.ndarray:
    """The matrix float32 [out, in] that codes, scales and biases stand for: see `quantize`."""
    rows = len(packed)
    places = np.arange(0, 32, bits, dtype=np.uint32)
    codes = (packed[..., None] >> places & np.uint32(2**bits - 1)).reshape(*scales.shape, -1)
    weight = scales[..., None].astype(np.float32) * codes.astype(np.float32)
    return (weight + biases[..., None].astype(np.float32)).reshape(rows, -1)


def fits(name: str, weight: np.ndarray, group_size: int) -> bool:
    """Whether a tensor is the matrix of a linear layer or an embedding that can be cut into groups.

    A single row (the last layer of a duration predictor) is left alone: it saves nothing.
    """
    return (
        name.endswith(".weight") and weight.ndim == 2 and len(weight) > 1 and not weight.shape[1] % group_size
    )


def layers(tensors: Mapping[str, np.ndarray]) -> list[str]:
    """The names of the quantized layers among the tensors of a file."""
    return [name.removesuffix(".scales") for name in tensors if name.endswith(".scales")]


def parameter_counts(tensors: Mapping[str, np.ndarray], bits: int) -> dict[str, int]:
    """How many parameters each tensor stands for; a quantized layer's are counted as if it were not."""
    quantized, counts = set(layers(tensors)), {}
    for name, array in tensors.items():
        layer, _, part = name.rpartition(".")
        factor = {"weight": 32 // bits, "scales": 0, "biases": 0}.get(part, 1) if layer in quantized else 1
        counts[name] = array.size * factor
    return counts


def check_quantized(
    tensors: Mapping[str, np.ndarray], quantization: QuantizationConfig, path: str | os.PathLike
) -> None:
    """Raise UserError unless the tensors of the file `path` are quantized as its config says."""
    names = layers(tensors)
    if not names:
        raise UserError(f"{path}: its config has a quantization, but it holds no quantized layer")
    for name in names:
        absent = np.zeros(0, np.float32)
        packed, scales, biases = (
            tensors.get(f"{name}.{part}", absent) for part in ("weight", "scales", "biases")
        )
        wanted = (*packed.shape[:-1], packed.shape[-1] * 32 // quantization.bits / quantization.group_size)
        if packed.dtype != np.uint32 or not wanted == scales.shape == biases.shape:
            raise UserError(
                f"{path}: {name} is not quantized as its config says "
                f"({quantization.bits} bits, groups of {quantization.group_size})"
            )


def dequantize_all(
    tensors: Mapping[str, np.ndarray], quantization: QuantizationConfig
) -> dict[str, np.ndarray]:
    """The tensors of a file that passed `check_quantized`, those of quantized layers as float32 matrices."""
    names = layers(tensors)
    gone = {f"{name}.{part}" for name in names for part in ("scales", "biases")}
    result = {name: array for name, array in tensors.items() if name not in gone}
    for name in names:
        parts = (tensors[f"{name}.{part}"] for part in ("weight", "scales", "biases"))
        result[f"{name}.weight"] = dequantize(*parts, quantization.bits)
    return result
