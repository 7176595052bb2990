"""The tones of 一 and 不 beside the words around them."""

import pytest

from nanospeech_core.text.chinese.pinyin import phonemize, read_words
from nanospeech_core.text.traced import TracedText

# Each text, and the tones of its 一 or 不 in order.
TONES = {
    # before a fourth tone, before others; the next syllable may be another word's
    "一共五个": "2", "一切都好": "2", "他一直在家": "4", "一样": "2", "一定": "2",
    "这是一件大事": "2", "一次": "2", "一万块": "2", "一下": "2", "吃了一顿饭": "2", "一辆车": "2",
    "一个": "2", "走了一个小时": "2", "一半": "2", "一天": "4", "一天早上": "4", "等了一年": "4",
    "一起走": "4", "一些": "4", "一点儿": "4", "一百": "4", "一千人": "4", "一张纸": "4",
    "一本书": "4", "买一条鱼": "4", "一般": "4", "一直走一边看": "44", "一边": "4",
    "一心一意": "42", "一带一路": "22", "三千一百": "4", "这一年": "4", "这一次": "2",
    "同一个人": "2", "每一天": "4",
    # numbers in a row, ordinals, names of days, at the end
    "第一": "1", "第一个到": "1", "第一次": "1", "第一天": "1", "初一": "1", "统一": "1",
    "统一价格": "1", "唯一的办法": "1", "之一": "1", "万一下雨": "1", "星期一上课": "1",
    "周一见": "1", "十一点": "1", "二十一个": "1", "一百零一个": "41", "一九八四年": "1",
    "一二三": "1", "三点一四": "1", "一月一号": "11", "五月一日": "1", "一楼": "1",
    "最后一班车": "4", "一线希望": "2", "一年级": "1",
    "高一学生": "1", "一等奖": "1", "一一介绍": "11", "五分之一": "1", "三点一刻": "2",
    "周五一起去": "4", "十一万": "1",
    # between doubled verbs; not between counts
    "看一看": "5", "请等一等": "5", "说一说": "5", "试一试吧": "5", "想一想": "5", "一天一天": "44",
    "一步一步": "22", "一个一个": "22",
    # 不
    "不去": "2", "不会": "2", "不看": "2", "不是": "2", "不想": "4", "不来": "4", "不吃": "4",
    "不对": "2", "不一样": "42", "不": "4", "我不": "4",
}  # fmt: skip


@pytest.mark.parametrize(("text", "tones"), TONES.items(), ids=TONES)
def test_tone(text, tones):
    readings = [reading for word in read_words(text) for reading in word]
    assert len(readings) == len(text)
    marked = "不" if "不" in text and "一" not in text else "一不"
    assert "".join(r[-1] for c, r in zip(text, readings, strict=True) if c in marked) == tones


def test_the_phonemes_have_them():
    assert phonemize(TracedText.of("一天")).text.startswith("i↘")
    assert phonemize(TracedText.of("第一天")).text.endswith("i→tʰjɛ→n")
    assert phonemize(TracedText.of("看一看")).text.replace(" ", "") == "kʰa↘nikʰa↘n"
