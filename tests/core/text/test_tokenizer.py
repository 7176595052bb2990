"""Text to sentences, symbols and ids, and characters that cannot be spoken."""

import json
import threading
import time
import unicodedata
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from text_stages import phonemize

from nanospeech_core.errors import UserError
from nanospeech_core.text.document import Document
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer


def tokenizer(kind: str = "phonemes", vocab=SYMBOLS) -> tuple[Tokenizer, list[str]]:
    reports: list[str] = []
    return Tokenizer(kind, vocab, reports.append), reports


def test_encode_gives_positions():
    ids = tokenizer()[0].encode("a b")
    assert ids.dtype == np.int64
    assert [SYMBOLS[i] for i in ids] == ["a", " ", "b"]


def test_unknown_symbols_are_skipped_and_reported_once():
    ids, reports = tokenizer(vocab="abc")
    assert ids.encode("axbxc").tolist() == [0, 1, 2]
    assert ids.encode("x").tolist() == []
    assert len(reports) == 1 and '"x" (U+0078)' in reports[0]


def test_unknown_symbols_warn_by_default():
    with pytest.warns(UserWarning, match="is skipped"):
        Tokenizer("characters", "ab").encode("a?")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Tokenizer("phonemes", SYMBOLS).sentences("Nothing unknown is here, is it?")


def test_what_english_cannot_speak_is_skipped_not_named():
    ids, reports = tokenizer()
    (sentence,) = ids.sentences("I love タワ 😊 and Привет, naïve café.")
    assert sentence.symbols == ids.sentences("I love and, naïve café.")[0].symbols.replace(",", " ,", 1)
    assert [report[1] for report in reports] == [*"タワ😊Приве", "т"]


def test_characters_are_kept_as_they_are():
    ids, reports = tokenizer("characters", "abcdefghijklmnopqrstuvwxyz ")
    assert [s.symbols for s in ids.sentences("they have 3 cats")] == ["they have three cats"]
    assert not reports


def test_sentences_are_normalized_and_all_there():
    ids, _ = tokenizer()
    sentences = ids.sentences("Mr. Jones paid $5. \n\n***\n\nThe tail", min_characters=0)
    assert [s.spoken for s in sentences] == ["Mr Jones paid five dollars.", "The tail"]
    assert [s.symbols for s in sentences] == [phonemize(s.spoken) for s in sentences]


def test_numbers_that_grow_are_split_again():
    ids, _ = tokenizer()
    sentences = ids.sentences("123456789012345678901234567890 " * 9)
    assert len(sentences) > 3 and max(len(s.spoken) for s in sentences) <= 300
    assert sum(s.spoken.count("seven") for s in sentences) == 27


@pytest.mark.parametrize("nothing", ["...", "***", "😊", "— ?!", "“”"])
def test_unspeakable_text(nothing):
    with pytest.raises(UserError, match="nothing to speak in"):
        tokenizer()[0].sentences(nothing)


@pytest.mark.parametrize("kind", ["phonemes", "characters"])
@pytest.mark.parametrize("language", ["en-us", "zh"])
@pytest.mark.parametrize(
    "text",
    ["Zoë's café in Zürich cost 5 €.", "我喜欢 café 和 Zoë，真的 naïve。", "Nguyễn, Ångström: Éclair!"],
)
def test_accents_apart_are_the_same_letters(kind, language, text):
    """As macOS writes them (NFD). The places are those of the text as it is."""
    tokenizer = Tokenizer(
        kind, SYMBOLS if kind == "phonemes" else sorted({*text, *"abcdefghijklmnopqrstuvwxyz"})
    )
    apart = unicodedata.normalize("NFD", text)
    assert apart != text
    (expected,), (found,) = (tokenizer.sentences(form, language) for form in (text, apart))
    assert found.symbols == expected.symbols
    words = [text[slice(*word.place)] for word in expected.words]
    assert [unicodedata.normalize("NFC", apart[slice(*word.place)]) for word in found.words] == words


def test_unknown_kind():
    with pytest.raises(UserError, match="phonemes"):
        Tokenizer("words", SYMBOLS)


