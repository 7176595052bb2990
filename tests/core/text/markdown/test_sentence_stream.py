"""Sentences of a language model's text: where they end, how soon, and that no text is lost."""

import random
import re

import pytest
from documents import cut, make_document
from text_stages import split_sentences

from nanospeech_core.text.markdown.sentence_stream import (
    CLAUSE_AFTER,
    LONGEST,
    MIN_LENGTH,
    ReasoningFilter,
    SentenceSplitter,
    SentenceStream,
)
from nanospeech_core.text.pronunciation.markup import read_markup
from nanospeech_core.text.sentences import length_limit
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText


def dictate(*pieces: str, **settings) -> list[str]:
    stream = SentenceStream(**settings)
    return [s for piece in pieces for s in stream.feed(piece)] + stream.finish()


def after(text: str) -> list[str]:
    """The sentences that are given before the end of the text is known."""
    return SentenceStream().feed(text)


START = "This is how the answer starts. "


def test_a_sentence_is_given_as_soon_as_it_is_certain():
    assert after(START.strip()) == after(START) == []  # "1.5" and "e.g." begin like this too
    assert after(START + "A") == [START.strip()]
    assert after("You should ask Dr. Smith of the U.S. Army ab") == []
    assert after("The train to the coast leaves at 5 p.m. The") == []  # "The" may begin "Theo"
    assert after("The train to the coast leaves at 5 p.m. The f") == [
        "The train to the coast leaves at 5 p.m."
    ]
    assert after("The train to the coast leaves at 5 p.m. on Monday") == []
    assert after(START + "\n\n") == [START.strip()]
    assert after("# Title\n") == ["Title"]
    assert after("你好，世界！我很高") == [] and after("你好，我的全世界！我") == ["你好，我的全世界！"]


def test_short_sentences_go_with_the_next():
    assert dictate("Yes. No. I went to the market. It was closed on Monday.") == [
        "Yes. No. I went to the market.",
        "It was closed on Monday.",
    ]
    assert dictate("Yes.\n\nNo.") == ["Yes.", "No."]


LONG = (
    "When we look at the matter, as we should, from all of its sides and with all the patience of the world"
)


def test_the_first_sentence_need_not_be_complete():
    assert after(LONG[: CLAUSE_AFTER - 1]) == []
    assert after(LONG[:CLAUSE_AFTER]) == ["When we look at the matter, as we should,"]
    assert dictate(LONG) == ["When we look at the matter, as we should,", LONG[42:]]
    assert dictate(LONG.replace(",", "")) == [LONG.replace(",", "")]  # nobody pauses there
    # The others are complete.
    assert dictate(f"{START}{LONG}.") == [START.strip(), f"{LONG}."]
    assert dictate("当我们从各个方面来看这个问题的时候，我们应该有足够的耐心，因为世界很大。")[0].endswith(
        "，"
    )


def test_long_sentences_are_given_whole():
    """`speak` divides them, and joins their parts without a pause."""
    long = f"And it went on {'and on ' * 100}until the morning."
    assert dictate(f"{START}{long} It ended. Nobody had noticed it.") == [
        START.strip(),
        long,
        "It ended. Nobody had noticed it.",
    ]
    assert dictate(long) == [long]  # no comma: not at any space


def test_text_without_sentences_is_divided_at_last():
    sentences = dictate(START + "and so on, " * 500)
    assert len(sentences) > 4 and all(MIN_LENGTH < len(s) <= LONGEST for s in sentences)
    assert all(s.endswith((",", "starts.")) for s in sentences)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Wait [pause 0.5] for [tomato](/təˈmɑːtoʊ/) and [a link](http://x.org).",
         "Wait pause 0.5 for tomato and a link."),
        ("The [pause] key, [pause 600] or ［Pause 2］", "The pause key, pause 600 or Pause 2"),
        ("A [pause [pause 2]] and [pause 3", "A pause pause 2 and pause 3"),
        (r"As \[word\](/wɜːd/), `[pause 3]` or &#91;pause 4&#93; or [[pause 5]](u)",
         "As word, pause 3 or pause 4 or pause 5"),
        (r"In \[\[a\](/b/)c\](/d/), \[one\](/two", "In ac(/d/), one(/two"),
        ("`arr[0][1]`, arr[2], [sic] and [H]e", "arr 0 1, arr 2, sic and He"),
    ],
)  # fmt: skip
def test_none_of_our_markup_is_left(written, spoken):
    assert dictate(written) == dictate(*written) == [spoken]
    (part,) = read_markup(spoken, Tokenizer("phonemes", SYMBOLS)).parts
    assert part == TracedText.of(spoken)


