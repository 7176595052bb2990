"""Speech editing: all of it but the backend's networks; and `python -m nanospeech_{mlx,torch}.edit`."""

from __future__ import annotations

import numbers

import numpy as np

from ..audio.crossfade import splice
from ..audio.mel import FRAME_RATE, HOP, N_MELS, SAMPLE_RATE
from ..audio.signal import match_level, resample, to_model, trim_silence
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.prompt import pause_id
from ..synthesis.durations import whole_frames
from ..text.lexicon import open_lexicon
from ..text.tokenizer import Tokenizer, check_text, language_of
from ..voices.reference import audible
from .changes import find_changes, make_gap, merge_near, window, words_of

MARGIN = 30.0  # milliseconds; of 0, 30, 50 and 100 the least misheard
MAX_MARGIN = 500.0
MAX_SECONDS = 120.0
AROUND_FRAMES = 48  # of the recording that the vocoder hears on each side: more than it sees


def edit(
    speaker,
    wave: np.ndarray,
    text: str,
    edited: str,
    sample_rate: int,
    margin: float,
    options: GenerateOptions,
) -> np.ndarray:
    """The recording with other words, [samples] or [samples, channels] of the type that `wave` has.

    Args:
        speaker: a backend's `Nanospeech`.
        wave: [samples] or [samples, channels].
        text: what is said in it.
        edited: what should be said; in both, phonemes may be given to words: `[tomato](/təˈmɑːtoʊ/)`.
        sample_rate: of `wave`.
        margin: milliseconds, least, that are drawn anew on each side of changed words.
        options: all but those of the voice are heeded.
    Raises:
        UserError: the model cannot edit; a text, the recording or an option is unfit.
    """
    options.check()
    check_margin(margin)
    check_text(text, "--text")
    check_text(edited, "--edit")
    config = speaker.config
    if config.text.alignment != "durations" or speaker.aligner is None:
        raise UserError("this model cannot edit: it has no aligner, which finds the words in a recording")
    if config.transformer.mel_dim != N_MELS:
        raise UserError(f"the model's mel has {config.transformer.mel_dim} bins; speech is heard in {N_MELS}")
    language = options.lang or language_of(text)
    tokenizer = Tokenizer(config.text.kind, config.text.vocab)
    lexicon = open_lexicon(options.lexicon, tokenizer.ids)
    said, wanted = (words_of(words, tokenizer, language, lexicon) for words in (text, edited))
    ids, changes = find_changes(said, wanted, tokenizer, config)
    gain, heard = hear(wave, sample_rate)
    if not changes:
        return wave.copy()

    frames = speaker.aligner.align(heard, ids)
    patch, lag, around = config.transformer.patch, config.aligner.lag, round(margin / 1000 * FRAME_RATE)
    changes = merge_near(changes, ids, frames, around, patch)
    # From the last to the first: what is before a change keeps its place.
    for number, change in reversed(list(enumerate(changes))):
        first, last = window(change, ids, frames, pause_id(config))
        context = np.concatenate((ids[first : change.start], change.ids, ids[change.end : last]))
        begin = change.start - first
        new = (np.arange(len(context)) >= begin) & (np.arange(len(context)) < begin + len(change.ids))
        given = np.zeros(len(context), dtype=np.float32)
        given[~new] = np.concatenate((frames[first : change.start], frames[change.end : last]))
        logs = speaker.infill_durations(context, given, ~new)[new]
        lengths = whole_frames(logs, options.speed, 1) if len(logs) else np.zeros(0, np.int64)
        gap = make_gap(change, ids, frames, lengths, (first, last), heard, around, lag, config)
        drawn = speaker.sample(gap.prompt, seed=options.seed + number, **options.sampling())
        drawn = drawn[: gap.stop - gap.start]
        before = heard[max(0, gap.left - AROUND_FRAMES) : gap.left]
        after = heard[gap.right : gap.right + AROUND_FRAMES]
        piece = speaker.decode(np.concatenate((before, drawn, after))) / gain
        end = None if gap.right == len(heard) else gap.right * HOP / SAMPLE_RATE
        wave = splice(
            wave,
            resample(piece, SAMPLE_RATE, sample_rate),
            (gap.left * HOP / SAMPLE_RATE, end),
            (len(before) * HOP / SAMPLE_RATE, (len(before) + len(drawn)) * HOP / SAMPLE_RATE),
            sample_rate,
        )
    return wave


def hear(wave: np.ndarray, sample_rate: int) -> tuple[float, np.ndarray]:
    """What the model hears of a recording: by how much it is made louder, and its log-mel [frames, bins].

    Raises:
        UserError: it is no recording, is silent, or longer than `MAX_SECONDS`.
    """
    if not isinstance(sample_rate, numbers.Integral) or sample_rate < 1:
        raise UserError(f"the sample rate must be a whole number above 0, not {sample_rate!r}")
    if not isinstance(wave, np.ndarray):
        raise UserError(f"a recording is a numpy array, not {type(wave).__name__}")
    if wave.ndim not in (1, 2) or not np.issubdtype(wave.dtype, np.floating) or not len(wave):
        raise UserError(
            f"a recording is floating-point numbers [samples] or [samples, channels], not {wave.dtype} "
            f"{list(wave.shape)}"
        )
    if len(wave) > MAX_SECONDS * sample_rate:
        raise UserError(
            f"the recording lasts {len(wave) / sample_rate:.0f} s; at most {MAX_SECONDS:.0f} s can be edited "
            "at a time: split it"
        )
    mono = to_model(wave, sample_rate)
    speech = trim_silence(mono)
    if not len(speech):
        raise UserError("the recording is silent")
    gain = float(np.abs(match_level(speech)).max() / np.abs(speech).max())
    return gain, audible(mono * gain)


def check_margin(margin: float) -> None:
    """Raise UserError unless it is a margin, in milliseconds."""
    if not (isinstance(margin, numbers.Real) and 0 <= margin <= MAX_MARGIN):
        raise UserError(f"--margin must be from 0 to {MAX_MARGIN:g} milliseconds, not {margin!r}")
