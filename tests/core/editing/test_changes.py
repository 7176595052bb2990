"""The differences between two texts, in symbols."""

import numpy as np
import pytest
from checkpoints import tiny_config

from nanospeech_core.editing.changes import Change, find_changes, merge_near, read_text, words_as_spoken
from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

CONFIG = tiny_config()
TOKENIZER = Tokenizer("phonemes", SYMBOLS)


def changes_of(old: str, new: str) -> tuple[np.ndarray, list[Change]]:
    return find_changes(old.split(), new.split(), TOKENIZER, CONFIG)


def spoken(ids: np.ndarray) -> str:
    return "".join(SYMBOLS[i] for i in ids)


def applied(ids: np.ndarray, changes: list[Change]) -> np.ndarray:
    for change in reversed(changes):
        ids = np.concatenate((ids[: change.start], change.ids, ids[change.end :]))
    return ids


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ab cd ef", "ab xyz ef", [("cd", "xyz")]),
        ("ab cd ef", "ab ef", [("cd ", "")]),
        ("ab cd ef", "ab cd", [(" ef", "")]),
        ("ab cd ef", "cd ef", [("ab ", "")]),
        ("ab cd", "ab xy cd", [("", "xy ")]),
        ("ab cd", "xy ab cd", [("", "xy ")]),
        ("ab cd", "ab cd xy", [("", " xy")]),
        ("ab cd ef kh", "xy cd kh ij", [("ab", "xy"), ("ef ", ""), ("", " ij")]),
        ("ab", "xy z", [("ab", "xy z")]),
        ("ab, cd", "ab cd", [("ab,", "ab")]),
        ("ˈab cd", "aˌb cd", []),
        ("ab ab ab", "ab ab ab", []),
    ],
)
def test_changes(old, new, expected):
    ids, changes = changes_of(old, new)
    assert spoken(ids) == f" {old} "
    assert [(spoken(ids[c.start : c.end]), spoken(c.ids)) for c in changes] == expected


def test_changes_make_of_one_text_the_other():
    rng = np.random.default_rng(0)
    for _ in range(300):
        old, new = (rng.choice(["ab", "c", "def", "kh,"], rng.integers(1, 9)).tolist() for _ in range(2))
        ids, changes = find_changes(old, new, TOKENIZER, CONFIG)
        assert spoken(applied(ids, changes)) == f" {' '.join(new)} "
        frames = rng.integers(1, 9, len(ids))
        merged = merge_near(changes, ids, frames, margin=1, patch=1)
        assert spoken(applied(ids, merged)) == f" {' '.join(new)} "
        between = [frames[a.end : b.start].sum() for a, b in zip(merged, merged[1:], strict=False)]
        assert all(count >= 10 + 4 + 2 for count in between)
        assert bool(changes) == (old != new)


def words_of(text: str, lexicon=None) -> list[str]:
    return read_text(text, TOKENIZER, "en-us", lexicon).symbols.split()


def test_words_with_phonemes():
    given = "say [tomato](/təmˈɑːɾoʊ/) now"
    plain, mine = (words_of(text) for text in ("say tomato now", given))
    assert mine == [plain[0], "təmˈɑːɾoʊ", *plain[2:]] and mine != plain
    assert words_of("say tomato now", {"tomato": "təmˈɑːɾoʊ"}) == mine
    with pytest.raises(UserError, match="leave out SSML, .pause."):
        words_of("say [pause 0.5] now")


def changed(old: str, new: str) -> list[tuple[str, str]]:
    """The changed words of two English texts, as symbols."""
    texts = (read_text(text, TOKENIZER, "en-us") for text in (old, new))
    ids, changes = find_changes(*words_as_spoken(*texts), TOKENIZER, CONFIG)
    return [
        (
            spoken(ids[c.start : c.end]).translate({ord(m): None for m in "ˈˌ"}),
            spoken(c.ids).translate({ord(m): None for m in "ˈˌ"}),
        )
        for c in changes
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I want to be free.", "I want TO BE free."),
        ("I want TO BE free.", "I want to be free."),
        ("He told us so.", "He told US so."),
        ("It was us.", "IT WAS US."),
        ("Hello there, you.", "hello  There, YOU."),
        ("“To be,” he said.", "“TO BE,” he said."),
    ],
)
def test_capitals_alone_change_nothing(old, new):
    assert changed(old, new) == []


def test_accents_apart_change_nothing():
    old = read_text("We met Zo\u00eb at the caf\u00e9.", TOKENIZER, "en-us")
    new = read_text("We met Zoe\u0308 at the CAFE\u0301.", TOKENIZER, "en-us")
    before, after = words_as_spoken(old, new)
    assert before == after


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("It was us.", "It was us!", [("ʌs.", "ʌs!")]),
        ("It was us.", "It was US!", [("ʌs.", "ʌs!")]),
        ("It was us.", "It was US and them.", [("ʌs.", "ʌs ænd ðɛm.")]),
        ("I have 25 dogs.", "I have 26 dogs.", [("twɛntifaɪv", "twɛntisɪks")]),
        ("I have 5 dogs.", "I have five dogs.", []),
        ("We were here, now.", "We WERE here now.", [("hɪɹ,", "hɪɹ")]),
    ],
)
def test_marks_and_words_count(old, new, expected):
    assert changed(old, new) == expected
