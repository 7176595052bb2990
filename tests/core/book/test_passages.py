"""Chapters cut into passages."""

from nanospeech_core.book.passages import split_passages


def test_passages_are_cut_between_paragraphs_and_nothing_is_lost():
    paragraphs = [f"Paragraph {number}. " + "word " * 30 for number in range(20)]
    passages = split_passages("\n\n".join(paragraphs), 500)
    assert all(len(passage) < 700 for passage in passages) and len(passages) > 4
    assert " ".join("\n\n".join(passages).split()) == " ".join(" ".join(paragraphs).split())


def test_settings_go_on():
    text = "[voice: emma] [rate: 0.9] One.\n\nTwo.\n\n[voice: default] Three.\n\nFour."
    assert split_passages(text, 5) == [
        "[voice: emma] [rate: 0.9] One.",
        "[voice: emma][rate: 0.9]Two.",
        "[voice: emma][rate: 0.9][voice: default] Three.",
        "[voice: default][rate: 0.9]Four.",
    ]


def test_no_passage_is_without_words():
    assert split_passages("[pause 1]\n\nOne.\n\n[pause 2]", 5) == ["[pause 1]\n\nOne.\n\n[pause 2]"]


def test_a_long_paragraph_is_cut_between_sentences():
    passages = split_passages("This is a sentence. " * 200, 100)
    assert all(passage.startswith("This") and passage.rstrip().endswith(".") for passage in passages)
    assert sum(passage.count("sentence") for passage in passages) == 200
    assert max(map(len, split_passages("x" * 5000, 100))) == 1000
