"""What the diffusion head is told of a token's neighbours. Not in the MAR paper."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from .activations import silu


class HeadContext(nn.Module):
    """z of each token -> z that also tells of its neighbours: z + out(silu(conv(z, mel))).

    A convolution along the tokens before any are picked, so that a picked row knows its neighbours wherever
    it ends up, and the head stays an MLP over rows. Past either end, and where padded, are zeros: an
    utterance reads the same alone and in a batch. A neighbour's mel is the mel itself where it is visible,
    so that a token fits what was drawn beside it, and the regression elsewhere. It is not linear because the
    regression is linear in z: only behind a nonlinearity does the head learn more of it than z tells it
    anyway. With `out` at zero, where training starts it, nothing is told.

    The draws of tokens revealed together stay independent given z; the order of revealing keeps those apart.
    """

    def __init__(self, z_channels: int, target_channels: int, neighbours: int, regression: bool):
        super().__init__()
        self.regression = regression
        in_channels = z_channels + (target_channels if regression else 0)
        self.conv = nn.Conv1d(in_channels, z_channels, 2 * neighbours + 1, padding=neighbours)
        self.out = nn.Linear(z_channels, z_channels)

    def __call__(self, z: mx.array, mel: mx.array | None = None, mask: mx.array | None = None) -> mx.array:
        """z [batch, tokens, z_channels].

        mel: [batch, tokens, target_channels], with `regression`; mask: bool [batch, tokens], false where
        padded.
        """
        # visible mel is float32 whatever z is: it must not make the whole head so
        x = mx.concatenate((z, mel.astype(z.dtype)), axis=-1) if self.regression else z
        if mask is not None:
            x = x * mask[..., None]
        return z + self.out(silu(self.conv(x)))
