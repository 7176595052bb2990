"""The golden values: of the model that is in the package, and sensitive to what can go wrong."""

from dataclasses import replace

import doctor_golden
import numpy as np
import pytest

from nanospeech_core.doctor import golden, storage
from nanospeech_core.errors import UserError


def test_numbers_are_the_same_everywhere():
    """SplitMix64 with seed 0 begins with 0xE220A8397B1DCDAF and 0x6E789E6AA1B965F4; before that comes 0."""
    first = [(word / 2**24 - 0.5) * 12**0.5 for word in (0, 0xE220A8, 0x6E789E)]
    assert golden.numbers(0, 3).tolist() == pytest.approx(first, abs=1e-6)
    many = golden.numbers(1, 200, 50)
    assert many.dtype == np.float32 and many.shape == (200, 50)
    assert abs(many.mean()) < 0.03 and abs(many.std() - 1) < 0.01
    assert np.abs(np.corrcoef(many[:, :2].T)[0, 1]) < 0.25
    assert (many != golden.numbers(2, 200, 50)).mean() > 0.99


@pytest.mark.slow
def test_the_file_is_that_of_the_embedded_model(one_thread):
    """Else `python tests/helpers/doctor_golden.py` was not run after a change."""
    pytest.importorskip("torch")
    values, phonemes = doctor_golden.golden_values()
    expected, read = golden.read()
    assert read == phonemes and set(values) == set(expected)
    assert (values["frames"] == expected["frames"]).all()
    for name in set(values) - {"frames", "mel"}:
        assert golden.relative_error(values[name], expected[name]) < 1e-5, name
    assert np.abs(values["mel"] - expected["mel"]).mean() < 1e-3


def test_the_checksums_are_those_of_the_embedded_model():
    assert storage.CHECKSUMS.read_text(encoding="utf-8") == doctor_golden.checksums()


def test_it_is_small():
    assert golden.FILE.stat().st_size < 20_000


def test_what_is_kept():
    kept = golden.keep(np.arange(1000.0).reshape(10, 100))
    assert len(kept) == golden.KEPT and kept[0] == 0 and kept[-1] == 999
    assert golden.keep(np.arange(3.0)).tolist() == [0, 1, 2]


def test_errors():
    expected = np.array([1.0, -4.0], np.float32)
    assert golden.relative_error(expected + 0.4, expected) == pytest.approx(0.1)
    for bad in (np.array([1.0, np.nan]), np.array([np.inf, 1.0]), np.ones(3)):
        assert golden.relative_error(bad, expected) == float("inf")


def test_the_mel_of_a_wave():
    rng = np.random.default_rng(0)
    wave = 0.1 * rng.standard_normal(24000).astype(np.float32)
    mel = golden.coarse_mel(wave)
    assert mel.shape == (47, 25)
    assert np.abs(golden.coarse_mel(wave + 1e-7) - mel).max() < 1e-4
    assert (golden.coarse_mel(np.zeros(24000)) == -5).all()
    with pytest.raises(UserError):
        golden.coarse_mel(np.array([]))


class Model:
    def predict_frames(self, reference, ids, speed=1.0):
        return np.arange(len(ids))


def test_fixed_durations():
    model, frames = Model(), np.array([3, 4])
    with golden.fixed_durations(model, frames):
        assert model.predict_frames(None, np.zeros(2)) is frames
        assert model.predict_frames(None, np.zeros(3), 2.0).tolist() == [0, 1, 2]
    assert model.predict_frames(None, np.zeros(2)).tolist() == [0, 1]
    with pytest.raises(ZeroDivisionError), golden.fixed_durations(model, frames):
        _ = 1 / 0
    assert "predict_frames" not in vars(model)


def test_options_are_valid():
    from nanospeech_core.sampling.options import GenerateOptions

    replace(GenerateOptions(), **golden.OPTIONS).check()
