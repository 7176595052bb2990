"""Both vocoders against audio that the original Vocos made from the same random weights."""

import json
from pathlib import Path

import numpy as np
import pytest
from devices import computing_on

from nanospeech_core.checkpoints.tensors import check_tensors, convert_layout, load_tensors

FILE = Path(__file__).with_name("vocos.safetensors")


@pytest.fixture(scope="module")
def golden():
    tensors, metadata = load_tensors(FILE)
    config = json.loads(metadata["config"])
    assert config.pop("padding") == "center"
    mel, audio = tensors.pop("mel").swapaxes(1, 2), tensors.pop("audio")
    return config, tensors, mel, audio


def speak_torch(config, weights, mel):
    torch = pytest.importorskip("torch")
    from nanospeech_torch.models.vocos import Vocos

    model = Vocos(**config)
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    weights = check_tensors(weights, expected, FILE)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    with torch.no_grad():
        return model(torch.from_numpy(np.ascontiguousarray(mel))).numpy()


def speak_mlx(config, weights, mel):
    mx = pytest.importorskip("mlx.core")
    from mlx.utils import tree_flatten

    from nanospeech_mlx.models.vocos import Vocos

    model = Vocos(**config)
    expected = {name: value.shape for name, value in tree_flatten(model.parameters())}
    weights = check_tensors(convert_layout(weights, "pt", "mlx"), expected, FILE)
    model.load_weights([(name, mx.array(value)) for name, value in weights.items()])
    return np.array(model(mx.array(np.ascontiguousarray(mel))))


def speak_mlx_on_gpu(config, weights, mel):
    with computing_on("gpu"):
        return speak_mlx(config, weights, mel)


@pytest.mark.parametrize(
    ("speak", "tolerance"),
    [
        (speak_torch, 1e-5),
        (speak_mlx, 1e-5),
        pytest.param(speak_mlx_on_gpu, 1e-2, marks=pytest.mark.mac),
    ],
)
def test_audio_is_the_originals(golden, speak, tolerance):
    config, weights, mel, audio = golden
    ours = speak(config, weights, mel)
    assert ours.dtype == np.float32 and ours.shape == audio.shape == (1, 19 * 256)
    assert np.abs(ours - audio).max() <= tolerance * np.abs(audio).max()
