"""Speech of SSML: the same as of our own markup, in each way to speak."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from backends import NAMES, Backend

from nanospeech_core.errors import UserError
from nanospeech_core.pipeline import make_options

SSML = """<?xml version="1.0"?>
<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-GB">
  <p><voice name="george">Where were <break time="400ms"/> you,
    Mr <phoneme ph="wˈɪn">Nguyen</phoneme>?</voice></p>
  <p><prosody rate="80%">At the <sub alias="harbor">hbr</sub> of Rhode &amp; Sons.</prosody></p>
</speak>"""
MARKUP = (
    "[voice: george] Where were [pause 0.4] you, Mr [Nguyen](/wˈɪn/)? [voice: default] [rate: 0.8] "
    "At the harbor of Rhode & Sons."
)


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return Backend(request.param).module("nanospeech").Nanospeech.from_pretrained()


def test_it_is_spoken_as_the_same_in_our_markup(model):
    expected = model.generate(MARKUP, voice="emma", seed=3)
    np.testing.assert_array_equal(model.generate(SSML, voice="emma", seed=3), expected)
    ((_, batch),) = model.generate_batch([SSML], voice="emma", seed=3)
    assert len(batch) == len(expected) and np.abs(batch - expected).max() < 0.02
    streams = [np.concatenate(list(model.stream(text, voice="emma", seed=3))) for text in (SSML, MARKUP)]
    np.testing.assert_array_equal(*streams)


def test_a_break_is_a_pause(model):
    ssml = model.generate('<speak>Wait <break time="500ms"/> for me.</speak>')
    np.testing.assert_array_equal(ssml, model.generate("Wait [pause 0.5] for me."))


def test_words_know_their_place_in_the_xml(model):
    words = [word for speech in model.speak(SSML) for word in speech.words]
    found = {word.text: SSML[slice(*word.place)] for word in words}
    assert found["Nguyen?"] == "Nguyen</phoneme>?" and found["hbr"] == "hbr" and found["&"] == "&amp;"
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times) and words[-1].text == "Sons."


def used(model, monkeypatch, text: str, **options) -> list[str]:
    """The names of the voices that speak a text, in order."""
    names, predict = [], model.predict_frames
    references = {}
    for voice in model.voices():
        reference, _ = model.references.get(
            model.folder, make_options(voice), "", model.config, model.aligner
        )
        references[reference.mel.tobytes()] = voice.name

    def record(reference, ids, speed=1.0):
        names.append(references[reference.mel.tobytes()])
        return predict(reference, ids, speed)

    monkeypatch.setattr(model, "predict_frames", record)
    list(model.speak(text, **options))
    return names


@pytest.mark.parametrize(
    ("text", "options", "voices"),
    [
        ('<speak xml:lang="en-GB">Good morning to you.</speak>', {}, ["emma"]),
        ('<speak xml:lang="zh">3</speak>', {}, ["xiaoxiao"]),
        ('<speak xml:lang="zh">3</speak>', {"lang": "en-us"}, ["heart"]),
        ('<speak xml:lang="zh">3</speak>', {"voice": "george"}, ["george"]),
        (
            '<speak>Good day. <voice language="zh">你好。</voice> Yes.</speak>',
            {},
            ["heart", "xiaoxiao", "heart"],
        ),
        ('<speak>Good day. <lang xml:lang="zh">3。</lang></speak>', {}, ["heart", "heart"]),
    ],
)
def test_languages_choose_voices(model, monkeypatch, text, options, voices):
    assert used(model, monkeypatch, text, **options) == voices


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<speak>Hi.", "SSML, line 1, column 11: the text ends before </speak>"),
        ('<speak>Hi. <voice name="emam">Ho.</voice></speak>', 'there is no voice "emam"'),
        ("<speak> <break/> </speak>", "there is nothing to speak"),
    ],
)
def test_errors_come_before_speech(model, text, message):
    with pytest.raises(UserError) as caught:
        next(iter(model.speak(text)))
    assert message in str(caught.value)
    with pytest.raises(UserError):
        next(iter(model.generate_batch(["Good morning to you.", text])))


def test_one_warning_in_a_batch(model):
    text = "<speak>Hi <emphasis>there</emphasis>.</speak>"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(model.generate_batch([text]))
    assert [str(w.message) for w in caught] == [
        "without effect in SSML: <emphasis>; the text is spoken as usual"
    ]
