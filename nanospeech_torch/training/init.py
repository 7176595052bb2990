"""Initial weights where torch's own are not wanted."""

from __future__ import annotations

import torch
from torch import nn

from ..nanospeech import Nanospeech


def initialize(model: Nanospeech) -> None:
    """adaLN starts as plain pre-norm blocks (modulations constant: scale 0, shift 0, gate 1), outputs start at zero.

    DiffLoss as in MAR (arXiv 2406.11838): Xavier linear layers, zero modulations (gates closed) and output.
    """
    transformer = model.transformer
    for block in transformer.transformer_blocks:
        nn.init.zeros_(block.attn_norm.linear.weight)
        bias = block.attn_norm.linear.bias.data.reshape(6, -1)
        bias.zero_()
        bias[2], bias[5] = 1.0, 1.0
    nn.init.zeros_(transformer.norm_out.linear.weight)
    nn.init.zeros_(transformer.norm_out.linear.bias)
    nn.init.zeros_(transformer.proj_out.weight)
    nn.init.normal_(transformer.text_embed.text_embed.weight, std=0.3)
    if model.diffusion_module is not None:
        net = model.diffusion_module.net
        for module in net.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for layer in (net.time_embed.mlp[0], net.time_embed.mlp[2]):
            nn.init.normal_(layer.weight, std=0.02)
        for part in (*net.res_blocks, net.final_layer):
            nn.init.zeros_(part.adaLN_modulation[1].weight)
        nn.init.zeros_(net.final_layer.linear.weight)
    with torch.no_grad():
        if model.to_mel is not None:
            model.to_mel.bias.zero_()
