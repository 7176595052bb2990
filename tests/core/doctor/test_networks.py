"""Golden values and sentences: within bounds, by device and precision; each fault has its words."""

import numpy as np
import pytest
from backends import NAMES, Backend

from nanospeech_core.doctor import golden, networks
from nanospeech_core.doctor.finding import NOTE, OK, WRONG
from nanospeech_core.speech.speech import Phone, Speech

GOOD = {"transformer": 1e-6, "head": 2e-6, "long_transformer": 1e-6, "aligner": 0.0}


@pytest.fixture
def device(monkeypatch):
    """A function that sets the errors of the networks, and whether the device is exact."""

    def set_device(errors: dict[str, float], exact: bool = True) -> None:
        backend = networks.DoctorBackend(
            lambda precision: None, lambda: exact, lambda precision: "", "use less"
        )
        monkeypatch.setattr(networks, "find_backend", lambda name: backend)
        monkeypatch.setattr(networks, "network_errors", lambda model, parts: errors)

    return set_device


def test_golden_values_on_a_cpu(device):
    device(GOOD)
    finding = networks.check_golden("mlx")
    assert finding.status == OK
    assert (
        finding.text == "largest errors: transformer 1e-06, head 2e-06, long transformer 1e-06, aligner 0e+00"
    )
    device(GOOD | {"aligner": 0.004})  # one frame
    assert networks.check_golden("mlx").status == OK
    device(GOOD | {"long_transformer": 3e-4})
    finding = networks.check_golden("mlx")
    assert finding.status == WRONG and finding.text.endswith("at most 0.0001 is expected of long transformer")
    assert "report this" in finding.advice
    assert finding.values == {"errors": GOOD | {"long_transformer": 3e-4}, "bound": 1e-4}


def test_golden_values_on_a_gpu(device):
    device(GOOD, exact=False)
    assert networks.check_golden("mlx").status == OK
    device(GOOD | {"head": 3e-3}, exact=False)
    finding = networks.check_golden("mlx")
    assert (finding.status, finding.advice) == (NOTE, "use less") and finding.text.endswith(
        "a GPU's fast math"
    )
    for error in (0.1, float("inf")):
        device(GOOD | {"head": error}, exact=False)
        assert networks.check_golden("mlx").text.endswith("; at most 0.02 is expected of head")


def test_a_precision_that_the_device_lacks(monkeypatch):
    backend = networks.DoctorBackend(None, lambda: False, lambda precision: "it has none", "")
    monkeypatch.setattr(networks, "find_backend", lambda name: backend)
    finding = networks.check_precision("torch", "bfloat16")
    assert (finding.status, finding.text) == (NOTE, "not checked: it has none")


def speech(wave: np.ndarray, phonemes: str | None = None) -> list[Speech]:
    phonemes = golden.read()[1] if phonemes is None else phonemes
    phones = tuple(Phone(symbol, 0.0, 0.1) for symbol in phonemes)
    return [Speech(wave.astype(np.float32), golden.SENTENCE, 0.0, 1.0, (), phones)]


def noise(samples: int, level: float) -> np.ndarray:
    return level * np.random.default_rng(0).standard_normal(samples)


@pytest.mark.parametrize(
    ("spoken", "status", "text"),
    [
        (speech(noise(49000, 0.001)), WRONG, "the sound is silence"),
        (speech(noise(49000, np.nan)), WRONG, "the sound has values that are not numbers"),
        (speech(noise(24000, 0.05)), WRONG, "the sentence lasts 1.00 s, otherwise than it should"),
        (speech(noise(256 * 192, 0.05)), WRONG, "; at most 0.02 is expected"),
        (speech(noise(24000, 0.05), "ðə"), NOTE, "espeak-ng reads the sentence otherwise (ðə for  ðə tɹˈeɪn"),
    ],
    ids=["silence", "NaN", "length", "noise", "phonemes"],
)
def test_a_sentence_that_is_wrong(spoken, status, text):
    finding = networks.judge_speech(spoken, "float16")
    assert finding.status == status and text in finding.text and finding.advice
    assert finding.values["level"] is None or np.isfinite(finding.values["level"])


def test_errors_of_a_precision():
    assert networks.judge_errors({"head": 9e-3, "vocoder": 1e-6}, "float16").status == OK
    finding = networks.judge_errors({"vocoder": 1e-6, "head": 0.011}, "float16")
    assert finding.status == WRONG and finding.text == "error of the head 1e-02; at most 0.01 is expected"
    assert networks.judge_errors({"head": 0.011}, "bfloat16").status == OK
    assert networks.judge_errors({"head": float("inf")}, "8-bit").status == WRONG


def test_slow_speech():
    assert networks.judge_speed({"real_time_factor": 0.9}, "float16").status == OK
    slow = {"real_time_factor": 1.1}
    assert networks.judge_speed(slow, "float16").advice == "--precision float32 is fastest on a CPU"
    assert networks.judge_speed(slow, "float32").status == NOTE
    assert "--output" in networks.judge_speed(slow, "float32").advice


def test_the_bounds_separate_noise_from_another_seed():
    """As measured: another seed's log-mel is off by 0.12; bfloat16's by 0.01."""
    assert set(networks.BOUNDS) == set(networks.MEL_BOUNDS) == {"float32", "float16", "bfloat16", "8-bit"}
    assert max(networks.MEL_BOUNDS.values()) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_another_seed_is_not_the_golden_sentence(name, monkeypatch):
    Backend(name)
    finding = networks.check_precision(name, "float32")
    assert finding.status in (OK, NOTE) and finding.values["mel_difference"] < 1e-3
    assert set(finding.values["errors"]) == set(golden.NETWORKS)
    monkeypatch.setitem(golden.OPTIONS, "seed", 8)
    finding = networks.check_precision(name, "float32")
    assert finding.status == WRONG and finding.values["mel_difference"] > 0.06
    assert finding.advice.startswith("do not speak in float32 on this device")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_weight_is_seen(name, monkeypatch):
    """One matrix of the transformer is 1% larger."""
    Backend(name)
    backend = networks.find_backend(name)

    def load(precision):
        model = backend.load(precision)
        model.transformer.proj_out.weight = (
            model.transformer.proj_out.weight * 1.01
            if name == "mlx"
            else (type(model.transformer.proj_out.weight)(model.transformer.proj_out.weight.data * 1.01))
        )
        return model

    broken = networks.DoctorBackend(load, lambda: True, lambda precision: "", "")
    monkeypatch.setattr(networks, "find_backend", lambda name: broken)
    finding = networks.check_golden(name)
    assert finding.status == WRONG and "transformer" in finding.text.partition("expected of")[2]


@pytest.mark.slow
def test_the_quantized_model_is_that_of_the_command(tmp_path):
    from convert.quantize import quantize_folder
    from nanospeech_core.checkpoints.folder import load_folder

    config, tensors = load_folder(quantize_folder("embedded", 8, output=tmp_path / "8bit"), "mlx")
    made, own = networks.quantized_checkpoint()
    assert made.quantization == config.quantization and set(own) == set(tensors)
    assert all((np.asarray(own[name]) == np.asarray(tensors[name])).all() for name in tensors)
