"""Chunks of a waveform: joined, they are the waveform, without clicks."""

import numpy as np
import pytest
from backends import NAMES, Backend

from nanospeech_core.audio.mel import HOP
from nanospeech_core.config import VocosConfig
from nanospeech_core.synthesis.streaming import ChunkDecoder, convolution_reach, receptive_field

BINS, FRAMES, REACH = 4, 60, 5


def vocode(mel: np.ndarray, before: bool = False, after: bool = False) -> np.ndarray:
    """A waveform with a receptive field of `REACH` frames on each side, as a vocoder has: smoothed frames.

    One frame less where there are more.
    """
    levels = np.pad(mel.mean(1), REACH)
    smooth = np.convolve(levels, np.hanning(2 * REACH + 3)[1:-1], "valid")
    envelope = np.interp(np.arange((len(mel) - 1) * HOP) / HOP, np.arange(len(mel)), smooth)
    return envelope.astype(np.float32)[HOP * before : len(envelope) - HOP * after]


def random_mel(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((FRAMES, BINS)).astype(np.float32)


def sound(
    knowns: list[int], context: int, estimates: bool, decode=vocode, mel=None, reach=1
) -> list[np.ndarray]:
    mel = random_mel() if mel is None else mel
    decoder, chunks = ChunkDecoder(decode, len(mel), context, reach), []
    for known in knowns:
        estimated = mel.copy()
        if estimates:
            estimated[known:] += 3  # the estimate of what is not final yet is wrong
        chunks.append(decoder.next_chunk(estimated, known))
    return chunks


@pytest.mark.parametrize("knowns", [[60], [20, 60], [3, 4, 30, 59, 60], [1, 2, 3, 60]])
def test_final_frames_are_decoded_at_once(knowns):
    chunks = sound(knowns, REACH, estimates=False)
    np.testing.assert_allclose(np.concatenate(chunks), vocode(random_mel()), atol=1e-5)
    assert sum(map(len, chunks)) == (FRAMES - 1) * HOP


def test_too_little_context_changes_the_waveform():
    joined = np.concatenate(sound([20, 60], REACH - 2, estimates=False))
    assert np.abs(joined - vocode(random_mel())).max() > 1e-3


@pytest.mark.parametrize("knowns", [[20, 60], [12, 30, 45, 60]])
def test_wrong_estimates_leave_no_step(knowns):
    """A chunk's end is far from what it comes to be, and gives way to it gently: a hard cut would jump."""
    mel, complete = random_mel(), vocode(random_mel())
    joined, place = np.concatenate(sound(knowns, REACH, estimates=True)), 0
    assert np.abs(np.diff(joined)).max() < 0.05
    for known in knowns[:-1]:
        place = (known - 1) * HOP
        estimate = mel.copy()
        estimate[known:] += 3
        assert abs(vocode(estimate)[place] - complete[place]) > 0.3
        assert abs(joined[place] - complete[place]) < 0.01  # the new chunk has taken over
    before = (knowns[0] - REACH - 2) * HOP  # which no estimate has changed
    np.testing.assert_allclose(joined[:before], complete[:before], atol=1e-5)


def test_a_chunk_waits_until_there_is_enough_of_it():
    chunks = sound([1, 2, 10, 60], REACH, estimates=True)
    assert [len(chunk) for chunk in chunks[:3]] == [0, 0, 8 * HOP]


@pytest.mark.parametrize("name", NAMES)
def test_the_context_is_a_vocoders_receptive_field(name):
    """With `receptive_field` frames of context, chunks equal the complete wave; with fewer they do not."""
    backend = Backend(name)
    config = VocosConfig(dim=16, intermediate_dim=32, num_layers=2)
    vocos = backend.module("models.vocos").Vocos(dim=16, intermediate_dim=32, num_layers=2)
    rng = np.random.default_rng(0)
    weights = {key: rng.standard_normal(shape) * 0.4 for key, shape in backend.shapes(vocos).items()}
    backend.load(vocos, {key: value.astype(np.float32) for key, value in weights.items()})

    def decode(mel: np.ndarray, before: bool = False, after: bool = False) -> np.ndarray:
        inner = backend.module("models.vocos").inner_frames(before, after)
        wave = backend.numpy(vocos(backend.array(mel[None]), inner=inner))[0]
        assert len(wave) == (len(mel) - 1 - reach * (before + after)) * HOP
        return wave

    mel = rng.standard_normal((80, 100)).astype(np.float32)
    reach = convolution_reach(config.num_layers)
    complete, context = decode(mel), receptive_field(config)
    assert context == 3 * 3 + 2 and reach == 3 * 3
    joined = np.concatenate(sound([30, 50, 80], context, False, decode, mel, reach))
    np.testing.assert_allclose(joined, complete, atol=1e-4 * np.abs(complete).max())
    short = np.concatenate(sound([30, 80], context - 2, False, decode, mel, reach))
    assert np.abs(short - complete).max() > 1e-3 * np.abs(complete).max()
