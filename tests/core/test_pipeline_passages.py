"""Texts with several voices and tempos: dialogues."""

from __future__ import annotations

import numpy as np
import pytest
from backends import NAMES, Backend

from nanospeech_core.errors import UserError
from nanospeech_core.pipeline import make_options

TEXT = (
    "[voice: emma] Where were you last night? [voice: george] At the harbour, [rate: 0.7] all of the time. "
    "[pause 1.5] [rate: default] [voice: emma] I do not believe you. [voice: default] She left."
)


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return Backend(request.param).module("nanospeech").Nanospeech.from_pretrained()


def test_each_passage_is_spoken_with_its_voice_and_tempo(model, monkeypatch):
    used = []
    predict = model.predict_frames

    def record(reference, ids, speed=1.0):
        used.append((id(reference), speed))
        return predict(reference, ids, speed)

    monkeypatch.setattr(model, "predict_frames", record)
    speeches = list(model.speak(TEXT, voice="heart", speed=1.2))
    voices = {}
    for name in ("emma", "george", "heart"):
        options = make_options(name)
        reference, _ = model.references.get(model.folder, options, "", model.config, model.aligner)
        voices[id(reference)] = name
    assert [(voices[reference], speed) for reference, speed in used] == [
        ("emma", 1.2),
        ("george", 1.2),
        ("george", pytest.approx(0.84)),
        ("emma", 1.2),
        ("heart", 1.2),
    ]
    assert [speech.text for speech in speeches] == [
        "Where were you last night?",
        "At the harbour,",
        "all of the time.",
        "I do not believe you.",
        "She left.",
    ]


def test_words_know_their_place_in_the_text_with_its_tags(model):
    words = [word for speech in model.speak(TEXT) for word in speech.words]
    assert [TEXT[slice(*word.place)] for word in words] == [word.text for word in words]
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times) and words[-1].text == "left."


def silence(speeches: list, text: str) -> float:
    """Seconds without sound after the sentence `text`."""
    wave = np.concatenate([speech.wave for speech in speeches])
    end = next(speech.end for speech in speeches if speech.text == text)
    loud = np.flatnonzero(np.abs(wave) > 0.01) / 24000
    return float(loud[loud > end].min() - loud[loud < end].max())


def test_pauses_between_voices(model):
    speeches = list(model.speak(TEXT))
    assert silence(speeches, "all of the time.") == pytest.approx(1.5, abs=0.15)  # as requested
    assert silence(speeches, "At the harbour,") < 0.5  # inside a sentence
    assert 0.4 < silence(speeches, "Where were you last night?") < 0.9


def test_a_slow_passage_lasts_longer(model):
    fast, slow = (
        len(model.generate(f"[rate: {rate}] All of this lasts for a while, and then it ends."))
        for rate in (1.5, 0.75)
    )
    assert 1.7 < slow / fast < 2.2


def test_streams_and_batches_do_the_same(model):
    whole = model.generate(TEXT)
    ((_, batch),) = model.generate_batch([TEXT])
    assert len(batch) == len(whole) and np.abs(batch - whole).max() < 0.02
    streamed = np.concatenate(list(model.stream(TEXT)))
    assert abs(len(streamed) - len(whole)) < 0.6 * 24000


def test_an_unknown_voice_is_an_error_before_anything_is_spoken(model):
    with pytest.raises(UserError, match='there is no voice "emam"; the voices are'):
        next(iter(model.speak("A long text begins. It goes on. [voice: emam] And ends.")))


def test_a_tag_is_no_path(model):
    with pytest.raises(UserError, match="there is no voice"):
        next(iter(model.speak("[voice: ../../etc/passwd] Hi.")))


def test_a_voice_takes_the_place_of_a_recording(model, tmp_path):
    import soundfile

    wave = model.generate("This is the recording of a reference voice.", voice="michael")
    soundfile.write(tmp_path / "me.wav", wave, 24000)
    options = {"ref_audio": tmp_path / "me.wav", "ref_text": "This is the recording of a reference voice."}
    cloned = model.generate("Hello. [voice: emma] Good morning to you.", **options)
    assert len(cloned) > 24000


def test_an_edit_has_no_tags(model):
    wave = model.generate("Hello there, my friend.")
    with pytest.raises(UserError, match="an edit changes words only"):
        model.edit(wave, "Hello there, my friend.", "Hello there, [voice: emma] my enemy.")
    with pytest.raises(UserError, match="an edit changes words only"):
        model.edit(wave, "Hello there, my friend.", "<speak>Hello there, my enemy.</speak>")


def test_plain_text_is_spoken_as_before(model):
    text = "He said: [sic] a voice: emma. The rate: 2 percent."
    np.testing.assert_array_equal(model.generate(text), model.generate(text.replace("[sic]", "[ sic]")))
