"""Speech with its times: which word and which phone is said when, to a frame, and the silence asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .audio import PAUSE_SECONDS, fade
from .config import ModelConfig
from .markup import count_given, written_words
from .mel import HOP, SAMPLE_RATE
from .pieces import Piece, boundaries, lag
from .speech import Said, Script
from .words import SILENT, STRESS, find_words

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
    """A sentence, spoken; the waves of all, concatenated, are the whole speech.

    phones: without a gap from the beginning to the end of the wave; () with words () where the model does not
    know when it says what (config `text.alignment`).
    """

    wave: np.ndarray  # float32 [samples], the pause after it included
    text: str
    start: float  # seconds since the speech began
    words: tuple[Word, ...] = ()
    phones: tuple[Phone, ...] = ()
    sample_rate: int = SAMPLE_RATE

    @property
    def end(self) -> float:
        return self.start + len(self.wave) / self.sample_rate


class Narration:
    """Puts pauses around waves and times to words, piece by piece."""

    def __init__(self, script: Script, config: ModelConfig):
        self.script, self.config = script, config
        self.samples = 0  # of the speech so far

    def tell(self, piece: Piece, wave: np.ndarray, number: int, last: bool) -> Speech:
        """The next piece.

        Args:
            piece: of line `number` of the script.
            wave: float32 [samples], what the vocoder made of it.
            last: whether nothing follows.
        """
        said = self.script.said[number]
        symbols = [self.config.text.vocab[i] for i in piece.line.ids]
        timed = self.config.text.alignment == "durations"
        edges = boundaries(piece.frames, len(wave), lag(self.config)) if timed else np.array([0, len(wave)])
        sounds = [k for k, symbol in enumerate(symbols) if symbol not in SILENT] if timed else [0]
        first, final = edges[sounds[0]], edges[sounds[-1] + 1]
        line = piece.line
        before = 0 if line.lead is None else line.lead * HOP - first
        after = 0 if line.tail is None else line.tail * HOP - (len(wave) - final)
        if line.tail is None and not last:
            after = round(PAUSE_SECONDS * SAMPLE_RATE)
        kept = wave[max(0, -before) : len(wave) - max(0, -after)]
        kept = fade(kept, self.samples > 0 or before != 0, not last or after != 0)
        silence = [np.zeros(max(0, length), np.float32) for length in (before, after)]
        whole = np.concatenate((silence[0], kept, silence[1]))

        begin = self.samples / SAMPLE_RATE
        self.samples += len(whole)
        if not timed:
            return Speech(whole, self._text(said), begin)
        edges = np.clip(edges + before, 0, len(whole))
        edges[0], edges[-1] = 0, len(whole)
        seconds = [begin + int(edge) / SAMPLE_RATE for edge in edges]
        text, words = self._words(said, line.start, symbols, seconds)
        return Speech(whole, text, begin, tuple(words), tuple(phones(symbols, seconds)))

    def _text(self, said: list[Said]) -> str:
        return " ".join(written_words(part.sentence.written, part.given) for part in said)

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
                if count_given(word):
                    return " ".join(next(replaced).phonemes for _ in range(count_given(word)))
                return tokenizer.symbols(word, language)

            written = iter(part.given)

            def shown(word: str, written=written) -> str:
                return written_words(word, [next(written) for _ in range(count_given(word))])

            sentence = part.sentence
            text, spans = find_words(sentence.written, sentence.text, sentence.symbols, read, shown)
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