def test_of_many_chinese_characters_one_warning_is_enough():
    reports = []
    tokenizer = Tokenizer("characters", "abcdefghijklmnopqrstuvwxyz .", reports.append)
    assert not list(tokenizer.read(Document.of("我怀疑有什么事，在他身上发生了。"), "zh"))
    assert reports == ["Chinese characters are not in the model's vocabulary and are skipped"]
    assert [s.symbols for s in tokenizer.sentences("höre.", "en-us")] == ["hre."]
    assert reports[1:] == ['"ö" (U+00F6) is not in the model\'s vocabulary and is skipped']


ROWS = (Path(__file__).parent / "data" / "corpus_phonemes.jsonl").read_text("utf-8").splitlines()
BOOK = " ".join(json.loads(row)["text"] for row in ROWS)


def test_the_first_sentence_does_not_wait_for_the_rest(monkeypatch):
    spoken, read = [], Tokenizer.spoken
    monkeypatch.setattr(Tokenizer, "spoken", lambda self, *a, **k: spoken.append(1) or read(self, *a, **k))
    sentences = tokenizer()[0].read(Document.of(BOOK[:20_000]))
    assert next(sentences).symbols == tokenizer()[0].sentences(BOOK[:200])[0].symbols
    assert len(spoken) <= 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "language"), [(BOOK, "en-us"), ("我们昨天在学校讨论了3个问题，很有意思。" * 1000, "zh")]
)
def test_twenty_thousand_characters_take_less_than_two_seconds(text, language):
    ids, _ = tokenizer()
    ids.sentences(text[:100], language)
    started = time.process_time()
    ids.sentences(text[:20_000], language)
    assert time.process_time() - started < 2


@pytest.mark.slow
def test_threads_never_mix_their_texts():
    """Four threads, a hundred rounds, both accents and Chinese, with given phonemes and numbers."""
    texts = [
        ("Well, of the 5 men, one went home, and the rest, 12 in all, stayed.", "en-us"),
        ("Nobody's car is here, is it? Of course not, said Dr. Lee, for the third time.", "en-gb"),
        ("他说，我用 Python 写了3行代码，你呢？", "zh"),
        ("In the 1990s, at 5:30 p.m., a tomato, a bath, an hour, and that was all.", "en-gb"),
    ]
    alone = [tokenizer()[0].sentences(*text) for text in texts]
    barrier = threading.Barrier(4)

    def work(number: int) -> int:
        ids, wrong = tokenizer()[0], 0
        barrier.wait(30)
        for i in range(100):
            k = (number + i) % len(texts)
            found = ids.sentences(*texts[k])
            wrong += [(s.symbols, s.words) for s in found] != [(s.symbols, s.words) for s in alone[k]]
        return wrong

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 0


@pytest.mark.parametrize("text", ["Well{} I think so.", "Say{}", "“Say{}” he said.", "我想{}我们回家。"])
def test_all_ellipses_are_one(text):
    """…, ... and . . . have the same symbols, and end no sentence."""
    ids, _ = tokenizer()
    language = "zh" if "我" in text else "en-us"
    spellings = ("...", "…", ". . .", "......", "……", " ...", "….")
    found = {tuple(s.symbols for s in ids.sentences(text.format(dots), language)) for dots in spellings}
    assert len(found) == 1, found
    ((symbols,),) = found
    assert symbols.count(".") == 3 + text.endswith((".", "。")) and "…" not in symbols


@pytest.mark.parametrize("unit", ["0f3a9c", "aGVsbG8/Zg", "1+2+", "XIV ", "a/", "a@", "/usr/share", "x"])
def test_keys_and_repetitions_are_quick(unit):
    started = time.process_time()
    tokenizer()[0].sentences(unit * (4000 // len(unit)))
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (f"The number is {'7' * 120} here.", "en-us"),
        (f"It costs ${'9' * 60}, not more.", "en-us"),
        ("1" + "000" * 70, "en-us"),
        (f"数字是{'7' * 120}。", "zh"),
    ],
    ids=["digits", "money", "zeros", "zh"],
)
def test_a_number_that_is_cut_is_in_the_text_once(text, language):
    sentences = Tokenizer("phonemes", SYMBOLS).sentences(text, language)
    assert len(sentences) > 1
    words = [(each.written[word.start : word.end], word.place) for each in sentences for word in each.words]
    places = [place for _, place in words]
    assert all(start < end for start, end in places)
    assert all(first[1] <= second[0] for first, second in zip(places, places[1:], strict=False))
    heard = "".join(text[start:end] for start, end in places)
    assert "".join(written for written, _ in words) == heard
    assert heard.strip("。") == text.replace(" ", "").strip("。")
