"""Cutting aligned recordings: where, and what becomes of symbols, durations and texts."""

import numpy as np

from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_torch.prepare.cutting import (
    KEPT,
    Piece,
    find_pieces,
    piece_durations,
    text_between,
    text_spaces,
)

LAG = 5


def timed(*words: tuple[str, int]) -> tuple[str, np.ndarray, list[int]]:
    """Phonemes of 10 frames, durations and spaces of words with the silence after each."""
    phonemes, frames = "", [60]
    for word, pause in words:
        phonemes += f"{word} "
        frames += [*[10] * len(word), pause]
    spaces = [i for i, symbol in enumerate(phonemes[:-1]) if symbol == " "]
    return phonemes[:-1], np.array(frames), spaces


def test_a_short_recording_is_one_piece():
    phonemes, durations, spaces = timed(("ab", 30), ("cd", 20))
    total = int(durations.sum())
    piece = Piece(0, 5, 60 - LAG - KEPT, total)
    assert find_pieces(durations, phonemes, spaces, LAG, 1e9) == [piece]  # 20 frames at the end may stay
    assert piece_durations(durations, piece, total - piece.begin) == [KEPT + LAG, 10, 10, 30, 10, 10, 20]


def test_silence_at_both_ends_is_cut():
    phonemes, durations, spaces = timed(("ab", 900))
    durations[0] = 900
    (piece,) = find_pieces(durations, phonemes, spaces, LAG, 1e9)
    assert (piece.begin, piece.end) == (900 - LAG - KEPT, 920 - LAG + KEPT)
    found = piece_durations(durations, piece, piece.end - piece.begin + 1)
    assert found == [KEPT + LAG, 10, 10, KEPT - LAG + 1]


def test_it_is_split_at_the_longest_pauses():
    phonemes, durations, spaces = timed(("a" * 9, 20), ("b" * 9, 40), ("c" * 9, 20), ("d" * 9, 5))
    pieces = find_pieces(durations, phonemes, spaces, LAG, 260)
    assert [phonemes[p.first : p.last] for p in pieces] == ["a" * 9 + " " + "b" * 9, "c" * 9 + " " + "d" * 9]
    first, second = pieces
    silence = 60 + 90 + 20 + 90 - LAG  # in the waveform
    assert (first.end, second.begin) == (silence + 20, silence + 20)
    for piece in pieces:
        frames = piece.end - piece.begin + 1
        found = piece_durations(durations, piece, frames)
        assert len(found) == piece.last - piece.first + 2 and sum(found) == frames and min(found) >= 1
        assert found[1:10] == [10] * 9  # no phoneme moves


def test_no_pause_and_pauses_within_a_word():
    phonemes, durations, spaces = timed(("a" * 9, 8), ("b" * 9, 30), ("c" * 9, 5))
    assert find_pieces(durations, phonemes, spaces[:1], LAG, 260) is None  # 8 frames are no pause
    assert len(find_pieces(durations, phonemes, spaces, LAG, 260)) == 2
    assert find_pieces(durations, phonemes, [], LAG, 260) is None


def test_short_pieces_are_avoided():
    """Of two places, the one with the longer pause would leave half a second."""
    phonemes, durations, spaces = timed(("a" * 4, 40), ("b" * 25, 30), ("c" * 25, 5))
    pieces = find_pieces(durations, phonemes, spaces, LAG, 420)
    assert [p.first for p in pieces] == [0, 31]


def test_texts_of_the_pieces():
    text = 'Chapter 2 cost $3.50, he said. "Really?" she asked; nobody knew.'
    sentences = Tokenizer("phonemes", SYMBOLS).sentences(text, "en-us")
    phonemes = " ".join(sentence.symbols for sentence in sentences)
    spaces = text_spaces(sentences)
    assert all(phonemes[i] == " " for i in spaces)
    parts = [text_between(sentences, 0, i) for i in spaces]
    assert parts == sorted(set(parts), key=len)  # one word more each time: "$3.50," is one word
    assert parts[:4] == ["Chapter", "Chapter 2", "Chapter 2 cost", "Chapter 2 cost $3.50,"]
    for i, before in zip(spaces, parts, strict=True):
        assert f"{before} {text_between(sentences, i + 1, len(phonemes))}" == text
