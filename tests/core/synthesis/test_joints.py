"""Parts of a sentence that meet without a break."""

import numpy as np
import pytest

from nanospeech_core.synthesis.joints import (
    CONTEXT_SYMBOLS,
    OVERLAP,
    Joiner,
    context_symbols,
    first_words,
    joint_sample,
    last_words,
)

SPACE = 0
ROW = np.array([5, 6, SPACE, 7, SPACE, 8, 9, 4, SPACE, 3])  # "56 7 894 3"


@pytest.mark.parametrize(
    ("least", "first", "last"),
    [
        (1, (5, 6), (3,)),
        (2, (5, 6), (9, 4, 0, 3)),  # twice as many and no space: a word is cut
        (3, (5, 6, 0, 7), (8, 9, 4, 0, 3)),
        (6, (5, 6, 0, 7, 0, 8, 9, 4), (7, 0, 8, 9, 4, 0, 3)),
        (30, tuple(ROW), tuple(ROW)),
    ],
)
def test_a_context_ends_at_a_space(least, first, last):
    assert first_words(ROW, SPACE, least) == first
    assert last_words(ROW, SPACE, least) == last


def test_a_word_without_an_end_is_cut():
    assert first_words(np.arange(1, 30), SPACE, 4) == tuple(range(1, 9))
    assert last_words(np.arange(1, 30), SPACE, 4) == tuple(range(22, 30))


def test_slow_speech_has_a_shorter_context():
    assert context_symbols(1.0) == context_symbols(2.0) == CONTEXT_SYMBOLS
    assert context_symbols(0.25) < CONTEXT_SYMBOLS / 3 and context_symbols(0.001) == 1


def test_the_cross_fade_is_in_the_middle_of_the_silence():
    edges = np.array([0, 1000, 2000, 2500, 3100, 9000])
    assert joint_sample(list("ab c."), edges, 2) + OVERLAP // 2 == 2250
    assert joint_sample(list("a, cd"), edges, 2) + OVERLAP // 2 == 1750  # of the mark and the space
    assert joint_sample([" ", "a"], np.array([0, 100, 200]), 0) == 0


WAVE = np.random.default_rng(0).standard_normal(8000).astype(np.float32)


def joined(pieces: list[list[int]]) -> list[list[np.ndarray]]:
    """`WAVE` from two segments: its samples 0 to 5000 and 2000 to 8000, in chunks cut at `pieces`."""
    joiner = Joiner()
    first = np.split(WAVE[:5000], pieces[0])
    second = np.split(WAVE[2000:], pieces[1])
    return [list(joiner.join(first, 0, 3500, True)), list(joiner.join(second, 1500, 6000, False))]


@pytest.mark.parametrize(
    "pieces",
    [
        [[], []],
        [[1000, 3400, 3600], [100, 1400, 1600, 4000]],
        [[3500], [1500]],
        [[3500 + OVERLAP], [1500 + OVERLAP]],
        [[0, 10, 10], list(range(10, 6000, 10))],
    ],
)
def test_parts_give_the_whole_wave(pieces):
    """Their contexts are cut off at the right samples, wherever the chunks end; none of these is empty."""
    parts = joined(pieces)
    assert all(len(chunk) for part in parts for chunk in part)
    assert [sum(map(len, part)) for part in parts] == [3500, 4500]
    np.testing.assert_allclose(np.concatenate([c for part in parts for c in part]), WAVE, atol=1e-6)


def test_different_waves_meet_without_a_step():
    joiner = Joiner()
    left = list(joiner.join([np.full(3000, 0.5, np.float32)], 0, 2000, True))
    right = list(joiner.join([np.full(3000, -0.5, np.float32)], 1000, 3000, False))
    wave = np.concatenate(left + right)
    assert len(wave) == 4000 and np.abs(np.diff(wave)).max() < 2 / OVERLAP
    assert (wave[:2000] == 0.5).all() and (wave[2000 + OVERLAP :] == -0.5).all()


def test_no_chunk_is_taken_that_is_not_needed():
    taken = []
    chunks = (taken.append(number) or np.ones(1000, np.float32) for number in range(9))
    for _ in Joiner().join(chunks, 0, 2200, True):
        pass
    assert taken == [0, 1, 2]


def test_a_segment_alone_keeps_its_samples():
    chunks = [WAVE[:1000], WAVE[1000:1000], WAVE[1000:]]
    heard = list(Joiner().join(chunks, 0, 8000, False))
    assert [len(chunk) for chunk in heard] == [1000, 7000]
    assert np.array_equal(np.concatenate(heard), WAVE)
