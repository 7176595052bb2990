"""From waveforms to speech: with pauses, and the times of words and phones, to a frame."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..audio.crossfade import fade
from ..audio.mel import SAMPLE_RATE
from ..audio.signal import sound_begin, sound_end
from ..config import ModelConfig
from ..speech.speech import Phone, Speech, Word
from ..text.symbols import SILENT, STRESS
from ..voices.alignment import alignment_lag, boundaries
from .frontend import PreparedText
from .joints import Joiner, joint_sample
from .pauses import fit_pauses, lead_samples, tail_samples
from .segments import SegmentJob
from .utterances import Utterance

_JOINED = frozenset("ːʰʲᵝ\u0303↓→↗↘")  # part of the phone before


class SpeechAssembler:
    """Puts pauses around waveforms and gives times to words, segment by segment.

    text: the spoken text.
    streaming: whether the speech is played while it is generated; it then begins with its first sound.
    standalone: False: the speech is a part of something longer, with as much silence at its ends as between
        two utterances.
    """

    def __init__(
        self, text: PreparedText, config: ModelConfig, streaming: bool = False, standalone: bool = True
    ):
        self.text = text
        self.config = config
        self.streaming = streaming
        self.standalone = standalone
        self.samples = 0  # of the speech so far
        self._joiner = Joiner()

    def assemble(self, job: SegmentJob, wave: np.ndarray) -> Speech:
        """The speech of the next segment, whose waveform is float32 [samples]."""
        (speech,) = self.assemble_chunks(job, [wave], len(wave))
        return speech

    def assemble_chunks(
        self, job: SegmentJob, chunks: Iterable[np.ndarray], samples: int
    ) -> Iterator[Speech]:
        """The speech of the next segment, chunk by chunk; the first one has its text, words and phones.

        A segment's last sound ends sooner than the predicted duration of its last phone. Its end is measured
        in the waveform, so that a pause has exactly the requested length; so are its beginning and the pauses
        inside, unless there are several chunks. The phones of the first of several cannot use that yet.

        Args:
            job: the segment.
            chunks: float32 [samples] each, as the vocoder decodes them; each is taken when it is needed.
            samples: of all chunks.
        """
        utterance = job.segment.utterance
        begins = self.samples == 0 and self.standalone
        ends = job.ends_text and self.standalone
        # Whether it goes on from the segment before, and the next segment from it.
        continued, continues = bool(utterance.context_before), bool(utterance.context_after)
        symbols = [self.config.text.vocab[i] for i in job.segment.ids.tolist()]
        edges = np.array([0, samples])
        sounds = [0]  # the symbols that are no silence
        cut_start, cut_stop = 0, samples  # without the context
        if self._timed:
            edges = boundaries(job.segment.durations, samples, alignment_lag(self.config))
            part = job.segment.part
            if continued:
                cut_start = joint_sample(symbols, edges, part.start)
            if continues:
                cut_stop = joint_sample(symbols, edges, part.stop - 1)
            edges = np.clip(edges[part.start : part.stop + 1], cut_start, cut_stop) - cut_start
            symbols, samples = symbols[part], cut_stop - cut_start
            sounds = [k for k, symbol in enumerate(symbols) if symbol not in SILENT]
        heard = self._joiner.join(chunks, cut_start, cut_stop, continues)
        first_chunk = next(heard)
        if len(first_chunk) == samples and self._timed:
            first_chunk, edges = fit_pauses(first_chunk, edges, utterance.pauses)
            samples = len(first_chunk)
        if len(first_chunk) == samples and not continued:
            measured = sound_begin(first_chunk)
            edges[sounds[0]] = np.clip(measured, edges[sounds[0]], edges[sounds[0] + 1])
        if len(first_chunk) == samples and not continues:
            measured = sound_end(first_chunk)
            edges[sounds[-1] + 1] = np.clip(measured, edges[sounds[-1]], edges[sounds[-1] + 1])
        first_sound, last_sound = int(edges[sounds[0]]), int(edges[sounds[-1] + 1])
        # Silence to be added at the two ends; below 0: to be cut off.
        before = after = 0
        if not continued:
            before = lead_samples(utterance.lead, first_sound, begins, self.streaming) - first_sound
        if not continues:
            after = self._added_tail(utterance.tail, samples - last_sound, ends)
        length = samples + before + after

        begin = self.samples / SAMPLE_RATE
        content = self._content(job, symbols, edges + before, length)
        silence, done = np.zeros(max(0, before), np.float32), 0
        rise = not continued and (self.samples > 0 or before != 0)
        for chunk in itertools.chain([first_chunk], heard):
            done += len(chunk)
            stop = samples
            if done == samples:
                if len(chunk) < samples and not continues:
                    last_sound = min(last_sound, done - len(chunk) + sound_end(chunk))
                    after = max(self._added_tail(utterance.tail, samples - last_sound, ends), -len(chunk))
                    length = samples + before + after
                stop = samples - max(0, -after)
            kept = chunk[max(0, len(chunk) - done - before) : max(0, len(chunk) - done + stop)]
            fall = done == samples and not continues and (not job.ends_text or after != 0)
            parts = [silence, fade(kept, rise, fall)]
            if len(kept):
                silence, rise = silence[:0], False
            if done == samples:
                parts.append(np.zeros(max(0, after), np.float32))
            wave = np.concatenate(parts)
            if len(kept) or (done == samples and len(wave)):
                start = self.samples / SAMPLE_RATE
                self.samples += len(wave)
                text, words, phones_of_all = content
                yield Speech(wave, text, start, begin + length / SAMPLE_RATE, words, phones_of_all)
                content = ("", (), ())

    @property
    def _timed(self) -> bool:
        return self.config.text.alignment == "durations"

    def _added_tail(self, requested: int | None, natural: int, last: bool) -> int:
        return tail_samples(requested, natural, last) - natural

    def _content(
        self, job: SegmentJob, symbols: list[str], edges: np.ndarray, length: int
    ) -> tuple[str, tuple[Word, ...], tuple[Phone, ...]]:
        """The text, the words and the phones of a segment.

        Args:
            job: the segment.
            symbols: its symbols.
            edges: int64 [symbols + 1], where each begins, and the end; in samples from the segment's begin.
            length: of the segment, in samples.
        """
        utterance = job.segment.utterance
        if not self._timed:
            return utterance.text, (), ()
        edges = np.clip(edges, 0, length)
        edges[0], edges[-1] = 0, length
        begin = self.samples / SAMPLE_RATE
        seconds = [begin + int(edge) / SAMPLE_RATE for edge in edges]
        text, words = utterance_words(utterance, symbols, seconds)
        return text, tuple(words), tuple(phones(symbols, seconds))


def utterance_words(utterance: Utterance, symbols: list[str], seconds: list[float]) -> tuple[str, list[Word]]:
    """The text and the words of an utterance, or of the part of a sentence that it is.

    Args:
        utterance: the utterance.
        symbols: its symbols.
        seconds: where each symbol begins, and the end.
    """
    places = [(word.first - utterance.offset, word.last - utterance.offset) for word in utterance.words]
    inside = [
        (word, first, last)
        for word, (first, last) in zip(utterance.words, places, strict=True)
        if 1 <= first and last < len(symbols)
    ]
    words = []
    for word, first, last in inside:
        written = utterance.text[word.start : word.end]
        words.append(timed_word(written, symbols[first:last], seconds[first : last + 1], word.place))
    if len(inside) == len(utterance.words):
        return utterance.text, words
    return utterance.text[inside[0][0].start : inside[-1][0].end] if inside else "", words


def timed_word(
    written: str, symbols: Sequence[str], seconds: Sequence[float], place: tuple[int, int]
) -> Word:
    """A word with its phones, without the marks around it.

    Args:
        written: the word as it is written.
        symbols: that speak it.
        seconds: where each symbol begins, and the end.
        place: of the word, in the text that the user gave.
    """
    sounds = tuple(phone for phone in phones(symbols, seconds) if phone.text not in SILENT)
    return Word(written, seconds[0], seconds[-1], sounds, place)


def phones(symbols: Sequence[str], seconds: Sequence[float]) -> list[Phone]:
    """Symbols as phones: stress marks are joined to the next symbol, length and tone marks to the one before.

    seconds: where each symbol begins, and the end.
    """
    result: list[Phone] = []
    stress, start = "", 0.0
    for symbol, begin, end in zip(symbols, seconds, seconds[1:], strict=False):
        if symbol in STRESS:
            stress, start = stress + symbol, start if stress else begin
        elif symbol in _JOINED and result and not stress:
            result[-1] = Phone(result[-1].text + symbol, result[-1].start, end)
        else:
            result.append(Phone(stress + symbol, start if stress else begin, end))
            stress = ""
    if stress:
        result.append(Phone(stress, start, seconds[-1]))
    return result
