"""Chinese characters and full-width forms."""

from nanospeech_core.text.characters import fold, is_han, is_wide


def test_fold():
    assert fold("Ｐｙ３％　￥５，〇！") == "Py3% ¥5，零！"
    assert fold("\uf900") == "\u8c48"
    assert fold("“Plain,” 你好（吗）？") == "“Plain,” 你好（吗）？"


def test_chinese_characters_and_marks():
    assert is_han("好") and is_wide("好") and is_wide("。")
    assert not is_han("。") and not is_wide("a") and not is_wide("タ")