def test_addresses_are_read_by_their_host():
    assert dictate("Go to https://www.docs.x.org:80/a/b.html?c=d#e. Or http://y.org!") == [
        "Go to docs.x.org. Or y.org!"
    ]
    address = "https://x.org/" + "path/and-so,on;" * 60 + "end"
    assert dictate(f"{START}Go to {address} now.") == [START.strip(), "Go to x.org now."]


@pytest.mark.parametrize(
    ("text", "settings", "sentences"),
    [
        ("<think>Hm. **What?**\n\n</think>\n\nHello there.", {}, ["Hello there."]),
        ("\n<think></think><think>Hm.</think>Hello there.", {}, ["Hello there."]),
        ("Hm. What?</think>Hello there.", {"begun": True}, ["Hello there."]),
        ("<think>never ends", {}, []),
        ("<thinner than this", {}, ["<thinner than this"]),
        ("<thi", {}, ["<thi"]),
        ("The tag <think> is a tag.", {}, ["The tag <think> is a tag."]),
        ("[r]x[/r]y", {"reasoning": ("[r]", "[/r]")}, ["y"]),
        ("", {}, []),
        ("---\n\n* * *\n…", {}, []),
    ],
)
def test_reasoning_is_not_spoken(text, settings, sentences):
    assert dictate(text, **settings) == dictate(*text, **settings) == sentences


def test_an_answer_without_reasoning_is_unchanged():
    for text in ("  Hello <think>x</think>", "<", " \n"):
        answer = ReasoningFilter()
        assert "".join(map(answer.feed, text)) + answer.finish() == text


@pytest.mark.parametrize("seed", range(30))
def test_how_the_text_is_cut_makes_no_difference(seed):
    rng = random.Random(seed)
    document, count = make_document(rng)
    sentences = dictate(document)
    assert dictate(*document) == dictate(*cut(rng, document)) == sentences
    assert re.findall(r"w\d+", " ".join(sentences)) == [f"w{n + 1}" for n in range(count)]


SOUP = (
    'Yes. |No! |Dr. |Mr. Smith |met |J. K. Rowling |at 5 p.m. |The |U.S. |e.g. |apples, |cost 3.14 |"Why?" |'
    "or so... |he said. |(He did.) |I |ate |No. 5 |is |and: |then; |it — |etc. |Inc. |But |one\ntwo |while |"
    "wonderful |things |happened |yesterday |Python |你好。|今天，|我很好！|3.5吗？|嗯……|「走」|"
).split("|")


def ends(parts: list[str]) -> set[int]:
    """Where they end in the text without white space."""
    lengths = [len("".join(part.split())) for part in parts]
    return {sum(lengths[: n + 1]) for n in range(len(lengths))}


@pytest.mark.parametrize("seed", range(30))
def test_ends_are_those_of_split_sentences(seed, monkeypatch):
    """Decisions made while the text arrives are those for the entire text; nothing is lost."""
    monkeypatch.setattr("nanospeech_core.text.markdown.sentence_stream.LONGEST", 10**6)
    text = START + "".join(random.Random(seed).choices(SOUP, k=60)).replace("\n", " ")
    stream = SentenceSplitter()
    sentences = [s for c in text for s in stream.feed(c)] + stream.finish()
    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(len(sentence) >= length_limit(MIN_LENGTH, sentence) for sentence in sentences[:-1])
    assert ends(sentences) <= ends(split_sentences(text, 10**6, 0))
    assert len(sentences) > 3
