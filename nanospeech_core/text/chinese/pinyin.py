"""Chinese characters to phonemes: rjieba's words, pypinyin's readings, and IPA for each syllable.

`polyphones/` corrects the readings of characters that have several, and gives 一 and 不 their tones.

Our models learned each word's tones from pypinyin's dictionary, as misaki's first Chinese front end has them:
third tones never change (你好 keeps two), and 儿 is a separate syllable. The model learned from the teacher's
audio how two third tones sound.
"""

from __future__ import annotations

import functools
import importlib
import re
from types import ModuleType

from ...errors import UserError
from ..characters import HAN, WESTERN_PUNCTUATION, is_han
from ..traced import TracedText, concatenate
from .polyphones.particles import read_particle
from .polyphones.rules import find_readings
from .polyphones.tones import change_tones

# From pinyin as it is spelled (v is ü). The phones are those of Duanmu, "The Phonology of Standard Chinese"
# (2007), and Lin, "The Sounds of Chinese" (2007), in the symbols of Kokoro-82M: one for an affricate.
_INITIALS = {
    "": "", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k",
    "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ",
    "z": "ʦ", "c": "ʦʰ", "s": "s",
}  # fmt: skip
_FINALS = {
    "a": "a", "ai": "ai", "an": "an", "ang": "aŋ", "ao": "au", "e": "ɤ", "ei": "ei", "en": "ən",
    "eng": "əŋ", "o": "wo", "ong": "ʊŋ", "ou": "ou", "i": "i", "ia": "ja", "ian": "jɛn", "iang": "jaŋ",
    "iao": "jau", "ie": "je", "in": "in", "ing": "iŋ", "iong": "jʊŋ", "iu": "jou", "u": "u", "ua": "wa",
    "uai": "wai", "uan": "wan", "uang": "waŋ", "ui": "wei", "un": "wən", "uo": "wo", "v": "y",
    "van": "ɥɛn", "ve": "ɥe", "vn": "yn",
}  # fmt: skip
_WITHOUT_INITIAL = _FINALS | {
    "yi": "i", "ya": "ja", "yan": "jɛn", "yang": "jaŋ", "yao": "jau", "ye": "je", "yin": "in", "ying": "iŋ",
    "yo": "jɔ", "yong": "jʊŋ", "you": "jou", "yu": "y", "yuan": "ɥɛn", "yue": "ɥe", "yun": "yn", "wu": "u",
    "wa": "wa", "wai": "wai", "wan": "wan", "wang": "waŋ", "wei": "wei", "wen": "wən", "weng": "wəŋ",
    "wo": "wo", "er": "ɚ", "o": "ɔ", "m": "m", "n": "n", "ng": "ŋ", "hm": "hm", "ê": "ɛ",
}  # fmt: skip
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}  # 5: the neutral one
_SYLLABLE = re.compile(r"(?P<initial>[zcs]h|[bpmfdtnlgkhjqxrzcs])?(?P<final>\D+)(?P<tone>[1-5])")

_HAN = re.compile(f"[{HAN}]+")
_MARKS = WESTERN_PUNCTUATION | str.maketrans({"«": " “", "»": "” ", "．": ". "})


def phonemize(text: TracedText) -> TracedText:
    """One line of Chinese text -> phonemes, tones as arrows, a space between words.

    Characters without a reading are skipped. Other text stays, with Western punctuation.

    Raises:
        UserError: a library cannot be loaded.
    """
    text = text.filter(lambda character: not is_han(character) or has_reading(character))
    text = text.replace_characters(_MARKS)
    parts, position = [], 0
    for match in _HAN.finditer(text.text):
        parts.append(text[position : match.start()])
        position = match.start()
        for word in read_words(match[0]):
            if position > match.start():
                parts.append(TracedText.read_as(" ", (text.spans[position][0],) * 2))
            for reading in word:
                parts.append(TracedText.read_as(_syllable(reading), text.spans[position]))
                position += 1
    return concatenate([*parts, text[position:]]).single_spaced()


