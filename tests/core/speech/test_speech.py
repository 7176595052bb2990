"""`Speech`: saved, played, shown in Jupyter; parts joined."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from nanospeech_core.audio.files import as_written
from nanospeech_core.errors import UserError
from nanospeech_core.speech.speech import Speech, Word, join_speech

WAVE = (0.3 * np.sin(np.arange(4800) / 20)).astype(np.float32)


def speech(text: str = "Hello there.", start: float = 0.0) -> Speech:
    words = (Word("Hello", start, start + 0.1, ()),)
    return Speech(WAVE, text, start, start + 0.2, words if text else ())


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_it_is_saved_in_the_format_of_the_suffix(tmp_path, suffix):
    speech().save(tmp_path / f"x{suffix}")
    wave, rate = soundfile.read(tmp_path / f"x{suffix}")
    assert rate == 24000 and len(wave) >= len(WAVE)
    if suffix in (".wav", ".flac"):
        np.testing.assert_allclose(wave, as_written(WAVE), atol=1.1 / 32768)


def test_another_suffix_is_an_error_and_leaves_no_file(tmp_path):
    with pytest.raises(UserError, match="suffix"):
        speech().save(tmp_path / "x.doc")
    assert list(tmp_path.iterdir()) == []


def test_jupyter_shows_a_player_with_the_same_samples():
    (data,) = re.findall(
        r'^<audio controls src="data:audio/wav;base64,(\S+)"></audio>$', speech()._repr_html_()
    )
    wave, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32")
    assert rate == 24000
    np.testing.assert_array_equal(wave, as_written(WAVE))


class FakePlayer:
    """Keeps what would be played."""

    made: list[FakePlayer] = []
    fails = False

    def __init__(self, rate: int):
        self.rate, self.waves, self.finished, self.stopped = rate, [], False, False
        FakePlayer.made.append(self)

    def put(self, wave):
        self.waves.append(wave)

    def finish(self):
        if FakePlayer.fails:
            raise KeyboardInterrupt
        self.finished = True

    def stop(self):
        self.stopped = True


@pytest.fixture
def player(monkeypatch):
    monkeypatch.setattr("nanospeech_core.audio.player.Player", FakePlayer)
    monkeypatch.setattr(FakePlayer, "made", [])
    return FakePlayer


def test_it_is_played_to_its_end(player):
    speech().play()
    (one,) = player.made
    assert one.rate == 24000 and one.finished and not one.stopped
    np.testing.assert_array_equal(np.concatenate(one.waves), WAVE)


def test_ctrl_c_stops_the_sound(player, monkeypatch):
    monkeypatch.setattr(player, "fails", True)
    with pytest.raises(KeyboardInterrupt):
        speech().play()
    assert player.made[0].stopped


def test_parts_are_joined_with_their_times():
    joined = join_speech([speech("One."), speech("", 0.2), speech("Two.", 0.4)])
    np.testing.assert_array_equal(joined.wave, np.tile(WAVE, 3))
    assert (joined.text, joined.start, joined.sample_rate) == ("One. Two.", 0.0, 24000)
    assert joined.end == pytest.approx(0.6) and [word.start for word in joined.words] == [0.0, 0.4]
