"""Where an English sentence ends: which full stops belong to a word, and which end the sentence too."""

from __future__ import annotations

import re

from ..characters import CLOSERS

# Words after which a full stop does not end the sentence: a name, a number or an explanation follows.
_NEVER = frozenset(
    "mr mrs ms messrs dr drs prof rev hon gen col capt cpt cmdr lt maj sgt cpl pvt gov sen rep pres supt "
    "mt e.g i.e cf vs viz approx ca al adm fr br insp det cdr brig amb atty mme mlle profs rt".split()
)
# The same, but only before a number ("No. 5"; "He said no." ends a sentence).
_BEFORE_NUMBER = frozenset(
    "no nos nr fig figs vol vols p pp ch chap sec art eq eqs pt ex ver rev ext apt rm para par ref op c "
    "b d bk fl exp pop elev rte hwy inv lat long dep arr r "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
# Before a letter or a Roman numeral too: "Fig. A", "vol. ii".
_BEFORE_LETTER = frozenset("fig figs vol vols p pp ch chap sec art eq pt ex app apt bk".split())
# Only before a small letter or a number: "1 tbsp. sugar", "max. 5", "etc. and". A capital starts a sentence.
_BEFORE_SMALL = frozenset(
    "etc fl ea doz max min avg dept govt incl excl misc temp bldg tel tbsp tsp oz lb lbs ft yd mi gal qt "
    "sq cu mins sec secs hr hrs wk wks yr yrs mo cm mm km kg esp resp orig intl qty pkg asst attn ed eds "
    "trans".split()
)
# The full stop belongs to the word; it ends the sentence only before one of STARTERS.
_MAYBE = frozenset("st ave blvd rd hwy jr sr inc ltd co corp bros dept est ph.d ft".split())
# The same, with a capital only ("He sat.").
_MAYBE_CAPITAL = frozenset(
    "Mon Tue Tues Wed Weds Thu Thur Thurs Fri Sat Jan Feb Mar Apr Jun Jul Aug Sept Oct Nov Dec "
    "Pt Calif Mass Conn Fla Mich Minn Tenn Tex Wash Pa Va".split()
)
# Words that start a sentence far more often than they continue one when written with a capital.
STARTERS = (
    "The|This|That|These|Those|He|She|It|We|They|You|There|Here|But|And|So|Then|When|While|If|In|On|At|As|"
    "After|Before|However|What|Why|How|Who|Where|His|Her|My|Our|Their|Its|Not|No|Yes|For|From|With|"
    "Whether|Although|Though|Because|Since|Once|Until|Unless|Even|Each|Every|Some|Many|Most|All|Both|Another|"
    "Such|Now|Today|Later|Soon|Maybe|Perhaps|Please|Let|Do|Does|Did|Is|Are|Was|Were|Can|Could|Would|Should|Have|"
    "Has|Had|To|By|During|Without|Through|Yet|Or|Thus|Therefore|Moreover|Furthermore|Meanwhile|Also|Still|Never|"
    "Always|Often|Sometimes|Indeed|Instead|Finally|Which|Whose|Nobody|Someone|Everyone|Everything|Nothing|Something|Open|Closed|"
    r"An?(?= [a-z])|I(?=[ '’][a-z])"
)

# A full stop that belongs to a word also ends its sentence when this follows it.
SENTENCE_END = rf"(?=[{CLOSERS}]*(?:\s*$| *\n|\s+[\"'“‘(]*(?:{STARTERS})\b))"
_SENTENCE_END = re.compile(SENTENCE_END)
_LAST_WORD = re.compile(r"[^\s\"'“‘(\[{—–]*$")
_LETTER_OR_ROMAN = re.compile(r"[A-HJ-Z]\d*(?![\w'’.])|(?:[IVXL]{2,}|[ivxl]+)(?![\w'’])")
_INCHES = re.compile(r"\d in$")
_COMPLETE_WORD = re.compile(r"\s*\S+\s+\S")


def ends_sentence(text: str, start: int, stop: re.Match[str], finished: bool) -> bool | None:
    """Whether a full stop ends its sentence; see `languages.Language`."""
    following = text[stop.end() : stop.end() + 8].lstrip()
    found = _LAST_WORD.search(text, max(start, stop.start() - 30), stop.start())
    word = found[0] if found else ""
    if word.isdigit() and stop.start() - len(word) == start:
        return False  # "1. An item"
    own_stop = _may_own_stop(word)
    lowered = re.split("[-/]", word)[-1].lower()  # Mon.-Fri.
    undecided = not finished and not _COMPLETE_WORD.match(text, stop.end())
    if undecided and (own_stop or word == "I" or word.lower() in _BEFORE_LETTER):
        return None
    if lowered in _NEVER:
        return False
    if lowered in _BEFORE_NUMBER and following[:1].isdigit():
        return False
    if lowered in _BEFORE_LETTER and _LETTER_OR_ROMAN.match(following):
        return False
    in_small = lowered in _BEFORE_SMALL or _INCHES.search(text, max(start, stop.start() - 4), stop.start())
    if in_small and (following[:1].islower() or following[:1].isdigit()):
        return False
    if re.split("[-/]", word)[-1] == "I":
        return not _is_initial(text, start, stop)
    return not own_stop or bool(_SENTENCE_END.match(text, stop.end("stop")))


def _is_initial(text: str, start: int, stop: re.Match[str]) -> bool:
    """Whether the "I" before a full stop is a letter of a name: "N. I. N. A.", "I. M. Pei"."""
    before = text[max(start, stop.start() - 5) : stop.start() - 1]
    if re.search(r"(?:^|\s)[A-Z]\.\s?$", before):
        return True
    return not before.strip() and re.match(r"\s[A-Z]\.", text[stop.end() : stop.end() + 3]) is not None


def _may_own_stop(word: str) -> bool:
    """Whether the full stop after a word may belong to the word: then what follows it decides."""
    initial = len(word) == 1 and word.isupper() and word != "I"
    word = re.split("[-/]", word)[-1]
    return (
        initial
        or word.lower() in _MAYBE
        or word in _MAYBE_CAPITAL
        or bool(re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", word))
    )
