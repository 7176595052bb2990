"""Quantized layers. PyTorch has no kernels for them: it loads the float32 values of the codes."""

from __future__ import annotations

from collections.abc import Container

from mlx import nn

from nanospeech_core.config import QuantizationConfig


def use_quantized_layers(model: nn.Module, quantization: QuantizationConfig, tensors: Container[str]) -> None:
    """Replace the layers whose weights are quantized in a checkpoint, before it is loaded.

    Args:
        model: changed in place.
        quantization: of the checkpoint.
        tensors: the names of its tensors.
    """
    group_size = quantization.group_size

    def is_quantized(name: str, layer: nn.Module) -> bool:
        fits = hasattr(layer, "to_quantized") and layer.weight.shape[-1] % group_size == 0
        return fits and f"{name}.scales" in tensors

    nn.quantize(model, group_size, quantization.bits, class_predicate=is_quantized)
