"""Weights of 4 or 8 bits, in the affine format of MLX (`mx.quantize`), computed with numpy.

`convert/quantize.py` makes them (`quantize`). PyTorch reads them as float32 (`dequantize_all`), MLX computes
with them as they are (`nanospeech_mlx/models/quantization.py`).

Each row of a matrix [out, in] is split into groups of `group_size` numbers. A group has a scale and a bias.
A number is stored as a code from 0 to 2^bits - 1 and means scale x code + bias. A uint32 holds 32 / bits
codes, the first in its lowest bits. The tensor `NAME.weight` becomes three, with the names and shapes of
`mlx.nn.QuantizedLinear` and `QuantizedEmbedding`:

    NAME.weight  uint32 [out, in x bits / 32]
    NAME.scales  [out, in / group_size], in the dtype of the original weight
    NAME.biases  the same
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from ..config import QuantizationConfig
from ..errors import UserError
from .tensors import DTYPES, FLOATING, cast

MIN_SCALE = 1e-7  # of a group with equal numbers


def quantize(weight: np.ndarray, bits: int, group_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The codes, scales and biases of a matrix, by the rule of `mx.quantize`.

    The number of a group farthest from zero is represented exactly. Scale and sign are chosen so that zero
    has a code too.

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
    scales = np.maximum((high - low) / most, np.float32(MIN_SCALE))
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
    """The matrix float32 [out, in] of codes, scales and biases: the inverse of `quantize`."""
    rows = len(packed)
    places = np.arange(0, 32, bits, dtype=np.uint32)
    codes = (packed[..., None] >> places & np.uint32(2**bits - 1)).reshape(*scales.shape, -1)
    weight = scales[..., None].astype(np.float32) * codes.astype(np.float32)
    return (weight + biases[..., None].astype(np.float32)).reshape(rows, -1)


def can_quantize(name: str, weight: np.ndarray, group_size: int) -> bool:
    """Whether a tensor is the matrix of a linear layer or an embedding that can be split into groups.

    A single row (the last layer of a duration predictor) is not quantized: it saves nothing.
    """
    return (
        name.endswith(".weight") and weight.ndim == 2 and len(weight) > 1 and not weight.shape[1] % group_size
    )


def quantize_all(
    tensors: Mapping[str, np.ndarray], quantization: QuantizationConfig
) -> dict[str, np.ndarray]:
    """Quantize what `can_quantize` accepts, each to three tensors; scales keep the matrix's dtype."""
    result = {}
    for name, array in tensors.items():
        if array.dtype not in FLOATING or not can_quantize(name, array, quantization.group_size):
            result[name] = array
            continue
        layer = name.removesuffix(".weight")
        packed, scales, biases = quantize(
            cast(array, DTYPES["F32"]), quantization.bits, quantization.group_size
        )
        result[name] = packed
        result[f"{layer}.scales"] = cast(scales, array.dtype)
        result[f"{layer}.biases"] = cast(biases, array.dtype)
    return result


def quantized_layers(tensors: Mapping[str, np.ndarray]) -> list[str]:
    """The names of the quantized layers among the tensors of a file."""
    return [name.removesuffix(".scales") for name in tensors if name.endswith(".scales")]


def parameter_counts(tensors: Mapping[str, np.ndarray], bits: int) -> dict[str, int]:
    """The number of parameters of each tensor; those of a quantized layer count as before quantization."""
    quantized, counts = set(quantized_layers(tensors)), {}
    for name, array in tensors.items():
        layer, _, part = name.rpartition(".")
        factor = {"weight": 32 // bits, "scales": 0, "biases": 0}.get(part, 1) if layer in quantized else 1
        counts[name] = array.size * factor
    return counts


def check_quantized(
    tensors: Mapping[str, np.ndarray], quantization: QuantizationConfig, path: str | os.PathLike
) -> None:
    """Raise UserError if the tensors of the file `path` do not match the quantization in its config."""
    names = quantized_layers(tensors)
    if not names:
        raise UserError(f"{path} has no quantized layer, but its config has a quantization")
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
    """Convert quantized layers to float32 matrices. The tensors must have passed `check_quantized`."""
    names = quantized_layers(tensors)
    packed = {f"{name}.{part}" for name in names for part in ("scales", "biases")}
    result = {name: array for name, array in tensors.items() if name not in packed}
    for name in names:
        codes, scales, biases = (tensors[f"{name}.{part}"] for part in ("weight", "scales", "biases"))
        result[f"{name}.weight"] = dequantize(codes, scales, biases, quantization.bits)
    return result
