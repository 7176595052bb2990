"""Layers with the same input as one layer: one matrix product instead of several. Only for MLX.

Checkpoints keep the separate layers: a model is fused after its weights are set, and separated before.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import mlx.core as mx
from mlx import nn

from .attention import Attention
from .diffloss import SimpleMLPAdaLN

Place = tuple[Any, Any]  # a module or a list, and the name or index of a layer in it


class Part(nn.Module):
    """Where a layer was that is now a part of another one; it had `size` outputs."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size


def fuse_layers(model: nn.Module) -> None:
    """Replace attention's three projections by one layer, and the modulations of a diffusion head by one."""
    for owner, name, places in groups(model):
        layers = [container[key] for container, key in places]
        if name in owner or not alike(layers):
            continue
        owner[name] = joined(layers)
        for (container, key), layer in zip(places, layers, strict=True):
            container[key] = Part(len(layer.weight))
        mx.eval(owner[name].parameters())  # threads may share it; and the separate weights are freed


def separate_layers(model: nn.Module) -> None:
    """Undo `fuse_layers`."""
    for owner, name, places in groups(model):
        if name in owner:
            layers = parted(owner.pop(name), [container[key].size for container, key in places])
            for (container, key), layer in zip(places, layers, strict=True):
                container[key] = layer


def groups(model: nn.Module) -> Iterator[tuple[nn.Module, str, list[Place]]]:
    """Modules that have layers to be fused, the name of the fused layer, and where the separate ones are."""
    for module in model.modules():
        if isinstance(module, Attention):
            yield module, "to_qkv", [(module, name) for name in ("to_q", "to_k", "to_v")]
        elif isinstance(module, SimpleMLPAdaLN):
            blocks: list[Any] = [*module.res_blocks, module.final_layer]
            yield module, "to_modulations", [(block.adaLN_modulation, 1) for block in blocks]


def alike(layers: list[nn.Module]) -> bool:
    """Whether the layers can be one: all of the same kind, none quantized or all in the same way."""
    first = layers[0]
    kinds = {(type(one), getattr(one, "bits", None), getattr(one, "group_size", None)) for one in layers}
    return len(kinds) == 1 and isinstance(first, (nn.Linear, nn.QuantizedLinear))


def joined(layers: list[nn.Module]) -> nn.Module:
    """One layer whose output is that of the layers, one after the other."""
    result = copy.copy(layers[0])
    for name, value in layers[0].items():
        if isinstance(value, mx.array):
            result[name] = mx.concatenate([layer[name] for layer in layers])
    return result


def parted(layer: nn.Module, sizes: list[int]) -> list[nn.Module]:
    """The layers of which `joined` made one, by their numbers of outputs."""
    results, begin = [], 0
    for size in sizes:
        result = copy.copy(layer)
        for name, value in layer.items():
            if isinstance(value, mx.array):
                result[name] = value[begin : begin + size]
        results.append(result)
        begin += size
    return results
