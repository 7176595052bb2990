"""A voice from any recording: its best seconds, and the text of them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np

from ..audio import files as audio
from ..audio.crossfade import fade
from ..audio.mel import SAMPLE_RATE
from ..audio.signal import match_level, to_model_without_offset, trim_silence
from ..errors import UserError
from ..text.checks import check_text
from ..text.document import Sentence
from ..text.language_detection import detect_language
from ..text.languages import base_language
from ..text.symbols import SILENT, SYMBOLS
from ..text.tokenizer import Tokenizer
from . import recognition
from .alignment import FindOnsets
from .speech_check import FitsText, is_silent, why_no_speech, why_not_its_text
from .store import Voice

MIN_SECONDS, MAX_SECONDS = 2.0, 15.0  # of speech in a voice
LONGEST_SECONDS = 120.0  # of a recording that is aligned to find its first words
PAUSE_SECONDS = 0.15  # quiet for so long is a pause
_QUIET_DB = -35.0  # relative to the loudest 10 ms


def voice_from_recording(
    path: str | os.PathLike,
    text: str | None = None,
    language: str | None = None,
    asr: str | None = None,
    find_onsets: FindOnsets | None = None,
    argument: str = "--ref-text",
    fits: FitsText | None = None,
) -> Voice:
    """A voice from a recording: trimmed of silence, at the usual level, at most 15 s.

    Args:
        path: any audio file.
        text: all words of the recording; None: a recognizer transcribes it.
        language: of the text; None: detected by its script.
        asr: the recognizer, see `recognition.recognizer`; None: an installed one.
        find_onsets: aligns a recording that is too long, to cut it at a pause between two words.
        argument: what messages call `text`.
        fits: finds whether a given text is what is said; if it is not, a warning says so.
    Raises:
        UserError: the recording is unreadable, silent, shorter than 2 s or too long; its text cannot be
            spoken or cannot be recognized.
    """
    if text is not None:
        check_text(text, argument)
    sound, rate, _ = audio.read_whole(path, "float32")
    wave = trim_silence(to_model_without_offset(sound, rate))
    seconds = len(wave) / SAMPLE_RATE
    if is_silent(wave):
        raise UserError(f"cannot use {path}: it is silent")
    if seconds < MIN_SECONDS:
        raise UserError(
            f"cannot use {path}: its speech lasts {seconds:.1f} s; at least {MIN_SECONDS:.0f} s are needed"
        )
    reason = why_no_speech(wave)
    if reason:
        raise UserError(f"cannot use {path}: {reason}")
    wave, transcribed = match_level(wave), text is None
    if text is None:
        if seconds > MAX_SECONDS:
            wave = _cut(wave, find_pause(wave))
        text = transcribe(wave, path, language, asr, argument)
    language = language or detect_language(text)
    text = " ".join(text.split())
    sentences = Tokenizer("phonemes", SYMBOLS).sentences(text, language)
    phonemes = " ".join(sentence.symbols for sentence in sentences)
    if len(wave) > MAX_SECONDS * SAMPLE_RATE:
        if find_onsets is None:
            raise UserError(
                f"cannot use {path}: its speech lasts {seconds:.1f} s, and this model has no aligner "
                f"to find the text of its first {MAX_SECONDS:.0f} s; cut it to {MAX_SECONDS:.0f} s"
            )
        if seconds > LONGEST_SECONDS:
            raise UserError(
                f"cannot use {path}: its speech lasts {seconds:.0f} s; only {MAX_SECONDS:.0f} s are used, "
                f"so cut it to {LONGEST_SECONDS:.0f} s or less"
            )
        cut, symbols = best_cut(find_onsets(wave, phonemes), phonemes, path)
        wave, phonemes = _cut(wave, cut), phonemes[:symbols]
        text = text_until(sentences, symbols)
    used = len(wave) / SAMPLE_RATE
    if used < seconds - PAUSE_SECONDS:
        warnings.warn(
            f'{path} lasts {seconds:.1f} s; the first {used:.1f} s are used: "{text}"', stacklevel=2
        )
    elif transcribed:
        warnings.warn(f'the words recognized in {path} are: "{text}"', stacklevel=2)
    reason = why_not_its_text(phonemes, used)
    if not transcribed and not reason and fits is not None and not fits(wave, phonemes):
        reason = "does not fit the sound; write all that is said, as it is said, and nothing else"
    if reason and not transcribed:
        warnings.warn(
            f'{argument} may not be what is said in {path}, and a wrong text gives a bad voice: "{text}" '
            f"{reason}",
            stacklevel=2,
        )
    return Voice(Path(path).stem, wave, text, phonemes, None, language)


def transcribe(
    wave: np.ndarray, path: str | os.PathLike, language: str | None, asr: str | None, argument: str
) -> str:
    """The words of a recording, float32 [samples] at 24 kHz, by a recognizer.

    Raises:
        UserError: no recognizer is installed, or it recognizes no words.
    """
    name = asr or recognition.default_recognizer()
    if name is None:
        raise UserError(
            f"without {argument} a speech recognizer must find the words, and none is installed: "
            "pip install faster-whisper (or mlx-whisper)"
        )
    base = None if language is None else base_language(language)
    recognize = recognition.recognizer(name, [base] if base else [])
    text = recognize(recognition.resample(wave, SAMPLE_RATE), base)
    if not any(character.isalnum() for character in text):
        raise UserError(f"cannot use {path}: {name} recognizes no words in it; give {argument}")
    return text


def find_pause(wave: np.ndarray) -> float:
    """Where to cut a recording that is too long, by its level: seconds, from 2 to 15.

    In the middle of the last pause; without a pause, of the longest quiet; else at the quietest 10 ms.

    Args:
        wave: float32 [samples], 24 kHz.
    """
    step = SAMPLE_RATE // 100
    frames = wave[: len(wave) // step * step].reshape(-1, step).astype(np.float64)
    level = np.sqrt((frames**2).mean(axis=1))
    quiet = level < level.max() * 10 ** (_QUIET_DB / 20)
    first, last = round(MIN_SECONDS * 100), round(MAX_SECONDS * 100)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet[:last], [0])).astype(int)))
    runs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if (a + b) / 2 >= first]
    if not runs:
        return (first + int(np.argmin(level[first:last]))) / 100
    long = [run for run in runs if run[1] - run[0] >= PAUSE_SECONDS * 100]
    a, b = long[-1] if long else max(runs, key=lambda run: run[1] - run[0])
    return (a + b) / 200


def best_cut(onsets: np.ndarray, phonemes: str, path: str | os.PathLike) -> tuple[float, int]:
    """Where to cut a recording whose phonemes are aligned: seconds, and the number of symbols before.

    In the longest pause between two words, from 2 to 15 s. Pauses over half a second count the same; of equal
    pauses a later one is better.

    Args:
        onsets: the result of `FindOnsets`.
        phonemes: of the recording.
        path: its name, for the message.
    Raises:
        UserError: there is no space between two words there.
    """
    best_score, best = -1.0, None
    for space in (i for i, symbol in enumerate(phonemes) if symbol == " "):
        first, last = space, space + 1
        while first and phonemes[first - 1] in SILENT:
            first -= 1
        while last < len(phonemes) and phonemes[last] in SILENT:
            last += 1
        silence = float(onsets[last + 1] - onsets[first + 1])
        middle = float(onsets[last + 1] + onsets[first + 1]) / 2
        if first and last < len(phonemes) and MIN_SECONDS <= middle <= MAX_SECONDS:
            score = min(silence, 0.5) + 0.2 * middle / MAX_SECONDS
            if score > best_score:
                best_score, best = score, (middle, space)
    if best is None:
        raise UserError(f"cannot use {path}: no pause is found between its words; cut it to 15 s")
    return best


def text_until(sentences: list[Sentence], symbols: int) -> str:
    """The written words that the first `symbols` symbols of sentences, joined by spaces, speak."""
    parts, start = [], 0
    for sentence in sentences:
        end = start + len(sentence.symbols)
        word_ends = [word.end for word in sentence.words if start + word.last <= symbols]
        if end <= symbols:
            parts.append(sentence.written)
        elif word_ends:
            parts.append(sentence.written[: word_ends[-1]])
        start = end + 1
    return " ".join(parts)


def _cut(wave: np.ndarray, seconds: float) -> np.ndarray:
    wave = wave[: round(seconds * SAMPLE_RATE)]
    return match_level(trim_silence(fade(wave, False, True)))
