"""How long each pause is."""

import numpy as np
import pytest
from backends import Backend

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.audio.signal import SILENCE_RMS, block_levels, sound_begin
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.synthesis.pauses import (
    BEFORE_JOINT_FRAMES,
    GENERATED_FRAMES,
    JOINT_FRAMES,
    LEAD_FRAMES,
    LEAD_SECONDS,
    SPLIT_FRAMES,
    InnerPause,
    apply_pauses,
    divide_pause,
    fit_pauses,
    lead_samples,
    shorten_joints,
    shorten_lead,
    split_frames,
    stream_skipped_seconds,
    tail_samples,
)


def test_pauses_keep_marks_and_give_the_space_the_rest():
    frames = np.array([9, 5, 6, 3, 5, 8])
    for length, expected in ((30, [6, 24]), (10, [6, 4]), (4, [4, 0]), (0, [0, 0])):
        generated, durations, _ = apply_pauses(frames, (InnerPause(2, 4, length),), 4, 0)
        assert generated[2:4].tolist() == durations[2:4].tolist() == expected
        assert generated.sum() % 4 == 0 and (generated[[0, 1, 4]] == frames[[0, 1, 4]]).all()
    generated, durations, _ = apply_pauses(frames, (InnerPause(2, 4, 100),), 4, 0)
    assert generated[2:4].tolist() == [6, 64] and durations[2:4].tolist() == [6, 94]


def test_the_rest_of_a_long_pause_is_inserted_in_its_middle():
    pauses = (InnerPause(1, 2, GENERATED_FRAMES), InnerPause(3, 4, GENERATED_FRAMES + 30))
    generated, durations, silences = apply_pauses(np.full(6, 10), pauses, 1, lag=3)
    assert (durations - generated).tolist() == [0, 0, 0, 30, 0, 0]
    end = generated[:4].sum()
    assert silences == ((end - GENERATED_FRAMES // 2 - 3, 30),)


@pytest.mark.parametrize("frames", [0, 1, 24, 93])
def test_a_shared_pause_is_complete(frames):
    assert sum(divide_pause(frames)) == sum(split_frames(InnerPause(0, 1, frames))) == frames
    assert sum(split_frames(None)) == SPLIT_FRAMES


def test_a_joint_has_no_long_silence():
    frames = np.array([40, 7, 30, 9, 6, 5, 2, 41])
    assert shorten_joints(frames, [], 4) is frames
    shorter = shorten_joints(frames, [3, 6], 4)
    assert shorter[:-1].tolist() == [40, 7, BEFORE_JOINT_FRAMES, JOINT_FRAMES, 6, 5, 2]
    assert shorter[-1] - frames[-1] in range(4) and shorter.sum() % 4 == 0


def test_silence_at_the_ends_of_a_segment():
    def lead(first: bool, streaming: bool) -> int:
        return lead_samples(None, 5000, first, streaming)

    assert lead(first=True, streaming=False) == 5000
    assert lead(first=True, streaming=True) == 0.06 * SAMPLE_RATE
    assert lead(first=False, streaming=True) == lead(first=False, streaming=False) == 0.1 * SAMPLE_RATE
    assert lead_samples(7, 5000, True, True) == 7 * HOP
    assert tail_samples(None, 5000, True) == 5000
    assert tail_samples(None, 5000, False) == 0.5 * SAMPLE_RATE
    assert tail_samples(7, 5000, True) == tail_samples(7, 5000, False) == 7 * HOP


def test_a_stream_leaves_out_its_leading_silence():
    assert stream_skipped_seconds(5) == 0
    assert stream_skipped_seconds(75) == pytest.approx(0.8 - 0.06)
    assert shorten_lead(np.array([LEAD_FRAMES, 9, 5]), 4).tolist() == [LEAD_FRAMES, 9, 5]
    shorter = shorten_lead(np.array([160, 9, 5]), 4)
    assert shorter[:2].tolist() == [LEAD_FRAMES, 9] and shorter.sum() % 4 == 0 and shorter[2] - 5 in range(4)
    samples = round(LEAD_SECONDS * SAMPLE_RATE)
    assert lead_samples(None, 3 * samples, True, False) == samples
    assert lead_samples(None, 3 * samples, False, False) < samples


def sounds(*lengths: int) -> np.ndarray:
    """Noise and silence in turn, of so many frames."""
    rng = np.random.default_rng(0)
    parts = [rng.uniform(0.1, 0.2, n * HOP) * (k % 2 == 0) for k, n in enumerate(lengths)]
    return np.concatenate(parts).astype(np.float32)


@pytest.mark.parametrize("silent", [2, 20, 60])
@pytest.mark.parametrize("wanted", [0, 20, 47])
def test_a_pause_is_as_long_as_the_silence_in_the_waveform(silent, wanted):
    """The durations give the pause frames 40 to 60; silence begins in the phone before or in the marks."""
    for begin in (32, 40, 45):
        wave = sounds(begin, silent, 150 - begin - silent)
        edges = HOP * np.array([0, 30, 40, 45, 60, 120, 150])
        fitted, times = fit_pauses(wave, edges, [InnerPause(2, 4, wanted)])
        assert len(fitted) == pytest.approx(len(wave) + (wanted - silent) * HOP, abs=240)
        assert times[2] == pytest.approx(begin * HOP, abs=240) and times[4] - times[2] == wanted * HOP
        assert times[-1] == len(fitted) and (np.diff(times) >= 0).all() and times[0] == 0
        inside = fitted[times[2] + 240 : times[4] - 240]
        assert (
            not inside.any()
            and fitted[times[2] - 240 : times[2]].any()
            and fitted[times[4] : times[4] + 240].any()
        )


def test_what_is_not_asked_for_or_not_silent_stays():
    edges = HOP * np.array([0, 30, 40, 45, 60, 120, 150])
    for wave, pause in (
        (sounds(150), InnerPause(2, 4, 47)),
        (sounds(40, 20, 90), InnerPause(2, 4, 47, exact=False)),
    ):
        fitted, times = fit_pauses(wave, edges, [pause])
        assert np.array_equal(fitted, wave) and np.array_equal(times, edges)


@pytest.mark.slow
@pytest.mark.skipif(not (PRETRAINED / "config.json").exists(), reason="there is no embedded checkpoint")
@pytest.mark.parametrize("speed", [1.0, 0.5, 0.25])
def test_the_embedded_model_pauses_as_long_at_every_speed(speed):
    model = Backend("torch").module("nanospeech").Nanospeech.from_pretrained(None)
    for voice, text, word in (
        ("emma", "We go now [pause 0.5] and then we rest.", "and"),
        ("xiaoxiao", "今天天气很好，[pause 0.5] 我们去公园吧。", "我"),
        ("heart", "Well ... [pause 0.5] I do not know.", "I"),
    ):
        (speech,) = model.speak(text, voice, speed=speed, num_iter=2)
        after = next(k for k, spoken in enumerate(speech.words) if spoken.text == word)
        begin = round(speech.words[after - 1].phones[-1].end * 100)
        end = round(speech.words[after].start * 100)
        quiet = block_levels(speech.wave, SAMPLE_RATE // 100) < SILENCE_RMS
        assert end - begin == pytest.approx(50, abs=2)
        assert quiet[begin + 1 : end - 1].mean() > 0.9 and not quiet[begin - 3 : begin].all()
        assert sound_begin(speech.wave) / SAMPLE_RATE <= LEAD_SECONDS + 0.01
