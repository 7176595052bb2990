"""Which phonemes of a phrase speak which word."""

from nanospeech_core.text.espeak.word_alignment import locate_words


def places(words: str, phonemes: str, alone: str) -> list[str]:
    """The phonemes of each word, given those of each word by itself."""
    read = dict(zip(words.split(), alone.split(), strict=True))
    found = locate_words(words.split(), phonemes, read.__getitem__)
    assert all(0 <= start <= end <= len(phonemes) for start, end in found)
    assert all(one[1] <= other[0] for one, other in zip(found, found[1:], strict=False))
    return [phonemes[start:end] for start, end in found]


def test_as_many_words_as_phonemes_need_no_reading():
    assert locate_words(["a", "b"], "eɪ biː", {}.__getitem__) == [(0, 2), (3, 6)]
    assert locate_words(["-"], "", {}.__getitem__) == [(0, 0)]


def test_words_that_are_run_together():
    assert places("one of the best", "wˈʌn ʌvðə bˈɛst", "wˈʌn ʌv ðə bˈɛst") == ["wˈʌn", "ʌv", "ðə", "bˈɛst"]
    assert places("to be a man", "təbi ɐ mˈæn", "tuː bˈiː ˈeɪ mˈæn") == ["tə", "bi", "ɐ", "mˈæn"]
    assert places("do not do", "duːnˌɑːt dˈuː", "dˈuː nˈɑːt dˈuː") == ["duː", "nˌɑːt", "dˈuː"]
    assert places("not a", "nˌɑːɾə", "nˈɑːt ˈeɪ") == ["nˌɑːɾ", "ə"]


def test_the_nearest_edits_are_found():
    assert places("x y z", "abcde", "ab c de") == ["ab", "c", "de"]
    assert places("x y", "ˈabˈcd", "ab cd") == ["ˈab", "ˈcd"]  # stress goes with what follows
    assert places("x y z", "abcd ef", "xb cd ef") == ["ab", "cd", "ef"]
    assert places("x y z", "ab cd", "ab q cd") == ["ab", "", "cd"]  # a word without any sound
    assert places("x y", "ab cd ef", "ab ef") == ["ab", "ef"]  # more than the words by themselves have


def test_long_phrases():
    alone = [f"{a}{b}" for a in "abdefhk" for b in "lmnopstuvw"]
    phonemes = "".join(word + " " * (i % 3 == 0) for i, word in enumerate(alone))
    words = [f"w{i}" for i in range(len(alone))]
    found = locate_words(words, phonemes, dict(zip(words, alone, strict=True)).__getitem__)
    assert [phonemes[start:end] for start, end in found] == alone
