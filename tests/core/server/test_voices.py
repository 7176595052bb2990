"""Names of voices: the model's, OpenAI's, and those that are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs the extra [serve]")

from nanospeech_core.server.errors import ApiError
from nanospeech_core.server.voices import ALIASES, find_voice_name
from nanospeech_core.voices.store import Voice

VOICE = Voice("heart", np.zeros(1, np.float32), "", "", language="en-us")
VOICES = [
    replace(VOICE, name=name, language=language)
    for name, language in (
        ("heart", "en-us"),
        ("emma", "en-gb"),
        ("george", "en-gb"),
        ("michael", "en-us"),
        ("xiaoxiao", "zh"),
        ("yunxi", "zh"),
    )
]
OPENAI = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()


def test_all_names_of_openai_are_known():
    assert sorted(ALIASES) == OPENAI
    for english, chinese in ALIASES.values():
        assert {english, chinese} <= {voice.name for voice in VOICES}


@pytest.mark.parametrize(
    ("name", "text", "lang", "expected"),
    [
        ("emma", "Hello", None, "emma"),
        ("emma", "你好", None, "emma"),
        (None, "Hello", None, None),
        ("nova", "Hello", None, "heart"),
        ("nova", "你好，世界", None, "xiaoxiao"),
        ("onyx", "Hello", None, "george"),
        ("onyx", "Hello", "zh", "yunxi"),
    ],
)
def test_the_voice_of_a_request(name, text, lang, expected):
    assert find_voice_name(name, text, lang, VOICES) == expected


def test_a_model_without_these_voices_chooses_its_own():
    assert find_voice_name("nova", "Hello", None, [replace(VOICE, name="me")]) is None


def test_a_voice_of_the_user_comes_before_an_alias():
    assert find_voice_name("nova", "Hello", None, [*VOICES, replace(VOICE, name="nova")]) == "nova"


@pytest.mark.parametrize(
    "name", ["nobody", "../heart", "heart/../emma", "/etc/passwd", "heart.json", "HEART", "\0"]
)
def test_other_names_are_refused(name):
    with pytest.raises(ApiError, match="there is no voice") as refused:
        find_voice_name(name, "Hello", None, VOICES)
    assert refused.value.param == "voice" and "heart" in refused.value.message
    assert refused.value.message.isprintable()


def test_voices_are_not_mixed():
    with pytest.raises(ApiError, match="voices cannot be mixed"):
        find_voice_name("heart(2)+emma(1)", "Hello", None, VOICES)
