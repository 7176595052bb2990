"""Word times of a recording against those that its speech was made with."""

from __future__ import annotations

import numpy as np
import pytest
from backends import NAMES, Backend

from nanospeech_core.errors import UserError

CASES = {
    "English": ("Dr. Smith paid $5 for the old mat, didn't he?", "emma"),
    "Chinese": ("你好，今天天气很好。我们去公园散步吧。", "xiaoxiao"),
    "mixed": ("The word 你好 means hello.", "heart"),
    "pauses": ("Hello. [pause 1.2] Who is there? It is 5 km away.", "michael"),
}


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return Backend(request.param).module("nanospeech").Nanospeech.from_pretrained()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_times_are_those_of_the_speech(model, name):
    text, voice = CASES[name]
    spoken = list(model.speak(text, voice, seed=1))
    wave = np.concatenate([speech.wave for speech in spoken])
    found = model.word_times(wave, text)
    words = [word for speech in found for word in speech.words]
    expected = [word for speech in spoken for word in speech.words]
    assert [(w.text, w.place) for w in words] == [(w.text, w.place) for w in expected]
    starts = np.array([[w.start, e.start] for w, e in zip(words, expected, strict=True)])
    ends = np.array([[w.end, e.end] for w, e in zip(words, expected, strict=True)])
    for times in (starts, ends):
        errors = np.abs(times[:, 0] - times[:, 1])
        assert np.median(errors) < 0.03 and (errors < 0.25).all()
    for speech in found:
        assert [p.end for p in speech.phones[:-1]] == [p.start for p in speech.phones[1:]]
        assert (speech.start, speech.end) == (speech.phones[0].start, speech.phones[-1].end)
        length = round((speech.end - speech.start) * 24000)
        begin = round(speech.start * 24000)
        assert len(speech.wave) == length
        assert np.abs(speech.wave - wave[begin : begin + length]).max() < 0.01  # less its offset


@pytest.mark.slow
def test_another_rate_and_silence_before_shift_nothing_else(model):
    text, voice = CASES["English"]
    wave = model.generate(text, voice, seed=1)
    plain = [word for speech in model.word_times(wave, text) for word in speech.words]
    late = np.concatenate([np.zeros(24000, np.float32), wave])
    stereo = np.repeat(np.stack([late, late], axis=1), 2, axis=0)
    shifted = [w for speech in model.word_times(stereo, text, sample_rate=48000) for w in speech.words]
    assert np.allclose([w.start - 1 for w in shifted], [w.start for w in plain], atol=0.05)


def test_what_has_no_words_or_no_time_for_them_is_refused(model):
    noise = np.random.default_rng(0).normal(size=4800).astype(np.float32) * 0.1
    with pytest.raises(UserError, match="too short for its text: 0.2 s"):
        model.word_times(noise, "There are far too many words for this little recording.")
    with pytest.raises(UserError, match="nothing to speak"):
        model.word_times(noise, "...")
    with pytest.raises(UserError, match="silent"):
        model.word_times(np.zeros(24000, np.float32), "Hello.")
