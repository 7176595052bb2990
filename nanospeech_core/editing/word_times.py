"""When a recording says the words of its text: the times of its sentences, words and phones."""

from __future__ import annotations

import numpy as np

from ..audio.mel import HOP, SAMPLE_RATE
from ..audio.signal import match_level, true_runs
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.prompt import pause_id, with_pauses
from ..speech.speech import Speech
from ..synthesis.assembly import phones, timed_word
from ..synthesis.backend import Backend
from ..text.checks import check_text, nothing_to_speak
from ..text.document import Sentence
from ..text.language_detection import detect_language
from ..text.pronunciation.lexicon import open_lexicon
from ..text.pronunciation.markup import read_markup
from ..text.tokenizer import Tokenizer
from ..voices.alignment import alignment_lag, boundaries
from ..voices.reference import log_mel_with_treble
from .changes import Change, join_words
from .edit import check_model, check_recording
from .prompts import AlignedRecording
from .speech_span import BLOCK, SILENT_BLOCKS, fit_to_sound, is_loud, locate_speech


def word_times(
    model: Backend, wave: np.ndarray, text: str, sample_rate: int, options: GenerateOptions
) -> list[Speech]:
    """The sentences of a recording, with the times of their words and phones.

    Pauses, voices and rates that the text asks for are passed over: only its words are looked for.

    Args:
        model: a loaded model with an aligner.
        wave: the recording, [samples] or [samples, channels].
        text: what it says. It may give phonemes to words: `[tomato](/təˈmɑːtoʊ/)`.
        sample_rate: of `wave`, in Hz.
        options: `lang` and `lexicon` are read.
    Returns:
        for each sentence its part of the recording, float32 at 24 kHz, with the pause after it; times are in
        seconds since the recording began.
    Raises:
        UserError: the model has no aligner, or the text or the recording is invalid.
    """
    check_text(text, "--text")
    aligner = check_model(model)
    tokenizer = Tokenizer(model.config.text.kind, model.config.text.vocab)
    language = options.lang or detect_language(text)
    document = read_markup(text, tokenizer, open_lexicon(options.lexicon, tokenizer.ids))
    sentences = [part for part in tokenizer.read(document, language) if isinstance(part, Sentence)]
    if not sentences:
        raise nothing_to_speak(text)
    mono = check_recording(wave, sample_rate)
    pause = np.array([pause_id(model.config)])
    ids = with_pauses(join_words([sentence.ids for sentence in sentences], pause), model.config)
    start, stop = locate_speech(model, mono, ids)
    part = mono[start:stop]
    mel = log_mel_with_treble(match_level(part))
    if len(mel) < len(ids):
        raise UserError(
            f"the recording is too short for its text: {len(part) / SAMPLE_RATE:.1f} s for {len(ids)} symbols"
        )
    recording = AlignedRecording(mel, ids, aligner.align(mel, ids))
    recording = _fit_words(model, recording, part, sentences)
    edges = boundaries(recording.frames, len(part), alignment_lag(model.config)) + start
    return _speeches(sentences, mono, edges)


def _fit_words(
    model: Backend, recording: AlignedRecording, wave: np.ndarray, sentences: list[Sentence]
) -> AlignedRecording:
    """The alignment, in which words next to silence begin and end with their sound."""
    runs = true_runs(~is_loud(wave))
    runs = runs[runs[:, 1] - runs[:, 0] >= SILENT_BLOCKS] * BLOCK / HOP
    begins, offset = recording.begins(), 1
    for sentence in sentences:
        for word in sentence.words:
            first, last = offset + word.first, offset + word.last
            low, high = begins[first - 1], begins[min(last + 2, len(begins) - 1)]
            if ((runs[:, 1] >= low) & (runs[:, 0] <= high)).any():
                change = Change(first, last, recording.ids[:0])
                recording = fit_to_sound(change, recording, wave, model.config, model.infill_durations)
        offset += len(sentence.ids) + 1
    return recording


def _speeches(sentences: list[Sentence], mono: np.ndarray, edges: np.ndarray) -> list[Speech]:
    """The sentences as `Speech`. edges: where each symbol begins, and the end, in samples."""
    result, offset = [], 1
    for sentence in sentences:
        after = offset + len(sentence.ids) + 1  # behind the pause that follows each sentence
        symbols = [*sentence.symbols, " "]
        seconds = [int(edge) / SAMPLE_RATE for edge in edges[offset : after + 1]]
        words = []
        for word in sentence.words:
            written, spoken = sentence.written[word.start : word.end], symbols[word.first : word.last]
            words.append(timed_word(written, spoken, seconds[word.first : word.last + 1], word.place))
        wave = mono[int(edges[offset]) : int(edges[after])]
        said = tuple(phones(symbols, seconds))
        result.append(Speech(wave, sentence.written, seconds[0], seconds[-1], tuple(words), said))
        offset = after
    return result
