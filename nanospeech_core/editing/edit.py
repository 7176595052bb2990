"""Speech editing: everything except the backend's networks, and without the command line."""

from __future__ import annotations

import numbers
import warnings
from dataclasses import replace

import numpy as np

from ..audio.crossfade import splice
from ..audio.mel import FRAME_RATE, HOP, N_MELS, SAMPLE_RATE
from ..audio.signal import match_level, resample, sound_end, to_model_without_offset, trim_silence
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.prompt import pause_id
from ..synthesis.backend import Backend
from ..synthesis.prompts import whole_frames
from ..text.checks import check_text
from ..text.language_detection import detect_language
from ..text.languages import check_language
from ..text.pronunciation.lexicon import open_lexicon
from ..text.symbols import SILENT
from ..text.tokenizer import Tokenizer
from ..voices.alignment import Aligner
from ..voices.reference import log_mel_with_treble
from ..voices.speech_check import text_checker
from .changes import Change, find_changes, merge_near, read_text, words_as_spoken
from .prompts import AlignedRecording, context_span, make_edit_prompt
from .speech_span import KEPT_SAMPLES, fit_to_sound, locate_speech

MARGIN = 30.0  # milliseconds; of 0, 30, 50 and 100 the one with the fewest recognition errors
MAX_MARGIN = 500.0
MAX_SECONDS = 120.0
CHECKED_SECONDS = 30.0  # a longer recording's text is not checked: that takes as long as to align it twice
SOUND_FRAMES = 12  # of a sound, for the level: most phones are shorter
CONTEXT_FRAMES = 48  # of the recording that the vocoder receives on each side: more than its receptive field


