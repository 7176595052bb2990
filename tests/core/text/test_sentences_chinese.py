"""Chinese without punctuation that is too long for one sentence is cut between words."""

import pytest
from text_stages import split_sentences

from nanospeech_core.text.chinese.pinyin import cut_words

TEXT = (
    "我们昨天晚上在学校图书馆里面一起讨论了关于人工智能技术未来发展方向的若干重要问题并且最终决定成立一个"
    "专门的研究小组来负责相关工作同时邀请了多位来自不同领域的专家学者参与其中希望能够通过大家的共同努力取得"
    "更加丰硕的研究成果从而推动整个行业的持续健康发展"
)


@pytest.mark.parametrize("limit", [60, 90, 150, 300])
def test_cut_between_words(limit):
    sentences = split_sentences(TEXT, limit)
    assert "".join(sentences) == TEXT and max(map(len, sentences)) <= limit // 3 and len(sentences) > 1
    ends, position = {0}, 0
    for word in cut_words(TEXT):
        position += len(word)
        ends.add(position)
    position = 0
    for sentence in sentences:
        position += len(sentence)
        assert position in ends, sentence


def test_one_long_word_is_cut_all_the_same():
    sentences = split_sentences("哈" * 250, 300)
    assert "".join(sentences) == "哈" * 250 and max(map(len, sentences)) <= 100
