"""Speech editing: all of it but the backend's networks; and `python -m nanospeech_{mlx,torch}.edit`."""

from __future__ import annotations

import numbers

import numpy as np

from ..audio import files as audio
from ..audio.mel import FRAME_RATE, HOP, N_MELS, SAMPLE_RATE
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.prompt import pause_id
from ..synthesis.durations import whole_frames
from ..synthesis.frontend import open_lexicon
from ..text.checks import check_text
from ..text.language_detection import detect_language
from ..text.tokenizer import Tokenizer
from ..voices.reference import log_mel_with_treble
from .changes import find_changes, make_gap, merge_near, window, words_of

MARGIN = 30.0  # milliseconds; of 0, 30, 50 and 100 the least misheard
MAX_MARGIN = 500.0
MAX_SECONDS = 120.0
FADE_SECONDS = 0.01
REACH_SECONDS = 0.006  # how far the new speech is moved so that its waveform meets the old one's
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
    language = options.lang or detect_language(text)
    tokenizer = Tokenizer(config.text.kind, config.text.vocab)
    lexicon = open_lexicon(options.lexicon, tokenizer)
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
            audio.resample(piece, SAMPLE_RATE, sample_rate),
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
    mono = audio.to_model(wave, sample_rate)
    speech = audio.trim_silence(mono)
    if not len(speech):
        raise UserError("the recording is silent")
    gain = float(np.abs(audio.match_level(speech)).max() / np.abs(speech).max())
    return gain, log_mel_with_treble(mono * gain)


def splice(
    wave: np.ndarray,
    piece: np.ndarray,
    out: tuple[float, float | None],
    within: tuple[float, float],
    sample_rate: int,
) -> np.ndarray:
    """Put some of `piece` in the place of some of `wave`, each seam a raised-cosine cross-fade.

    The fades are outside of what is replaced. At each seam `piece` is moved by a few milliseconds to where
    its waveform is most like the one that it fades into, so that periods meet; the duration changes with it.

    Args:
        wave: [samples] or [samples, channels].
        piece: [samples], at the same rate.
        out: seconds of `wave` that are replaced; from 0 and to None there is no seam.
        within: seconds of `piece` that replace them.
        sample_rate: of both.
    """
    fade, reach = round(FADE_SECONDS * sample_rate), round(REACH_SECONDS * sample_rate)
    left, begin = round(out[0] * sample_rate), round(within[0] * sample_rate)
    right = len(wave) if out[1] is None else min(round(out[1] * sample_rate), len(wave))
    end = min(round(within[1] * sample_rate), len(piece))
    mono = wave if wave.ndim == 1 else wave.mean(axis=1)
    head, tail = min(fade, left, begin), min(fade, len(wave) - right, len(piece) - end)
    begin = best_match(mono[left - head : left], piece, begin - head, reach)
    end = max(begin + head, best_match(mono[right : right + tail], piece, end, reach))
    middle = piece[begin : end + tail].astype(wave.dtype)
    if wave.ndim == 2:  # each channel has its share of what is replaced and around it
        levels = np.sqrt(np.square(wave[max(0, left - sample_rate) : right + sample_rate]).mean(axis=0))
        shares = levels / levels.mean() if levels.any() else np.ones_like(levels)
        middle = middle[:, None] * shares.astype(wave.dtype)
    rise = [0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / max(n, 1)) for n in (head, tail)]
    first, last = (r.astype(wave.dtype).reshape(-1, *[1] * (wave.ndim - 1)) for r in rise)
    middle[:head] = first * middle[:head] + (1 - first) * wave[left - head : left]
    ends = len(middle) - tail
    middle[ends:] = (1 - last) * middle[ends:] + last * wave[right : right + tail]
    return np.concatenate((wave[: left - head], middle, wave[right + tail :]))


def best_match(target: np.ndarray, piece: np.ndarray, start: int, reach: int) -> int:
    """Where in `piece`, at most `reach` samples from `start`, it is most like `target` (normalized
    cross-correlation); `start` where `target` is empty or silent."""
    low, high = max(0, start - reach), min(len(piece) - len(target), start + reach)
    if not len(target) or high < low or not np.any(target):
        return min(max(start, 0), len(piece))
    views = np.lib.stride_tricks.sliding_window_view(piece, len(target))[low : high + 1].astype(np.float64)
    scores = views @ target / np.sqrt(np.square(views).sum(axis=1) + 1e-9)
    return low + int(np.argmax(scores))


def check_margin(margin: float) -> None:
    """Raise UserError unless it is a margin, in milliseconds."""
    if not (isinstance(margin, numbers.Real) and 0 <= margin <= MAX_MARGIN):
        raise UserError(f"--margin must be from 0 to {MAX_MARGIN:g} milliseconds, not {margin!r}")
