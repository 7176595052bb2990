"""From waveforms to speech: with pauses, and the times of words and phones, to a frame."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..audio.crossfade import fade
from ..audio.mel import SAMPLE_RATE
from ..audio.signal import sound_end
from ..config import ModelConfig
from ..text.pronunciation.markup import GivenPronunciation, count_stand_ins, restore_words
from ..text.symbols import SILENT, STRESS
from ..text.word_alignment import align_words
from ..voices.alignment import alignment_lag, boundaries
from .frontend import PlacedSentence, PreparedText
from .joints import Joiner, joint_sample
from .pauses import lead_samples, tail_samples
from .segments import SegmentJob

_JOINED = frozenset("ːʰʲᵝ\u0303↓→↗↘")  # part of the phone before


class Phone(NamedTuple):
    """A phone, a mark or a pause (" "); seconds since the speech began."""

    text: str
    start: float
    end: float


class Word(NamedTuple):
    """A word as it is written, with the marks around it; seconds since the speech began."""

    text: str
    start: float
    end: float
    phones: tuple[Phone, ...]


@dataclass(frozen=True, eq=False)
class Speech:
    """A spoken segment, or a chunk of one; the waves of all, concatenated, are the whole speech.

    The first chunk of a segment has the text, the words and the phones of the segment; the others have none.

    phones: without a gap from the beginning to the end of the wave. Both phones and words are () if the model
    has no durations (config `text.alignment`).
    """

    wave: np.ndarray  # float32 [samples], with the pauses around it
    text: str
    start: float  # of the wave, in seconds since the speech began
    end: float  # of the segment
    words: tuple[Word, ...] = ()
    phones: tuple[Phone, ...] = ()
    sample_rate: int = SAMPLE_RATE


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
        in the waveform, so that a pause has exactly the requested length. With several chunks, the phones
        of the first one cannot use that yet.

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
        symbols = [self.config.text.vocab[i] for i in job.segment.ids]
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
        sentences = self.text.sentences[job.utterance_number]
        if not self._timed:
            return " ".join(restore_words(s.sentence.written, s.given) for s in sentences), (), ()
        edges = np.clip(edges, 0, length)
        edges[0], edges[-1] = 0, length
        begin = self.samples / SAMPLE_RATE
        seconds = [begin + int(edge) / SAMPLE_RATE for edge in edges]
        text, words = self._words(sentences, job.segment.utterance.offset, symbols, seconds)
        return text, tuple(words), tuple(phones(symbols, seconds))

    def _words(
        self, sentences: list[PlacedSentence], offset: int, symbols: list[str], seconds: list[float]
    ) -> tuple[str, list[Word]]:
        """The text and the words of a segment, which begins at symbol `offset` of its sentences."""
        tokenizer, language = self.text.tokenizer, self.text.language
        texts: list[str] = []
        words: list[Word] = []
        for placed in sentences:
            spoken_words = iter(placed.given)
            written_given = iter(placed.given)

            def symbols_of(word: str, given: Iterator[GivenPronunciation] = spoken_words) -> str:
                if count_stand_ins(word):
                    return " ".join(next(given).phonemes for _ in range(count_stand_ins(word)))
                return tokenizer.symbols(word, language)

            def as_typed(word: str, given: Iterator[GivenPronunciation] = written_given) -> str:
                return restore_words(word, [next(given) for _ in range(count_stand_ins(word))])

            sentence = placed.sentence
            text, spans = align_words(sentence.written, sentence.text, sentence.symbols, symbols_of, as_typed)
            places = [(placed.start + s.first - offset, placed.start + s.last - offset) for s in spans]
            inside = [
                (span, place)
                for span, place in zip(spans, places, strict=True)
                if 1 <= place[0] and place[1] < len(symbols)
            ]
            if not inside:
                continue
            whole = len(inside) == len(spans)
            texts.append(text if whole else text[inside[0][0].start : inside[-1][0].end])
            for span, (first, last) in inside:
                own = phones(symbols[first:last], seconds[first : last + 1])
                sounds = tuple(phone for phone in own if phone.text not in SILENT)
                words.append(Word(text[span.start : span.end], seconds[first], seconds[last], sounds))
        return " ".join(texts), words


def phones(symbols: list[str], seconds: list[float]) -> list[Phone]:
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
