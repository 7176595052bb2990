"""From a recording to prepared utterances: decode, check, find phonemes and durations, cut, encode.

This runs in worker processes, which import torch only to align.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanospeech_core.audio.mel import FRAME_RATE, HOP, N_FFT, SAMPLE_RATE
from nanospeech_core.audio.signal import mix, trim_silence
from nanospeech_core.errors import UserError
from nanospeech_core.text.document import Sentence
from nanospeech_core.text.language_detection import detect_language
from nanospeech_core.text.languages import LANGUAGES, TABLE, find_code, phonemize
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText

from .cutting import Piece, find_pieces, piece_durations, text_between, text_spaces
from .decoding import decode, find_doubts
from .durations import (
    DOUBTFUL,
    DURATION_UNIT,
    TOLERANCE,
    WRONG,
    AlignerSource,
    align,
    given_durations,
    lost_share,
)
from .encoding import encode
from .recording import MissingRequirement, Recording, Reject, one_line

SILENCE = 1e-3  # a recording is silent if the RMS of its loudest 10 ms is less (-60 dB)
SYMBOLS_PER_SECOND = (1.5, 35.0)  # limits for speech; common corpora have 8 to 21
MIN_RATE = 4000  # Hz; below it, speech is not intelligible


@dataclass(frozen=True)
class Recipe:
    """How recordings are prepared."""

    lang: str = "en-us"  # of texts that do not name theirs
    voice: str = ""  # of recordings that do not name theirs
    format: str = "flac"
    min_seconds: float = 0.3
    max_seconds: float = 120.0
    split_seconds: float = 12.0  # longer recordings are split at pauses; 0: never
    align: bool = True


@dataclass(frozen=True)
class Utterance:
    """A prepared utterance, as it is written to a shard."""

    id: str
    audio: bytes  # in the recipe's format
    meta: dict  # the json
    timing: str  # where its durations come from: "given" (by the data), "aligned" or "none"
    unknown: tuple[str, ...] = ()  # symbols that the vocabulary lacks
    file: str = ""  # the audio file's name, for people
    unused: tuple[str, ...] = ()  # what the source has of it beside that


@dataclass(frozen=True)
class Prepared:
    """What a recording becomes."""

    id: str
    utterances: tuple[Utterance, ...]  # several if it was split
    sound: int  # a 64-bit hash of its samples, to find copies
    seconds_cut: float = 0.0  # of silence at its ends
    doubts: tuple[tuple[str, str], ...] = ()  # (what may be wrong, detail): a person should listen to it


@dataclass(frozen=True)
class Rejected:
    """A recording that is left out: one of few reasons, and the details."""

    id: str
    reason: str
    detail: str = ""


DROPPED_DURATIONS = "durations that do not fit their phonemes and audio"


def prepare_recording(recording: Recording, recipe: Recipe, aligner: AlignerSource) -> Prepared | Rejected:
    """The utterances of a recording, or why it is left out. No bad recording raises an error.

    Raises:
        MissingRequirement: an aligner or a phonemizer is missing.
        MemoryError: memory ran out, of this process or of all.
    """
    try:
        if recording.problem:
            raise Reject(recording.problem, recording.detail)
        return prepare_readable(recording, recipe, aligner)
    except Reject as reject:
        reason, detail = (*reject.args, "")[:2]
    except (MissingRequirement, MemoryError):
        raise
    except Exception as error:  # one strange file must not end a run of days; the report lists it
        reason, detail = "an unexpected error", f"{type(error).__name__}: {one_line(error)}"
    return Rejected(recording.id, reason, detail)


def prepare_readable(recording: Recording, recipe: Recipe, aligner: AlignerSource) -> Prepared:
    """The utterances of a recording. Raises Reject."""
    meta = recording.meta
    text = " ".join(meta.get("text", "").split())
    if not text:
        raise Reject("empty text")
    if "\ufffd" in text:
        raise Reject("text that is not UTF-8")
    wave, doubts = read_audio(recording.audio, meta.get("suffix", ""), recipe)
    sound = int.from_bytes(hashlib.blake2b(wave.tobytes(), digest_size=8).digest(), "big")
    lang, phonemes, unknown, sentences = find_phonemes(text, meta, recipe)
    durations = given_durations(meta, phonemes, len(wave))
    frames = len(wave) // HOP + 1
    timing, unused = "given", recording.unused
    if durations is None:
        if meta.get("durations") is not None:
            unused += (DROPPED_DURATIONS,)
        if recipe.align:
            aligner.get()
        spoken = phonemes
        phonemes = "".join(symbol for symbol in spoken if symbol in aligner.vocab)
        sentences = sentences if phonemes == spoken else []  # whose symbols are `phonemes`
        timing = "aligned" if recipe.align else "none"
    check_rate(len(phonemes), frames, wave)

    def finish(id: str, text: str, phonemes: str, wave: np.ndarray, timed: dict) -> Utterance:
        result: dict[str, Any] = {"id": id, "text": text, "lang": lang}
        if voice := meta.get("voice") or recipe.voice or recording.default_voice:
            result["voice"] = voice
        result |= {"phonemes": phonemes, **timed, "samples": len(wave), "source": meta.get("source", "")}
        content = encode(wave, recipe.format, id)
        return Utterance(id, content, result, timing, unknown, recording.file, unused)

    if timing != "aligned":
        unit = meta.get("duration_unit", DURATION_UNIT)
        timed = {} if durations is None else {"durations": durations, "duration_unit": unit}
        whole = finish(recording.id, text, phonemes, wave, timed)
        return Prepared(recording.id, (whole,), sound, 0.0, tuple(doubts))
    found = align(wave, phonemes, aligner)
    if (lost := lost_share(found)) > DOUBTFUL:
        detail = f"{lost:.0%} of its phonemes are not found"
        if lost > WRONG:
            raise Reject("text that is not what is said", detail)
        doubts.append(("its text may not be what is said", detail))
    pieces = split(found, phonemes, sentences, getattr(aligner.get(), "lag", 0), recipe)
    utterances = []
    for number, piece in enumerate(pieces, 1):
        if len(pieces) == 1:
            id, said = recording.id, text
        else:
            id, said = f"{recording.id}-part{number}", text_between(sentences, piece.first, piece.last)
        part = wave[piece.begin * HOP : piece.end * HOP] if piece.end < frames else wave[piece.begin * HOP :]
        timed = {"durations": piece_durations(found, piece, len(part) // HOP + 1), "duration_unit": HOP}
        utterances.append(finish(id, said, phonemes[piece.first : piece.last], part, timed))
    seconds = (pieces[0].begin + frames - pieces[-1].end) / FRAME_RATE
    return Prepared(recording.id, tuple(utterances), sound, seconds, tuple(doubts))


def split(
    durations: np.ndarray, phonemes: str, sentences: list[Sentence], lag: int, recipe: Recipe
) -> list[Piece]:
    """The pieces of a recording without the silence at its ends. Raises Reject."""
    longest = recipe.split_seconds * FRAME_RATE or float("inf")
    if not sentences:  # its text cannot be divided as its phonemes are
        longest = float("inf")
    pieces = find_pieces(durations, phonemes, text_spaces(sentences), lag, longest)
    if pieces is None:
        raise Reject(f"longer than {recipe.split_seconds:g} s, without a pause to split it at")
    return pieces


# audio


def read_audio(audio: bytes | str, suffix: str, recipe: Recipe) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """A file's content, its path or its address -> float32 [samples], mono, 24 kHz, and `find_doubts`.

    Raises Reject.
    """
    import soxr

    if isinstance(audio, str):
        audio = read_file(audio)
    longest = recipe.max_seconds + TOLERANCE
    wave, rate = decode(audio, suffix, longest)
    if len(wave) > longest * rate:
        raise Reject(f"longer than {recipe.max_seconds:g} s")
    if rate < MIN_RATE:
        raise Reject(f"a sample rate under {MIN_RATE} Hz", f"{rate} Hz")
    if not np.isfinite(wave).all():
        raise Reject("audio with values that are not finite")
    doubts = find_doubts(audio, wave)
    wave = mix(wave)
    if rate != SAMPLE_RATE:
        wave = soxr.resample(wave, rate, SAMPLE_RATE)
    if len(wave) < max(recipe.min_seconds * SAMPLE_RATE, N_FFT):
        raise Reject(f"shorter than {recipe.min_seconds:g} s")
    step = SAMPLE_RATE // 100
    blocks = wave[: len(wave) // step * step].reshape(-1, step)
    if np.square(blocks, dtype=np.float64).mean(axis=1).max() < SILENCE**2:
        raise Reject("silent")
    return wave, doubts


def read_file(path: str) -> bytes:
    """The content of a path or an address. Raises Reject."""
    try:
        if "://" in path:
            import fsspec

            with fsspec.open(path, "rb") as file:
                return file.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Reject("no audio file", one_line(error)) from error


# text


def find_phonemes(text: str, meta: dict, recipe: Recipe) -> tuple[str, str, tuple[str, ...], list[Sentence]]:
    """(language, phonemes, symbols that are not in the vocabulary, the sentences). Raises Reject.

    There are no sentences if the phonemes are given.
    """
    lang = language(meta.get("lang", ""), text, recipe.lang)
    phonemes = meta.get("phonemes")
    if isinstance(phonemes, str) and phonemes.strip():
        return lang, phonemes, tuple(sorted(set(phonemes) - set(SYMBOLS))), []
    if lang not in LANGUAGES:
        raise Reject("a language that cannot be phonemized", lang)
    check_phonemizer(lang)
    tokenizer = Tokenizer("phonemes", SYMBOLS, report=lambda message: None)
    try:
        sentences = tokenizer.sentences(text, lang)
    except UserError as error:
        raise Reject("text that cannot be spoken", str(error)) from error
    return lang, " ".join(s.symbols for s in sentences), tuple(sorted(tokenizer.unknown)), sentences


@functools.cache
def check_phonemizer(lang: str) -> None:
    """Raise MissingRequirement if the phonemizer of a language does not work."""
    try:
        phonemize(TracedText.of(TABLE[lang].sample), lang)
    except UserError as error:
        raise MissingRequirement(str(error)) from error
    except Exception as error:  # such as a full disk, or a broken package
        raise MissingRequirement(f"cannot phonemize {lang}: {one_line(error)}") from error


def language(name: str, text: str, default: str) -> str:
    """One of LANGUAGES for a data set's name ("en", "en_GB", "zh-CN", ""). Other names are returned."""
    if not name.strip():
        return detect_language(text, default)
    return find_code(name, default) or name.strip()


def check_rate(symbols: int, frames: int, wave: np.ndarray) -> None:
    """Raise Reject if text and audio cannot belong together."""
    slow, fast = SYMBOLS_PER_SECOND
    seconds = len(wave) / SAMPLE_RATE
    if symbols + 2 > frames or symbols > fast * seconds:
        raise Reject("text too long for its audio", f"{symbols} symbols, {seconds:.2f} s")
    spoken = len(trim_silence(wave)) / SAMPLE_RATE
    if symbols < slow * spoken:
        raise Reject("text too short for its audio", f"{symbols} symbols, {spoken:.2f} s")
