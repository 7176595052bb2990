"""From predicted durations to whole frames."""

import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import MAX_FRAMES
from nanospeech_core.synthesis.prompts import whole_frames


@pytest.mark.parametrize("patch", [1, 2, 4, 7])
@pytest.mark.parametrize("speed", [0.25, 1.0, 1.3, 4.0])
def test_whole_frames_fill_tokens_and_leave_no_symbol_out(patch, speed):
    rng = np.random.default_rng(0)
    for symbols in (1, 2, 3, 50):
        frames = whole_frames(rng.uniform(-1, 3, symbols), speed, patch)
        assert frames.dtype == np.int64 and len(frames) == symbols
        assert frames.min() >= 1 and frames.sum() % patch == 0


def test_whole_frames_round_the_boundaries():
    assert whole_frames(np.log1p([2.4, 2.4, 2.4, 2.4, 2.4]), 1.0, 1).tolist() == [2, 3, 2, 3, 2]
    predicted = np.random.default_rng(1).uniform(1.5, 12, 500)
    ends = np.cumsum(whole_frames(np.log1p(predicted), 1.0, 1))
    assert np.abs(ends - np.cumsum(predicted)).max() <= 0.5 + 1e-6


def test_symbols_stretched_to_a_frame_do_not_delay_the_rest():
    predicted = np.tile([0.1, 0.1, 0.1, 9.7], 50)
    frames = whole_frames(np.log1p(predicted), 1.0, 1)
    assert frames.min() == 1 and frames.sum() == 500


def test_more_symbols_than_frames_get_one_each():
    assert whole_frames(np.full(9, -3.0), 1.0, 4).tolist() == [1] * 8 + [4]
    assert whole_frames(np.log1p(np.full(9, 0.5)), 1.0, 1).tolist() == [1] * 9


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 3.0])
def test_speed_scales_the_length(speed):
    predicted = np.random.default_rng(2).uniform(8, 20, 100)
    total = whole_frames(np.log1p(predicted), speed, 1).sum()
    assert total == pytest.approx(predicted.sum() / speed, abs=1)


def test_only_the_last_pause_is_stretched():
    for patch in (2, 4, 8):
        plain, filled = (whole_frames(np.log1p([5, 5, 3]), 1.0, p) for p in (1, patch))
        assert (filled[:-1] == plain[:-1]).all() and 0 <= filled[-1] - plain[-1] < patch


def test_absurd_predictions():
    assert whole_frames(np.array([1e4, 1.0]), 1.0, 4)[0] == MAX_FRAMES
    for value in (np.nan, np.inf):
        with pytest.raises(UserError, match="not finite"):
            whole_frames(np.array([1.0, value]), 1.0, 4)
