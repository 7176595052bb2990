"""Speech with its times: which word and which phone is said when, to a frame, and the silence asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..audio.files import fade
from ..audio.mel import HOP, SAMPLE_RATE
from ..config import ModelConfig
from ..text.markup import count_stand_ins, restore_words
from ..text.symbols import SILENT, STRESS
from ..text.word_alignment import align_words
from ..voices.alignment import alignment_lag, boundaries
from .frontend import Said, Script
from .segments import Piece

LEAD_SECONDS = 0.06  # of the silence before a stream's first sound that are kept
GAP_SECONDS = (0.5, 0.1)  # between sentences, after the last sound of one and before the first of the next
QUIET = 1e-3  # root mean square of 10 ms that are silent; the embedded model's silence is below 3e-4

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
    """A sentence, spoken, or a chunk of one; the waves of all, concatenated, are the whole speech.

    The first chunk of a sentence has the text, the words and the phones of all of it, the others have none.

    phones: without a gap from the beginning to the end of the wave; () with words () where the model does not
    know when it says what (config `text.alignment`).
    """

    wave: np.ndarray  # float32 [samples], the pause after it included
    text: str
    start: float  # of the wave, in seconds since the speech began
    end: float  # of the sentence
    words: tuple[Word, ...] = ()
    phones: tuple[Phone, ...] = ()
    sample_rate: int = SAMPLE_RATE


class Narration:
    """Puts pauses around waves and times to words, piece by piece.

    live: whether the speech is heard while it is made; it then begins with its first sound.
    within: whether it is a part of something longer; there is then as much silence at its ends as between
        sentences.
    """

    def __init__(self, script: Script, config: ModelConfig, live: bool = False, within: bool = False):
        self.script, self.config, self.live, self.within = script, config, live, within
        self.samples = 0  # of the speech so far

    def tell(self, piece: Piece, wave: np.ndarray, number: int, last: bool) -> Speech:
        """The next piece, whose wave float32 [samples] is there; the rest as in `tell_chunks`."""
        (speech,) = self.tell_chunks(piece, [wave], len(wave), number, last)
        return speech

    def tell_chunks(
        self, piece: Piece, chunks: Iterable[np.ndarray], samples: int, number: int, last: bool
    ) -> Iterator[Speech]:
        """The next piece, chunk by chunk: the first tells text, words and phones of all of it.

        A piece's last sound ends sooner than its last phone was predicted to: where it does is heard from the
        wave, so that a pause has the length asked for. Of several chunks, the first cannot know that yet.

        Args:
            piece: of line `number` of the script.
            chunks: float32 [samples] each, what the vocoder makes of it; they are asked for one by one.
            samples: of all chunks.
            last: whether nothing follows.
        """
        said = self.script.said[number]
        symbols = [self.config.text.vocab[i] for i in piece.line.ids]
        timed = self.config.text.alignment == "durations"
        edges = (
            boundaries(piece.frames, samples, alignment_lag(self.config)) if timed else np.array([0, samples])
        )
        sounds = [k for k, symbol in enumerate(symbols) if symbol not in SILENT] if timed else [0]
        chunks = iter(chunks)
        begun = next(chunks)
        ending = sounds[-1] + 1
        if len(begun) == samples:
            edges[ending] = np.clip(sound_end(begun), edges[sounds[-1]], edges[ending])
        first, final = int(edges[sounds[0]]), int(edges[ending])
        before = self._lead(piece, first) - first  # silence to be put there; below 0: to be cut off
        after = self._tail(piece, last, samples - final)
        length = samples + before + after

        begin = self.samples / SAMPLE_RATE
        if timed:
            edges = np.clip(edges + before, 0, length)
            edges[0], edges[-1] = 0, length
            seconds = [begin + int(edge) / SAMPLE_RATE for edge in edges]
            text, words = self._words(said, piece.line.start, symbols, seconds)
            told = (text, tuple(words), tuple(phones(symbols, seconds)))
        else:
            told = (self._text(said), (), ())
        silence, done, rise = np.zeros(max(0, before), np.float32), 0, self.samples > 0 or before != 0
        for chunk in itertools.chain([begun], chunks):
            done += len(chunk)
            stop = samples
            if done == samples:
                if len(chunk) < samples:
                    final = min(final, done - len(chunk) + sound_end(chunk))
                    after = max(self._tail(piece, last, samples - final), -len(chunk))
                    length = samples + before + after
                stop = samples - max(0, -after)
            kept = chunk[max(0, len(chunk) - done - before) : max(0, len(chunk) - done + stop)]
            fall = done == samples and (not last or after != 0)
            parts = [silence, fade(kept, rise, fall)]
            if len(kept):
                silence, rise = silence[:0], False
            if done == samples:
                parts.append(np.zeros(max(0, after), np.float32))
            wave = np.concatenate(parts)
            if len(kept) or (done == samples and len(wave)):
                start = self.samples / SAMPLE_RATE
                self.samples += len(wave)
                yield Speech(wave, told[0], start, begin + length / SAMPLE_RATE, *told[1:])
                told = ("", (), ())

    def _lead(self, piece: Piece, natural: int) -> int:
        """Samples of silence before the first word of a piece that has `natural` of its own."""
        if piece.line.lead is not None:
            return piece.line.lead * HOP
        if self.samples or self.within:
            return round(GAP_SECONDS[1] * SAMPLE_RATE)
        return min(natural, round(LEAD_SECONDS * SAMPLE_RATE)) if self.live else natural

    def _tail(self, piece: Piece, last: bool, natural: int) -> int:
        """Samples to be put (below 0: cut off) after a piece that ends with `natural` of silence."""
        if piece.line.tail is not None:
            return piece.line.tail * HOP - natural
        return 0 if last and not self.within else round(GAP_SECONDS[0] * SAMPLE_RATE) - natural

    def _text(self, said: list[Said]) -> str:
        return " ".join(restore_words(part.sentence.written, part.given) for part in said)

    def _words(
        self, said: list[Said], skipped: int, symbols: list[str], seconds: list[float]
    ) -> tuple[str, list[Word]]:
        """The text and the words of a line, of which `skipped` symbols were spoken in the piece before."""
        tokenizer, language = self.script.tokenizer, self.script.language
        texts: list[str] = []
        words: list[Word] = []
        for part in said:
            replaced = iter(part.given)  # of spoken words; the written ones have their own

            def read(word: str, replaced=replaced) -> str:
                if count_stand_ins(word):
                    return " ".join(next(replaced).phonemes for _ in range(count_stand_ins(word)))
                return tokenizer.symbols(word, language)

            written = iter(part.given)

            def shown(word: str, written=written) -> str:
                return restore_words(word, [next(written) for _ in range(count_stand_ins(word))])

            sentence = part.sentence
            text, spans = align_words(sentence.written, sentence.text, sentence.symbols, read, shown)
            places = [(part.start + s.first - skipped, part.start + s.last - skipped) for s in spans]
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


def sound_end(wave: np.ndarray) -> int:
    """Where the last sound of float32 [samples] ends, to 10 ms; 0 where all is silent."""
    size = SAMPLE_RATE // 100
    blocks = wave[: len(wave) // size * size].reshape(-1, size)
    loud = np.flatnonzero(np.square(blocks).mean(axis=1) > QUIET**2)
    if len(wave) % size and np.square(wave[len(blocks) * size :]).mean() > QUIET**2:
        return len(wave)
    return size * (int(loud[-1]) + 1) if len(loud) else 0


def phones(symbols: list[str], seconds: list[float]) -> list[Phone]:
    """Symbols as phones: stress joined to what follows, length and tone to what is before.

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
