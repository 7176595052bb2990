"""Markdown read aloud: every kind of mark; no word is lost, and the cuts of a stream do not matter."""

import random
import re
import time

import pytest
from documents import cut, make_document

from nanospeech_core.text.markdown.blocks import MarkdownParser


def speak(text: str, *, pieces: list[str] | None = None) -> str:
    markdown = MarkdownParser()
    spoken = "".join(map(markdown.feed, pieces or [text])) + markdown.finish()
    return "\n".join(" ".join(line.split()) for line in spoken.splitlines())


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("plain words.", "plain words."),
        ("two\nlines", "two lines"),
        ("one\n\n\ntwo", "one\ntwo"),
        ("**bold. text** and *it*", "bold. text and it"),
        ("***both*** __strong__ _em_ ~~gone~~", "both strong em gone"),
        ("这是**重要**的。", "这是重要的。"),
        ("snake_case and __init__ and 5 * 4, 2*3*4", "snake_case and init and 5 * 4, 2*3*4"),
        ("about ~5, not ** that **", "about ~5, not that"),
        (r"\*stars\* and \# and C:\dir", r"*stars* and # and C:\dir"),
        ("# Title", "Title"),
        ("### The *title* ###\nText", "The title\nText"),
        ("#hashtag and ####### seven", "#hashtag and ####### seven"),
        ("Title\n=====\nText\n---\nmore", "Title\nText\nmore"),
        ("- one\n* two\n+ three\n  - four", "one\ntwo\nthree\nfour"),
        ("1. one\n2) two\n10. ten", "1. one\n2. two\n10. ten"),
        ("2024. It was.\n-5 degrees", "2024. It was. -5 degrees"),
        ("- [ ] to do\n- [x] done\n- [x](u) link", "to do\ndone\nx link"),
        ("- # Title in a list\n- > quote", "Title in a list\nquote"),
        ("a\n\n---\n\n* * *\n___\nb", "a\nb"),
        ("> quoted\n> goes on\n>\n> > twice", "quoted goes on\ntwice"),
        ('see [the docs](https://x.org/a_(b)?c=1 "Title").', "see the docs."),
        ("[**bold** link][ref] and [![alt](i.png)](u)", "bold link and alt"),
        ("![a cat](cat.png) here", "a cat here"),
        ("arr[0], [sic] and [half", "arr[0], [sic] and [half"),
        ("[text](half", "[text](half"),
        ("note[^1] here\n\n[^1]: The note.\n[ref]: http://x.org", "note here\nThe note."),
        ("[Alice]: hello there", "[Alice]: hello there"),
        ("run `pip install *x*` or ``a `b` c``", "run pip install *x* or a b c"),
        ("a `half span\n\n*next*", "a half span\nnext"),
        ("<b>bold</b><br/>x<!-- gone\nfar --> a < b, List<int>", "bold x a < b, List<int>"),
        ("<https://x.org/> and <mailto:me@x.org>", "https://x.org/ and me@x.org"),
        ("AT&T, a &amp; b &lt;c&gt; &#65; & &nope;", "AT&T, a & b <c> A & &nope;"),
        ("bell\a and \x1b[31mred", "bell and [31mred"),
    ],
)
def test_marks(written, spoken):
    assert speak(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Look:\n```python\nx = 1\n\n# y\n```\nDone.", "Look:\nCode omitted.\nDone."),
        ("~~~~\n~~~\n```\n~~~~~\nDone.", "Code omitted.\nDone."),
        ("```\nnever closed\n\n# still code", "Code omitted."),
        ("- item\n  ```sh\n  ls\n  ```\n- next", "item\nCode omitted.\nnext"),
        ("> ```\n> x\n> ```\nDone.", "Code omitted.\nDone."),
        ("```not a fence``` here", "not a fence here"),
        ("看：\n```\nx\n```\n好。", "看：\n代码略。\n好。"),
        ("$$\nx^2\n$$\nor \\[x\\].", "Formula omitted.\nor [x]."),
        ("\\[\n\\frac12\n\\]\nDone. $5", "Formula omitted.\nDone. $5"),
        ("$$ 5 or so\n\nDone.", "Formula omitted.\nDone."),
    ],
)
def test_what_is_omitted_is_mentioned(written, spoken):
    assert speak(written) == spoken


def test_tables_are_read_row_by_row():
    table = "Ages:\n| Name | *Age* |\n|:-----|-----:|\n| Ada | `36` |\n| Bob \\| Rob | |\n| End. |\nText"
    assert speak(table) == "Ages:\nName, Age.\nAda, 36.\nBob | Rob.\nEnd.\nText"
    assert speak("| 名字 | 年龄 |\n|---|---|\n| 小明 | 三岁 |") == "名字，年龄。\n小明，三岁。"


def test_words_come_before_the_line_ends():
    markdown = MarkdownParser()
    assert markdown.feed("The **first") == "The first"
    assert markdown.feed(" words** of") == " words of"
    assert markdown.feed(" [a link](http") == " "
    assert markdown.feed("://x.org) are") == "a link are"


@pytest.mark.parametrize("seed", range(30))
def test_no_word_is_lost_however_the_text_is_cut(seed):
    rng = random.Random(seed)
    document, count = make_document(rng)
    spoken = speak(document)
    assert re.findall(r"w\d+", spoken) == [f"w{n + 1}" for n in range(count)], document
    assert not re.search(r"code(?! omitted)|http|formula|\*\*|~~|\|", spoken.replace("Code", "")), (
        document,
        spoken,
    )
    assert speak(document, pieces=list(document)) == speak(document, pieces=cut(rng, document)) == spoken


@pytest.mark.parametrize("seed", range(30))
def test_nothing_breaks_it(seed):
    """Marks without any sense: all letters but those of a tag, an address or code are still spoken."""
    rng = random.Random(1000 + seed)
    text = "".join(rng.choices("ab .*_`~[]()<>!#&;|\\-+=>1.)\n$:^ 好。", k=300))
    spoken = speak(text)
    assert speak(text, pieces=list(text)) == spoken
    if not re.search(r"```|~~~|\$\$|\\\[|<!--|\]\s*[\[(:]|<|&|\[\^", text):
        assert re.sub(r"[^ab好]", "", spoken) == re.sub(r"[^ab好]", "", text)


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["[", "![", "[a](", "*", "`", "<", "&", "- ", "> ", "| ", "1. ", "\\", "#"])
def test_endless_marks_take_little_time(mark):
    start = time.process_time()
    speak(mark * 1000)
    assert time.process_time() - start < 5