def read_syllables(text: str) -> list[tuple[str, str, str]]:
    """The syllables of Chinese text in pinyin: initial, final and tone, such as ("zh", "uang", "4").

    Finals are those of the standard's table, with v for ü: "yuan" has the initial "" and the final "van".
    Characters without a reading and other text are skipped. Tones are those of `phonemize`; 5 is the neutral
    one.

    Raises:
        UserError: a library cannot be loaded.
    """
    pypinyin = import_library("pypinyin")
    style = pypinyin.Style
    syllables = []
    for part in _HAN.findall(text):
        for word in cut_words(part):
            initials = pypinyin.lazy_pinyin(word, style=style.INITIALS, errors="ignore")
            finals = pypinyin.lazy_pinyin(
                word, style=style.FINALS_TONE3, errors="ignore", neutral_tone_with_five=True
            )
            for initial, final in zip(initials, finals, strict=True):
                if final[-1:].isdigit():
                    syllables.append((initial, final[:-1], final[-1]))
    return syllables


@functools.cache
def has_reading(character: str) -> bool:
    """Whether a Chinese character has pinyin: some, such as those made in Japan, have none."""
    return _syllable(_pinyin(character)[0]) != ""


def read_words(text: str) -> list[list[str]]:
    """Chinese characters -> the words, each as the pinyin of its characters ("zhuang4")."""
    rjieba = import_library("rjieba")
    tagged = rjieba.tag(text)
    words = [word for word, _ in tagged]
    rules = find_readings(words)
    readings: list[str] = []  # of each character
    place = 0
    for number, word in enumerate(words):
        pinyin = list(_pinyin(word))
        if word[0] in "得地" and (len(word) == 1 or not rjieba.has_word(word)):
            pinyin[0] = read_particle(tagged, number) or pinyin[0]
        readings += [rules.get(place + i, reading) for i, reading in enumerate(pinyin)]
        place += len(word)
    change_tones(words, readings)
    syllables = iter(readings)
    return [[next(syllables) for _ in word] for word in words]


def import_library(name: str) -> ModuleType:
    """Import a library that Chinese needs. Raises UserError if it cannot be loaded."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"Chinese needs {name}, which cannot be loaded ({error}): pip install {name}"
        ) from error


@functools.lru_cache(maxsize=4096)
def _pinyin(word: str) -> tuple[str, ...]:
    """The pinyin of each character of a word in pypinyin's dictionary; itself if it has none."""
    pypinyin = import_library("pypinyin")
    return tuple(pypinyin.lazy_pinyin(word, style=pypinyin.Style.TONE3, neutral_tone_with_five=True))


@functools.lru_cache(maxsize=4096)
def _syllable(reading: str) -> str:
    """IPA of a syllable such as "zhuang4", the tone after the vowel; "" if it is not a syllable."""
    syllable = _SYLLABLE.fullmatch(reading)
    if syllable is None:
        return ""
    tone = _TONES[syllable["tone"]]
    if reading[:-1] in _WITHOUT_INITIAL:
        initial, sound = "", _WITHOUT_INITIAL[reading[:-1]]
    else:
        initial, final = syllable["initial"] or "", syllable["final"]
        if initial in ("j", "q", "x"):
            final = re.sub("^u", "v", final)
        sound = _FINALS.get(final, "")
        if final == "i" and initial in ("z", "c", "s", "zh", "ch", "sh", "r"):
            sound = "ɨ"
    if not sound:
        return ""
    coda = sound[-1] if sound[-1] in "nŋ" and len(sound) > 1 else ""
    return _INITIALS[initial] + sound.removesuffix(coda) + tone + coda


def cut_words(text: str) -> list[str]:
    """The words of a text, which together are that text."""
    return import_library("rjieba").cut(text)