def edit(
    model: Backend,
    wave: np.ndarray,
    text: str,
    edited: str,
    sample_rate: int,
    margin: float,
    options: GenerateOptions,
) -> np.ndarray:
    """The recording with other words, [samples] or [samples, channels] of the type of `wave`.

    Args:
        model: a loaded model.
        wave: the recording, [samples] or [samples, channels].
        text: what the recording says.
        edited: what it should say. Both may give phonemes to words: `[tomato](/təˈmɑːtoʊ/)`.
        sample_rate: of `wave`, in Hz.
        margin: at least this many milliseconds on each side of changed words are generated too.
        options: checked, with a sampler; those of the voice are ignored.
    Raises:
        UserError: the model cannot edit, or a text, the recording or the margin is invalid.
    """
    check_margin(margin)
    check_text(text, "--text")
    check_text(edited, "--edit")
    aligner = check_model(model)
    ids, changes = compare_texts(text, edited, model.config, options)
    mono = check_recording(wave, sample_rate)
    if not changes:
        warnings.warn(nothing_changed(text, edited), stacklevel=2)
        return wave.copy()
    start, stop = locate_speech(model, mono, ids)
    speech = mono[start:stop]
    first = start // HOP
    part = log_mel_with_treble(mono * gain_to_model(speech))[first : stop // HOP + 1]
    recording = AlignedRecording(part, ids, aligner.align(part, ids))
    # The words' level is known when they are found: a chime may be louder.
    gain = gain_to_model(spoken_samples(recording, speech, model.config))
    mel = log_mel_with_treble(mono * gain)
    recording = replace(recording, mel=mel[first : stop // HOP + 1])
    warn_of_text(speech, ids, model.config, aligner)
    for change in changes:
        recording = fit_to_sound(change, recording, speech, model.config, model.infill_durations)
    margin_frames = round(margin / 1000 * FRAME_RATE)
    changes = merge_near(changes, ids, recording.frames, margin_frames, model.config.transformer.patch)
    # From the last to the first, so that what is before a change keeps its place.
    for number, change in reversed(list(enumerate(changes))):
        span = context_span(change, recording, pause_id(model.config))
        durations = predict_durations(model, change, recording, span, options.speed)
        prompt = make_edit_prompt(change, recording, durations, span, margin_frames, model.config)
        generated = model.generate_mels([prompt.prompt], [options.seed + number], options)[0]
        place = first + prompt.left, first + prompt.right
        ends = change.end >= len(ids) - 1
        wave = replace_speech(
            model, wave, sample_rate, gain, mel, place, generated[: prompt.stop - prompt.start], ends
        )
    return wave


def warn_of_text(speech: np.ndarray, ids: np.ndarray, config: ModelConfig, aligner: Aligner) -> None:
    """Warn if the symbols are probably not what is said in float32 [samples]."""
    fits = text_checker(config, aligner) if len(speech) <= CHECKED_SECONDS * SAMPLE_RATE else None
    symbols = "".join(config.text.vocab[symbol] for symbol in ids).strip()
    if fits is not None and not fits(match_level(speech), symbols):
        warnings.warn(
            "--text may not be what is said in the recording, and then other words change: write all that is "
            "said, as it is said, and nothing else",
            stacklevel=3,
        )


def gain_to_model(speech: np.ndarray) -> float:
    """The factor that brings float32 [samples] to the level of the model's speech."""
    return float(np.abs(match_level(speech)).max() / np.abs(speech).max())


def spoken_samples(recording: AlignedRecording, speech: np.ndarray, config: ModelConfig) -> np.ndarray:
    """The samples of the sounds, without silence and without what else is in a recording.

    The aligner gives other sounds, as a chime after the words, to the phone beside them; so only the first
    0.13 s of each count. All samples if there would be too few.

    speech: float32 [samples], of which `recording` is aligned.
    """
    ends = np.cumsum(recording.frames)
    parts = [
        speech[(end - count) * HOP : (end - count + min(count, SOUND_FRAMES)) * HOP]
        for end, count, symbol in zip(ends, recording.frames, recording.ids, strict=True)
        if config.text.vocab[symbol] not in SILENT
    ]
    spoken = np.concatenate([speech[:0], *parts])
    return spoken if np.abs(spoken).max(initial=0.0) > 0 else speech


def nothing_changed(text: str, edited: str) -> str:
    """What is said of two texts without a difference that can be heard."""
    if text.split() == edited.split():
        return "the recording stays as it is: the new text is the old one"
    return (
        "the recording stays as it is: the two texts are spoken alike (they differ only in capitals, spaces, "
        "silent marks or spelling)"
    )


def check_margin(margin: float) -> None:
    """Raise UserError if the margin, in milliseconds, is out of range."""
    number = isinstance(margin, numbers.Real) and not isinstance(margin, bool)
    if not (number and 0 <= margin <= MAX_MARGIN):
        raise UserError(f"--margin must be from 0 to {MAX_MARGIN:g} milliseconds, not {margin!r}")


def check_model(model: Backend) -> Aligner:
    """The model's aligner. Raises UserError if the model cannot edit."""
    if model.config.text.alignment != "durations" or model.aligner is None:
        raise UserError("this model cannot edit: it has no aligner, which finds the words in a recording")
    if model.config.transformer.mel_dim != N_MELS:
        bins = model.config.transformer.mel_dim
        raise UserError(f"this model cannot edit: its mel has {bins} bins instead of {N_MELS}")
    return model.aligner


def compare_texts(
    text: str, edited: str, config: ModelConfig, options: GenerateOptions
) -> tuple[np.ndarray, list[Change]]:
    """The ids of the text, int64 [symbols], and the changes that turn it into the edited text, in order."""
    check_language(options.lang, config.text.languages)
    language = options.lang or detect_language(text, spoken=config.text.languages)
    tokenizer = Tokenizer(config.text.kind, config.text.vocab)
    lexicon = open_lexicon(options.lexicon, tokenizer.ids)
    old, new = (read_text(words, tokenizer, language, lexicon) for words in (text, edited))
    return find_changes(*words_as_spoken(old, new), tokenizer, config)


def check_recording(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """A recording as the networks hear it, at its own level: float32 [samples], mono at 24 kHz.

    Raises:
        UserError: it is not a recording, is silent, or is longer than `MAX_SECONDS`.
    """
    whole = isinstance(sample_rate, numbers.Integral) and not isinstance(sample_rate, bool)
    if not whole or sample_rate < 1:
        raise UserError(f"the sample rate must be a whole number above 0, not {sample_rate!r}")
    if not isinstance(wave, np.ndarray):
        raise UserError(f"a recording must be a numpy array, not {type(wave).__name__}")
    if wave.ndim not in (1, 2) or not np.issubdtype(wave.dtype, np.floating) or not len(wave):
        raise UserError(
            f"a recording must be floating-point numbers [samples] or [samples, channels], not {wave.dtype} "
            f"{list(wave.shape)}"
        )
    if len(wave) > MAX_SECONDS * sample_rate:
        raise UserError(
            f"the recording lasts {len(wave) / sample_rate:.0f} s; at most {MAX_SECONDS:.0f} s can be edited "
            "at a time: split it"
        )
    mono = to_model_without_offset(wave, sample_rate)
    if not len(trim_silence(mono)):
        raise UserError("the recording is silent")
    return mono


def predict_durations(
    model: Backend, change: Change, recording: AlignedRecording, span: tuple[int, int], speed: float
) -> np.ndarray:
    """The durations of the new symbols, int64 [symbols] in frames, given those of the symbols around them.

    span: the symbols of the recording that are the context, see `context_span`.
    """
    if not len(change.ids):
        return np.zeros(0, np.int64)
    first, last = span
    ids = np.concatenate((recording.ids[first : change.start], change.ids, recording.ids[change.end : last]))
    begin = change.start - first
    new = (np.arange(len(ids)) >= begin) & (np.arange(len(ids)) < begin + len(change.ids))
    frames = np.zeros(len(ids), dtype=np.float32)
    frames[~new] = np.concatenate(
        (recording.frames[first : change.start], recording.frames[change.end : last])
    )
    return whole_frames(model.infill_durations(ids, frames, ~new)[new], speed, 1)


def replace_speech(
    model: Backend,
    wave: np.ndarray,
    sample_rate: int,
    gain: float,
    mel: np.ndarray,
    place: tuple[int, int],
    generated: np.ndarray,
    ends: bool,
) -> np.ndarray:
    """Decode the generated mel and splice it into the recording.

    Args:
        model: its vocoder is used.
        wave: [samples] or [samples, channels], changed after the edit's place only.
        sample_rate: of `wave`, in Hz.
        gain: from the level of `wave` to the model's level.
        mel: log-mel [frames, bins] of the recording.
        place: the frames [left, right) that are replaced.
        generated: log-mel [frames, bins].
        ends: whether these are the last words: the silence after them is the recording's.
    """
    left, right = place
    before, after = mel[max(0, left - CONTEXT_FRAMES) : left], mel[right : right + CONTEXT_FRAMES]
    new = model.decode(np.concatenate((before, generated, after)))
    begin, stop = len(before) * HOP, (len(before) + len(generated)) * HOP
    if ends:
        sound = begin + sound_end(new[begin:stop])
        stop = min(stop, sound + KEPT_SAMPLES) if sound > begin else stop
    return splice(
        wave,
        resample(new / gain, SAMPLE_RATE, sample_rate),
        (left * HOP / SAMPLE_RATE, None if right >= len(mel) else right * HOP / SAMPLE_RATE),
        (begin / SAMPLE_RATE, stop / SAMPLE_RATE),
        sample_rate,
    )
