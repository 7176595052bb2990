"""Gradients of the transformers' small parts where they are delicate."""

import pytest

torch = pytest.importorskip("torch")

from nanospeech_torch.models.layers import GRN, ConvNeXtV2Block


def test_a_channel_that_is_silent_throughout_has_a_finite_gradient():
    torch.manual_seed(0)
    block = ConvNeXtV2Block(8, 16)
    block.pwconv1.bias.data[3] = -12.0  # GELU is exactly 0 there
    x = torch.randn(2, 9, 8, requires_grad=True)
    block(x).square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in block.parameters())


def test_grn_is_that_of_its_paper():
    """arXiv 2301.00808, algorithm 1: gamma * (x * nx) + beta + x, with nx = gx / mean(gx)."""
    torch.manual_seed(0)
    grn, x = GRN(5), torch.randn(2, 7, 5)
    grn.gamma.data.normal_()
    grn.beta.data.normal_()
    norm = x.norm(p=2, dim=1, keepdim=True)
    expected = grn.gamma * (x * norm / (norm.mean(-1, keepdim=True) + 1e-6)) + grn.beta + x
    torch.testing.assert_close(grn(x), expected)
