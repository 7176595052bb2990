"""A voice from any recording: its best seconds, and what is said in them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..audio import files as audio
from ..audio.mel import SAMPLE_RATE
from ..errors import UserError
from ..text.tokenizer import SYMBOLS, Sentence, Tokenizer, check_text, language_of
from ..text.word_alignment import SILENT, find_words
from . import recognition
from .store import Voice

MIN_SECONDS, MAX_SECONDS = 2.0, 15.0  # of speech that are used
LONGEST_SECONDS = 120.0  # of a recording in which words have to be found
PAUSE_SECONDS = 0.15  # of quiet are a pause, or at least the end of a word
_QUIET_DB = -35.0  # of the loudest 10 ms

# A recording, float32 [samples], and its phonemes -> seconds at which each of " ", the phonemes, " " begins,
# and the end: float [phonemes + 3].
Locate = Callable[[np.ndarray, str], np.ndarray]


def voice_from_reference(
    path: str | os.PathLike,
    text: str | None = None,
    language: str | None = None,
    asr: str | None = None,
    locate: Locate | None = None,
    argument: str = "--ref-text",
) -> Voice:
    """A voice from a recording: silence at its ends is cut, its level matched, 15 s at most are used.

    Args:
        path: any audio file.
        text: what is said in it, all of it; None: what a recognizer hears.
        language: of the text; None: told by its script.
        asr: the recognizer, see `recognition.recognizer`; None: one that is installed.
        locate: finds the words of a recording that is too long, so that it is cut at a pause between them.
        argument: by which a user gives `text`, for the messages.
    Raises:
        UserError: the recording is unreadable, silent, shorter than 2 s or too long, its text is unspeakable
            or cannot be found.
    """
    if text is not None:
        check_text(text, argument)
    wave = audio.trim_silence(audio.read(path))
    seconds = len(wave) / SAMPLE_RATE
    if not seconds:
        raise UserError(f"cannot use {path}: it is silent")
    if seconds < MIN_SECONDS:
        raise UserError(
            f"cannot use {path}: its speech lasts {seconds:.1f} s; at least {MIN_SECONDS:.0f} s are needed"
        )
    wave, heard = audio.match_level(wave), text is None
    if text is None:
        if seconds > MAX_SECONDS:
            wave = _cut(wave, find_pause(wave))
        text = transcribe(wave, path, language, asr, argument)
    language = language or language_of(text)
    text = " ".join(text.split())
    sentences = Tokenizer("phonemes", SYMBOLS).sentences(text, language)
    phonemes = " ".join(sentence.symbols for sentence in sentences)
    if len(wave) > MAX_SECONDS * SAMPLE_RATE:
        if locate is None:
            raise UserError(
                f"cannot use {path}: its speech lasts {seconds:.1f} s, and this model has no aligner "
                f"to find the text of its first {MAX_SECONDS:.0f} s: cut it"
            )
        if seconds > LONGEST_SECONDS:
            raise UserError(
                f"cannot use {path}: its speech lasts {seconds:.0f} s; {MAX_SECONDS:.0f} s are used, "
                f"and their text is found in {LONGEST_SECONDS:.0f} s at most: cut it"
            )
        cut, symbols = best_cut(locate(wave, phonemes), phonemes, path)
        wave, phonemes = _cut(wave, cut), phonemes[:symbols]
        text = text_until(sentences, symbols, language)
    used = len(wave) / SAMPLE_RATE
    if used < seconds - PAUSE_SECONDS:
        warnings.warn(
            f'{path} lasts {seconds:.1f} s; the first {used:.1f} s are used: "{text}"', stacklevel=2
        )
    elif heard:
        warnings.warn(f'in {path} is heard: "{text}"', stacklevel=2)
    return Voice(Path(path).stem, wave, text, phonemes, None, language)


def transcribe(
    wave: np.ndarray, path: str | os.PathLike, language: str | None, asr: str | None, argument: str
) -> str:
    """What a recognizer hears in float32 [samples] at 24 kHz. Raises UserError: none is there, or no word."""
    name = asr or recognition.usual_recognizer()
    if name is None:
        raise UserError(
            f"without {argument} the words of the recording are found by a recognizer, and none is "
            "installed: pip install faster-whisper (or mlx-whisper)"
        )
    spoken = None if language is None else language.partition("-")[0]
    recognize = recognition.recognizer(name, [spoken] if spoken else [])
    text = recognize(recognition.resample(wave, SAMPLE_RATE), spoken)
    if not any(character.isalnum() for character in text):
        raise UserError(f"cannot use {path}: {name} hears no words in it; give {argument}")
    return text


def find_pause(wave: np.ndarray) -> float:
    """Where to cut what is too long, told by its level: seconds, from 2 to 15.

    In the middle of the last pause; where there is none, of the longest quiet; else at the quietest 10 ms.
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


def best_cut(begins: np.ndarray, phonemes: str, path: str | os.PathLike) -> tuple[float, int]:
    """Where to cut a recording whose phonemes are located: the seconds, and how many symbols are before.

    In the longest pause between two words, from 2 to 15 s; pauses above half a second are alike, and what is
    later is better.

    Args:
        begins: of `Locate`.
        phonemes: of the recording.
        path: its name, for the message.
    Raises:
        UserError: there is no space between two words there.
    """
    best, found = -1.0, None
    for space in (i for i, symbol in enumerate(phonemes) if symbol == " "):
        first, last = space, space + 1
        while first and phonemes[first - 1] in SILENT:
            first -= 1
        while last < len(phonemes) and phonemes[last] in SILENT:
            last += 1
        silence = float(begins[last + 1] - begins[first + 1])
        middle = float(begins[last + 1] + begins[first + 1]) / 2
        if first and last < len(phonemes) and MIN_SECONDS <= middle <= MAX_SECONDS:
            score = min(silence, 0.5) + 0.2 * middle / MAX_SECONDS
            if score > best:
                best, found = score, (middle, space)
    if found is None:
        raise UserError(f"cannot use {path}: no pause is found between its words; cut it to 15 s")
    return found


def text_until(sentences: list[Sentence], symbols: int, language: str) -> str:
    """The written words that the first `symbols` of all sentences, joined by spaces, say."""
    tokenizer = Tokenizer("phonemes", SYMBOLS, lambda report: None)
    parts, start = [], 0
    for sentence in sentences:
        end = start + len(sentence.symbols)
        if end <= symbols:
            parts.append(sentence.written)
        elif start < symbols:
            text, spans = find_words(
                sentence.written,
                sentence.text,
                sentence.symbols,
                lambda word: tokenizer.symbols(word, language),
            )
            said = [span.end for span in spans if start + span.last <= symbols]
            parts += [text[: said[-1]]] if said else []
        start = end + 1
    return " ".join(parts)


def _cut(wave: np.ndarray, seconds: float) -> np.ndarray:
    wave = wave[: round(seconds * SAMPLE_RATE)]
    return audio.match_level(audio.trim_silence(audio.fade(wave, False, True)))
