"""What of a lexicon is found in a text, and that its size makes no difference."""

import os
import random
import re
import time
import unicodedata

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.text.characters import HAN
from nanospeech_core.text.pronunciation.lexicon import Lexicon, open_lexicon
from nanospeech_core.text.pronunciation.markup import read_markup
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

TOKENIZER = Tokenizer("phonemes", SYMBOLS)
LETTER = rf"[^\W_{HAN}]"
WORDS = [
    "a",
    "A",
    "b",
    "can",
    "Can",
    "é",
    "É",
    "1",
    "重",
    "庆",
    "'",
    "’",
    "-",
    "_",
    ".",
    "@",
    "s",
    " ",
    " ",
    "\n",
]


def taken(text: str, entries: dict[str, str]) -> list[tuple[int, int, str]]:
    """What is found, without what begins in what is taken."""
    result = [(0, 0, "")]
    for place in Lexicon(entries).find(text):
        if place[0] >= result[-1][1]:
            result.append(place)
    return result[1:]


def expected(text: str, entries: dict[str, str]) -> list[tuple[int, int, str]]:
    """The same by one regular expression of all entries: the longest first, before it what is exact."""
    by_word = {single(word): phonemes for word, phonemes in entries.items()}
    words = sorted(by_word, key=lambda word: (-len(word), word == word.lower(), word))
    result = []
    for match in re.finditer("|".join(map(pattern, words)), text):
        word = single(match[0])
        result.append((*match.span(), by_word[word if word in by_word else word.lower()]))
    return result


def single(word: str) -> str:
    return " ".join(word.replace("’", "'").split())


def pattern(word: str) -> str:
    written = re.escape(word).replace(r"\ ", r"\s+").replace("'", "['’]")
    before = rf"(?<!{LETTER})(?<!\w['’])" if re.match(LETTER, word) else ""
    after = rf"(?!{LETTER})(?!['’](?!s\b)\w)(?!@|\.\w)" if re.match(LETTER, word[-1]) else ""
    return f"{before}{written if word != word.lower() else f'(?i:{written})'}{after}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_longest_entries_are_found(seed):
    rng, count = random.Random(seed), 0
    for _ in range(200):
        random_words = ("".join(rng.choices(WORDS, k=rng.randint(1, 4))) for _ in range(rng.randint(1, 8)))
        entries = {word: str(number) for number, word in enumerate(random_words) if word.strip()}
        parts = rng.choices(WORDS + 3 * list(entries), k=12)
        text = "".join(rng.choice([part, part, part.upper(), part.title()]) for part in parts)
        if entries:
            assert taken(text, entries) == expected(text, entries), (text, entries)
            count += len(expected(text, entries))
    assert count > 400


@pytest.mark.parametrize(
    ("text", "entries", "parts", "words"),
    [
        ("a [b](/ə/) c", {"a [b": "ə"}, ["ozubazub](/ə/) c"], ["a [b"]),  # what begins first
        ("[b](/ə/) c", {"[b]": "kˈaː"}, ["ozubazub c"], ["b"]),  # what is in the text
        ("Zubazub zubazub", {"zubazub z": "ə", "Zubazub": "ə"}, ["Ozubazub zubazub"], ["Zubazub"]),
        ("xzubazub\n\ny", {"y": "kˈaː"}, ["xzubazub\n\nzubazub"], ["y"]),
    ],
)
def test_what_is_taken_where_two_begin(text, entries, parts, words):
    document = read_markup(text, TOKENIZER, entries)
    assert [part.text for part in document.parts] == parts
    assert [word for word, _ in document.pronunciations.values()] == words


@pytest.mark.parametrize("entry", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_accents_apart_are_the_same_letters(entry, written):
    """As macOS writes them, in a text, an entry or both; places are those of the text."""
    text = unicodedata.normalize(written, "Zoë's  new\n café, é, cafés, Zoe.")
    entries = {unicodedata.normalize(entry, word): "ˈa" for word in ("Zoë", "new café", "é", "cafe")}
    found = [unicodedata.normalize("NFC", text[start:end]) for start, end, _ in taken(text, entries)]
    assert found == ["Zoë", "new\n café", "é"]


def test_one_entry_in_both_forms_is_twice_the_same(tmp_path):
    path = tmp_path / "words.tsv"
    path.write_text("Zo\u00eb\tˈa\nZoe\u0308\tˈa\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 2: there is already an entry"):
        open_lexicon(path, SYMBOLS)


def test_a_letter_similar_to_that_of_an_entry_is_not_one():
    for text in ("ſ", "ı", "İ"):
        assert read_markup(text, TOKENIZER, {"s": "ə", "i": "ə"}).pronunciations == {}


def make_entries(count: int) -> dict[str, str]:
    rng = random.Random(0)
    return {"".join(rng.choices("abcdefghij", k=9)): "təˈmɑːtoʊ" for _ in range(count)}


@pytest.mark.slow
def test_a_large_lexicon_is_quick(tmp_path):
    entries = make_entries(20_000)
    path = tmp_path / "words.tsv"
    path.write_text("".join(f"{word}\t{phonemes}\n" for word, phonemes in entries.items()), encoding="utf-8")
    text = " ".join([*entries][:100])
    for opened in (path, entries):
        started = time.process_time()
        for _ in range(20):
            assert (
                len(read_markup(text, TOKENIZER, open_lexicon(opened, TOKENIZER.ids)).pronunciations) == 100
            )
        assert time.process_time() - started < 3


def test_a_lexicon_is_opened_again_when_it_changes(tmp_path):
    path = tmp_path / "words.tsv"
    path.write_text("a\tə\n", encoding="utf-8")
    first = open_lexicon(path, TOKENIZER.ids)
    assert open_lexicon(path, TOKENIZER.ids) is first
    os.utime(path, (1, 1))
    assert open_lexicon(path, TOKENIZER.ids) is not first
    entries = {"a": "ə"}
    first = open_lexicon(entries, TOKENIZER.ids)
    assert open_lexicon(dict(entries), TOKENIZER.ids) is first
    entries["b"] = "ə"
    assert len(open_lexicon(entries, TOKENIZER.ids)) == 2


@pytest.mark.parametrize("lexicon", [{"": "a"}, {" ": "a"}, {"hi": None}, {5: "a"}])
def test_a_lexicon_of_other_things(lexicon):
    with pytest.raises(UserError, match="^lexicon: an entry must be a word and its phonemes, not "):
        open_lexicon(lexicon, TOKENIZER.ids)
