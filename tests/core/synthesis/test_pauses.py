"""How long each pause is."""

import numpy as np
import pytest

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.synthesis.pauses import (
    BEFORE_JOINT_FRAMES,
    GENERATED_FRAMES,
    JOINT_FRAMES,
    SPLIT_FRAMES,
    InnerPause,
    apply_pauses,
    divide_pause,
    lead_samples,
    shorten_joints,
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
