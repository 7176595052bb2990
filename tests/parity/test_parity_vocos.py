"""The two vocoders on the same random weights, and the inverse transform against the transform."""

import numpy as np
import pytest

from nanospeech_core.checkpoints.tensors import convert_layout

torch = pytest.importorskip("torch")
mx = pytest.importorskip("mlx.core")

from mlx.utils import tree_flatten

import nanospeech_mlx.models.vocos as mlx_vocos
import nanospeech_torch.models.vocos as torch_vocos

CONFIG = dict(input_channels=10, dim=16, intermediate_dim=24, num_layers=2, n_fft=64, hop_length=16)


@pytest.fixture
def twins():
    torch.manual_seed(0)
    ours = torch_vocos.Vocos(**CONFIG)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    weights = convert_layout({k: v.numpy() for k, v in ours.state_dict().items()}, "pt", "mlx")
    theirs = mlx_vocos.Vocos(**CONFIG)
    theirs.load_weights([(name, mx.array(value)) for name, value in weights.items()], strict=True)
    return ours, theirs


def test_parameter_names_are_equal(twins):
    ours, theirs = twins
    assert set(ours.state_dict()) == {name for name, _ in tree_flatten(theirs.parameters())}


@pytest.mark.parametrize("frames", [1 + 1, 5, 23])
def test_same_audio(twins, frames):
    ours, theirs = twins
    mel = np.random.default_rng(frames).normal(size=(2, frames, 10)).astype(np.float32)
    with torch.no_grad():
        a = ours(torch.from_numpy(mel)).numpy()
    b = np.array(theirs(mx.array(mel)))
    assert a.shape == b.shape == (2, (frames - 1) * 16)
    assert np.abs(a).max() > 1e-3
    np.testing.assert_allclose(b, a, rtol=0, atol=1e-5 * np.abs(a).max())


def test_magnitude_is_bounded(twins):
    ours, theirs = twins
    x = np.zeros((1, 4, 16), np.float32)
    with torch.no_grad():
        ours.head.out.bias.fill_(50.0)  # exp(50), had it no bound
        a = ours.head(torch.from_numpy(x)).numpy()
    theirs.head.out.bias = mx.full((66,), 50.0)
    b = np.array(theirs.head(mx.array(x)))
    assert 0 < np.abs(a).max() < 1e4
    np.testing.assert_allclose(b, a, rtol=0, atol=1e-5 * np.abs(a).max())


def test_inverse_transform_undoes_the_transform(twins):
    wave = np.random.default_rng(3).normal(size=(2, 16 * 20)).astype(np.float32)
    spectrum = torch.stft(
        torch.from_numpy(wave), 64, 16, window=torch.hann_window(64), center=True, return_complex=True
    ).transpose(1, 2)
    ours, theirs = twins
    np.testing.assert_allclose(ours.head.istft(spectrum).numpy(), wave, atol=2e-6)
    np.testing.assert_allclose(np.array(theirs.head.istft(mx.array(spectrum.numpy()))), wave, atol=2e-6)


def test_hop_that_does_not_divide():
    for module in (torch_vocos, mlx_vocos):
        with pytest.raises(ValueError, match="multiple of hop_length"):
            module.Vocos(**{**CONFIG, "hop_length": 24})


def test_padding_does_not_change_the_audio(twins):
    ours, theirs = twins
    mel = np.random.default_rng(2).normal(size=(2, 23, 10)).astype(np.float32)
    mask = np.arange(23)[None] < np.array([[23], [9]])
    with torch.no_grad():
        alone = ours(torch.from_numpy(mel[1:, :9])).numpy()[0]
        a = ours(torch.from_numpy(mel), torch.from_numpy(mask)).numpy()
        whole = ours(torch.from_numpy(mel[:1])).numpy()[0]
    b = np.array(theirs(mx.array(mel), mx.array(mask)))
    for waves in (a, b):
        np.testing.assert_allclose(waves[1, : len(alone)], alone, rtol=0, atol=1e-5 * np.abs(alone).max())
        np.testing.assert_allclose(waves[0], whole, rtol=0, atol=1e-5 * np.abs(whole).max())
