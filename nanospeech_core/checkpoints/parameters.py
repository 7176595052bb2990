"""The tensors of a checkpoint: the names and shapes that a config asks for, without PyTorch or MLX.

`convert` compares them with a file before it writes a folder. The networks of both backends have the same
(tests/core/checkpoints/test_parameters.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from ..config import (
    AlignerConfig,
    DiffLossConfig,
    DiTConfig,
    DurationConfig,
    ModelConfig,
    PhoneDurationConfig,
    QuantizationConfig,
    VocosConfig,
)
from ..errors import UserError
from .quantization import check_quantized, quantized_layers
from .tensors import check_tensors, convert_layout

FREQUENCIES = 256  # of a time's embedding
KERNEL = 7  # of a ConvNeXt block
Shapes = dict[str, tuple[int, ...]]


def parameter_shapes(config: ModelConfig) -> Shapes:
    """The shape of every parameter of a model in torch's layout, not quantized.

    The vocoder's begin with `vocoder.`, the aligner's with `aligner.`.
    """
    t, d = config.transformer, config.diffusion
    shapes = under("transformer", transformer(t))
    if d is not None:
        shapes |= under("diffusion_module", diffusion_head(d))
        if config.residual:
            shapes |= linear("to_mel", t.dim, t.patch * t.mel_dim)
    if config.phone_duration is not None:
        shapes |= under("duration_predictor", phone_durations(config.phone_duration))
    elif config.duration is not None:
        shapes |= under("duration_predictor", duration(config.duration))
    if config.vocoder is not None:
        shapes |= under("vocoder", vocos(config.vocoder))
    if config.aligner is not None:
        shapes |= under("aligner", aligner(config.aligner))
    return shapes


def check_parameters(
    tensors: Mapping[str, np.ndarray],
    format: str,
    expected: Shapes,
    quantization: QuantizationConfig | None,
    path: str | os.PathLike,
) -> None:
    """Raise UserError if the tensors of a file are not the expected ones.

    Args:
        tensors: of the file.
        format: their layout, "pt" or "mlx".
        expected: of `parameter_shapes`.
        quantization: of the tensors; None: they are not quantized.
        path: the file, for the message.
    """
    if quantization is not None:
        check_quantized(tensors, quantization, path)
        tensors = as_unquantized(tensors, quantization)
    views = {name: np.broadcast_to(np.float32(0), array.shape) for name, array in tensors.items()}
    check_tensors(convert_layout(views, format, "pt"), expected, path)


def check_finite(tensors: Mapping[str, np.ndarray], path: str | os.PathLike) -> None:
    """Raise UserError if a tensor contains infinity or NaN: so does the speech then."""
    for name, array in tensors.items():
        if array.dtype == np.float16:  # numpy converts each to float32 for isfinite: ten times slower
            damaged = (array.view(np.uint16) & 0x7C00 == 0x7C00).any()
        else:
            damaged = array.dtype.kind == "f" and not np.isfinite(array).all()
        if damaged:
            raise UserError(f"{path} is damaged: the tensor {name} has values that are not finite")


def as_unquantized(
    tensors: Mapping[str, np.ndarray], quantization: QuantizationConfig
) -> dict[str, np.ndarray]:
    """The tensors with matrices of zeros, which take no memory, in place of quantized layers."""
    result = dict(tensors)
    for name in quantized_layers(tensors):
        *rows, width = result[f"{name}.weight"].shape
        result[f"{name}.weight"] = np.broadcast_to(np.float32(0), (*rows, width * 32 // quantization.bits))
        del result[f"{name}.scales"], result[f"{name}.biases"]
    return result


def under(prefix: str, shapes: Shapes) -> Shapes:
    return {f"{prefix}.{name}": shape for name, shape in shapes.items()}


def linear(name: str, width: int, out: int, bias: bool = True) -> Shapes:
    weight: Shapes = {f"{name}.weight": (out, width)}
    return weight | ({f"{name}.bias": (out,)} if bias else {})


def norm(name: str, dim: int) -> Shapes:
    return {f"{name}.weight": (dim,), f"{name}.bias": (dim,)}


def conv(name: str, width: int, out: int, kernel: int) -> Shapes:
    """Of a convolution; `width` counts the channels of a group."""
    return {f"{name}.weight": (out, width, kernel), f"{name}.bias": (out,)}


def conv_positions(name: str, dim: int, kernel: int, groups: int) -> Shapes:
    return {
        key: shape
        for layer in (0, 2)
        for key, shape in conv(f"{name}.conv1d.{layer}", dim // groups, dim, kernel).items()
    }


def convnext(dim: int, inner: int) -> Shapes:
    return (
        conv("dwconv", 1, dim, KERNEL)
        | norm("norm", dim)
        | linear("pwconv1", dim, inner)
        | linear("pwconv2", inner, dim)
    )


def text_embedding(c: DiTConfig | DurationConfig) -> Shapes:
    shapes: Shapes = {"text_embed.weight": (c.text_num_embeds + 1, c.text_dim)}
    for number in range(c.conv_layers):
        inner = 2 * c.text_dim
        block = convnext(c.text_dim, inner)
        block |= {"grn.gamma": (1, 1, inner), "grn.beta": (1, 1, inner)}
        shapes |= under(f"text_blocks.{number}", block)
    return under("text_embed", shapes)


def attention_and_feed_forward(dim: int, width: int, inner: int) -> Shapes:
    """Of a block; `width` is heads x dim_head."""
    shapes: Shapes = {}
    for name in ("to_q", "to_k", "to_v"):
        shapes |= linear(f"attn.{name}", dim, width)
    return (
        shapes
        | linear("attn.to_out.0", width, dim, bias=False)
        | linear("ff.ff.0.0", dim, inner)
        | linear("ff.ff.2", inner, dim)
    )


def blocks(name: str, c: DiTConfig | DurationConfig | PhoneDurationConfig, own: Shapes) -> Shapes:
    """Of `depth` blocks, which also have the parameters `own`."""
    block = own | attention_and_feed_forward(c.dim, c.heads * c.dim_head, c.ff_mult * c.dim)
    shapes: Shapes = {}
    for number in range(c.depth):
        shapes |= under(f"{name}.{number}", block)
    return shapes


def transformer(c: DiTConfig) -> Shapes:
    channels = c.patch * c.mel_dim
    joined = 2 * channels + c.patch * c.text_dim + c.visible_flag
    return (
        linear("time_embed.time_mlp.0", FREQUENCIES, c.dim)
        | linear("time_embed.time_mlp.2", c.dim, c.dim)
        | text_embedding(c)
        | linear("input_embed.proj", joined, c.dim)
        | conv_positions("input_embed.conv_pos_embed", c.dim, c.conv_pos_kernel, c.conv_pos_groups)
        | blocks("transformer_blocks", c, linear("attn_norm.linear", c.dim, 6 * c.dim))
        | linear("norm_out.linear", c.dim, 2 * c.dim)
        | linear("proj_out", c.dim, channels, bias=False)
    )


def diffusion_head(c: DiffLossConfig) -> Shapes:
    width, z = c.width, c.z_channels
    shapes = (
        linear("time_embed.mlp.0", FREQUENCIES, width)
        | linear("time_embed.mlp.2", width, width)
        | linear("cond_embed", z, width)
        | linear("input_proj", c.target_channels, width)
    )
    block = (
        norm("in_ln", width)
        | linear("mlp.0", width, width)
        | linear("mlp.2", width, width)
        | linear("adaLN_modulation.1", width, 3 * width)
    )
    for number in range(c.depth):
        shapes |= under(f"res_blocks.{number}", block)
    # with "ddpm" also the variance of each number
    shapes |= linear("final_layer.linear", width, c.target_channels * (2 if c.objective == "ddpm" else 1))
    shapes |= linear("final_layer.adaLN_modulation.1", width, 2 * width)
    shapes = under("net", shapes)
    if c.context:
        joined = z + (c.target_channels if c.regression else 0)
        shapes |= conv("context.conv", joined, z, 2 * c.context + 1) | linear("context.out", z, z)
    return shapes


def phone_durations(c: PhoneDurationConfig) -> Shapes:
    embedding: Shapes = {"text_embed.weight": (c.text_num_embeds + 1, c.dim)}
    return (
        embedding
        | linear("known_embed", 2, c.dim)
        | conv_positions("conv_pos_embed", c.dim, c.conv_pos_kernel, c.conv_pos_groups)
        | blocks("blocks", c, {})
        | {"norm_out.weight": (c.dim,)}
        | linear("to_pred", c.dim, 1)
    )


def duration(c: DurationConfig) -> Shapes:
    shapes = (
        text_embedding(c)
        | linear("input_embed.proj", c.mel_dim + c.text_dim, c.dim)
        | conv_positions("input_embed.conv_pos_embed", c.dim, c.conv_pos_kernel, c.conv_pos_groups)
        | blocks("transformer_blocks", c, {})
        | {"norm_out.weight": (c.dim,)}
    )
    return under("transformer", shapes) | linear("to_pred.0", c.dim, 1, bias=False)


def vocos(c: VocosConfig) -> Shapes:
    shapes = conv("embed", c.input_channels, c.dim, KERNEL) | norm("norm", c.dim)
    block = convnext(c.dim, c.intermediate_dim) | {"gamma": (c.dim,)}
    for number in range(c.num_layers):
        shapes |= under(f"convnext.{number}", block)
    shapes |= norm("final_layer_norm", c.dim)
    return under("backbone", shapes) | linear("head.out", c.dim, c.n_fft + 2)


def aligner(c: AlignerConfig) -> Shapes:
    shapes: Shapes = {"text_embed.weight": (c.text_num_embeds + 1, c.dim)}
    block = norm("norm", c.dim) | conv("conv", c.dim, c.dim, c.kernel)
    for number in range(c.text_layers):
        shapes |= under(f"text_blocks.{number}", block)
    shapes |= linear("to_key", c.dim, c.key_dim) | conv("mel_embed", c.mel_dim, c.dim, c.kernel)
    for number in range(c.mel_layers):
        shapes |= under(f"mel_blocks.{number}", block)
    return shapes | linear("to_query", c.dim, c.key_dim)
