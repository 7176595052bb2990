"""The rules of readings.txt, which says how they are written: which characters are read how, and where."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

_MARK = re.compile(r"(?P<character>.)\{(?P<reading>[a-zê]+[1-5]|)\}")
_LIST = re.compile(r"(?P<name>[a-z]+) = (?P<items>.+)")
_PRONOUN = re.compile("[我你您他她它咱谁](?!们)")
_BEFORE = 12  # how many characters a condition before the match can see


@dataclass(frozen=True)
class Rule:
    """One line of the table. `readings` are those of the groups of `pattern`; "": as pypinyin has it."""

    pattern: re.Pattern[str]
    readings: dict[str, str]
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None

    def find(self, text: str, inside: list[bool]) -> Iterator[re.Match[str]]:
        """Its matches in a text; `inside[i]` says whether a word goes on at i."""
        for match in self.pattern.finditer(text):
            start, end = match.span()
            if self.before and not self.before.search(text, max(0, start - _BEFORE), start):
                continue
            if self.after and not self.after.match(text, end):
                continue
            cuts_word = (inside[start] and not self.before) or (inside[end] and not self.after)
            if cuts_word and (end - start == 1 or not all(inside[start + 1 : end])):
                continue
            yield match


@functools.cache
def parse_rule(line: str) -> Rule:
    """A rule from a line of the table, with the lists in place of their $names."""
    line, _, after = line.partition(" > ")
    before, _, text = line.rpartition(" < ")
    return Rule(
        re.compile(_MARK.sub(lambda mark: f"(?P<at{mark.start()}>{mark['character']})", text)),
        {f"at{mark.start()}": mark["reading"] for mark in _MARK.finditer(text)},
        re.compile(f"(?:{before})$") if before else None,
        re.compile(after) if after else None,
    )


@functools.cache
def read_table() -> dict[str, list[str]]:
    """The lines of the table in their order, by each character that they read."""
    lists: dict[str, str] = {}
    lines: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("readings.txt").read_text(encoding="utf-8").splitlines():
        if definition := _LIST.fullmatch(line):
            lists[definition["name"]] = definition["items"]
        elif not line.startswith("#"):
            line = re.sub(r"\$([a-z]+)", lambda name: f"(?:{lists[name[1]]})", line)
            for character in dict.fromkeys(mark["character"] for mark in _MARK.finditer(line)):
                lines.setdefault(character, []).append(line)
    return lines


def find_readings(words: list[str]) -> dict[int, str]:
    """The pinyin of characters by their place in the words, where a rule has another one than pypinyin."""
    table = read_table()
    text = "".join(words)
    inside = [True] * len(text) + [False]
    for start, word in zip(accumulate(map(len, words), initial=0), [*words, ""], strict=True):
        inside[start] = False
        if _PRONOUN.match(word):  # rjieba makes one word of 我数
            inside[start + 1] = False
    readings: dict[int, str] = {}
    for character in table.keys() & set(text):
        for rule in map(parse_rule, table[character]):  # compiled when it is needed
            for match in rule.find(text, inside):
                for group, reading in rule.readings.items():
                    if match[group] == character:
                        readings.setdefault(match.start(group), reading)
    return {place: reading for place, reading in readings.items() if reading}
