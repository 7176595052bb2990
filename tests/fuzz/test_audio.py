"""Any audio file: a voice, or one message."""

import warnings

import numpy as np
from hypothesis import given
from strategies import recordings

from nanospeech_core.audio import files
from nanospeech_core.errors import UserError
from nanospeech_core.voices.recording import MAX_SECONDS, MIN_SECONDS, voice_from_recording


@given(recordings())
def test_a_recording_is_read_or_refused(tmp_path, recording):
    data, suffix = recording
    path = tmp_path / f"recording.{suffix}"
    path.write_bytes(data)
    try:
        wave = files.read(path)
    except UserError as error:
        assert "\n" not in str(error) and str(path) in str(error)
        return
    assert wave.dtype == np.float32 and wave.ndim == 1 and np.isfinite(wave).all()


@given(recordings())
def test_a_voice_is_usable_or_refused(tmp_path, recording):
    data, suffix = recording
    path = tmp_path / f"recording.{suffix}"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            voice = voice_from_recording(path, "Hello there, this is me.", "en-us")
        except UserError as error:
            assert "\n" not in str(error)
            return
    seconds = len(voice.audio) / files.SAMPLE_RATE
    assert 0.5 * MIN_SECONDS <= seconds <= MAX_SECONDS
    assert np.isfinite(voice.audio).all() and 1e-3 < np.abs(voice.audio).max() <= 1
