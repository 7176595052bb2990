"""SSML to a document: what to speak, how, and with which pauses, each traced to the source."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence

from ...errors import UserError
from ..characters import is_han
from ..document import Document, Settings
from ..language_detection import CHINESE, detect_language
from ..languages import find_code
from ..pronunciation.lexicon import Lexicon, check_phonemes
from ..pronunciation.stand_ins import need_phonemes
from ..tokenizer import Tokenizer
from ..traced import Span, TracedText, concatenate
from . import values
from .builder import DocumentBuilder
from .say_as import read_say_as
from .xml import Tag, error_at, parse, tag_end

_IPA = str.maketrans("", "", "\u0361\u035c.\u203f")  # no ties, and no dots between syllables


def read_ssml(
    source: str,
    tokenizer: Tokenizer,
    lexicon: Lexicon | Mapping[str, str] | None = None,
    language: str | None = None,
    report: Callable[[str], object] = warnings.warn,
) -> Document:
    """Read a text in SSML 1.1 (https://www.w3.org/TR/speech-synthesis11/), which `xml.is_ssml` knows.

    Markup of `pronunciation.markup` is text here. Any white space counts as a space; paragraphs and sentences
    are those of <p> and <s>, and of full stops.

    Args:
        source: the text.
        tokenizer: the model's.
        lexicon: phonemes of words that have none in the text.
        language: of the text, which comes before that of <speak>; None: that of <speak>, or of the script.
        report: called with one sentence, if something has no effect.
    Raises:
        UserError: it is no XML or no SSML, or an attribute has a wrong value. The message names the line and
            the column.
    """
    lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon or {})
    if lexicon:
        need_phonemes(tokenizer, "a lexicon")
    reader = _Reader(source, tokenizer, lexicon, language)
    document = reader.read()
    if reader.without_effect:
        report(f"without effect in SSML: {', '.join(reader.without_effect)}; the text is spoken as usual")
    return document


class _Reader:
    """Walks through the tags and texts of a source. `without_effect` has what is reported, in order."""

    def __init__(self, source: str, tokenizer: Tokenizer, lexicon: Lexicon, language: str | None):
        self.without_effect: dict[str, None] = {}
        self._source, self._tokenizer, self._language = source, tokenizer, language
        self._items = parse(source)
        self._ends = _find_ends(self._items)
        self._built = DocumentBuilder(lexicon)
        self._root: str | None = None  # the language of <speak>

    def read(self) -> Document:
        """The document."""
        outer: list[Settings] = []  # around each open element
        index = 0
        while index < len(self._items):
            item, following = self._items[index], index + 1
            if isinstance(item, TracedText):
                self._built.add_text(item)
            elif item.attributes is None:
                self._end_sentence(item)
                self._built.settings = outer.pop()
            else:
                settings = self._built.settings
                try:
                    _check(item.name, item.attributes, first=index == 0)
                    skipped = self._begin(index, item, item.attributes)
                except UserError as error:
                    raise error_at(self._source, item.start, str(error)) from error
                if skipped:
                    following = self._ends[index] + 1
                else:
                    outer.append(settings)
            index = following
        return self._built.finish(self._root)

    def _begin(self, index: int, tag: Tag, attributes: Mapping[str, str]) -> bool:
        """Begin an element. Returns whether all of it has been read. Raises UserError, without a place."""
        name, built = tag.name, self._built
        if name in values.NO_EFFECT and attributes.get("level") != "none":
            self.without_effect.setdefault(f"<{name}>")
        for attribute in values.NO_EFFECT_ATTRIBUTES.get(name, ()):
            if attribute in attributes and attributes[attribute] not in ("default", "medium"):
                self.without_effect.setdefault(f"{attribute} of <{name}>")
        if name in values.SILENT:
            return True
        if name in values.WITHOUT_TEXT:
            self._content(index, tag, allowed=False)
            if name == "break":
                built.add_pause(values.read_break(attributes))
            return True
        if name in values.ONLY_TEXT:
            self._read_otherwise(index, tag, attributes)
            return True
        self._end_sentence(tag)
        if name == "prosody" and "rate" in attributes:
            rate = values.read_rate(attributes["rate"], built.settings.rate)
            built.settings = built.settings._replace(rate=rate)
        if name == "voice":
            self._choose_voice(attributes)
        if name != "speak" and name not in values.ATTRIBUTES and ":" in name:
            self.without_effect.setdefault(f"<{name}>")
        if "xml:lang" in attributes and not _says_the_script(self._text(index), attributes["xml:lang"]):
            self._change_language(name, attributes["xml:lang"])
        return False

    def _end_sentence(self, tag: Tag) -> None:
        """End what ends where an element begins or ends."""
        if tag.name == "p":
            self._built.end_paragraph(tag.start)
        elif tag.name == "s":
            self._built.end_sentence(tag.start)

    def _change_language(self, name: str, value: str) -> None:
        settings = self._built.settings
        around = settings.language or self._language or self._root
        language = values.read_language(value, around)
        if name == "speak":
            self._root = language
        elif language != around:
            self._built.settings = settings._replace(language=language)

    def _choose_voice(self, attributes: Mapping[str, str]) -> None:
        """The voice of <voice>: by its name, else by its language."""
        name = " ".join(attributes.get("name", "").split())
        language = next(filter(None, map(attributes.get, ("languages", "language", "xml:lang"))), "")
        if name:
            chosen: str | None = None if name == "default" else name
            self._built.settings = self._built.settings._replace(voice=chosen, voice_language=None)
        elif language.strip():
            code = values.read_language(language.split()[0].partition(":")[0], None)
            self._built.settings = self._built.settings._replace(
                voice=None, voice_language=code, language=code
            )
        elif "name" in attributes:
            raise UserError("the name of the voice is empty")

    def _read_otherwise(self, index: int, tag: Tag, attributes: Mapping[str, str]) -> None:
        """<phoneme>, <sub> and <say-as>."""
        content = self._content(index, tag).strip()
        place: Span = content.span if content.text else (tag.start, tag_end(self._source, tag.start))
        if tag.name == "phoneme":
            need_phonemes(self._tokenizer, "<phoneme>")
            alphabet = attributes.get("alphabet", "ipa").strip().lower()
            if alphabet != "ipa":
                raise UserError(f'the alphabet "{alphabet:.40}" is not read: write the phonemes in ipa')
            phonemes = check_phonemes(attributes["ph"].translate(_IPA), self._tokenizer.ids, "ph")
            self._built.add_word(place, content.text or attributes["ph"].strip() or "?", phonemes)
        elif tag.name == "sub":
            self._built.add_reading(place, content.text or attributes["alias"], attributes["alias"])
        elif content.text:
            kind, form = attributes["interpret-as"], attributes.get("format", "")
            spoken = read_say_as(content.text, kind, form, self._current_language())
            if spoken is None:
                self.without_effect.setdefault(f'<say-as interpret-as="{kind:.40}"> of "{content.text:.40}"')
                self._built.add_text(content)
            else:
                self._built.add_reading(place, content.text, spoken)

    def _current_language(self) -> str:
        return self._built.settings.language or self._language or self._root or self._script

    @functools.cached_property
    def _script(self) -> str:
        return detect_language(self._text(0))

    def _text(self, index: int) -> str:
        """The text in an element."""
        inside = self._items[index : self._ends[index]]
        return "".join(item.text for item in inside if isinstance(item, TracedText))

    def _content(self, index: int, tag: Tag, allowed: bool = True) -> TracedText:
        """The content of an element that has no elements; not `allowed`: nor text. Raises UserError."""
        texts = []
        for item in self._items[index + 1 : self._ends[index]]:
            if isinstance(item, Tag):
                raise UserError(f"<{item.name}> cannot be inside <{tag.name}>")
            texts.append(item)
        content = concatenate(texts)
        if content.text.strip() and not allowed:
            raise UserError(f"<{tag.name}> must be empty: write <{tag.name}/>")
        return content


def _find_ends(items: Sequence[Tag | TracedText]) -> dict[int, int]:
    """For each begin of an element, its end."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for index, item in enumerate(items):
        if isinstance(item, Tag):
            if item.attributes is None:
                ends[opened.pop()] = index
            else:
                opened.append(index)
    return ends


def _check(name: str, attributes: Mapping[str, str], first: bool) -> None:
    """Raise UserError for an element or an attribute that SSML does not have; others' have a prefix."""
    if name not in values.ELEMENTS and ":" not in name:
        raise UserError(f"there is no element <{name:.40}> in SSML")
    if name == "speak" and not first:
        raise UserError("<speak> cannot be inside <speak>")
    known = values.ATTRIBUTES.get(name)
    for attribute in attributes if known is not None else ():
        if attribute not in (known or ()) and ":" not in attribute:
            there_are = f"it has {', '.join(known)}" if known else "it has none"
            raise UserError(f'<{name}> has no attribute "{attribute:.40}"; {there_are}')
    required = values.REQUIRED.get(name)
    if required is not None and required not in attributes:
        raise UserError(f'<{name}> needs the attribute "{required}"')


def _says_the_script(text: str, language: str) -> bool:
    """Whether a text is read in this language wherever it stands, so that its sentence need not be cut."""
    spoken = [character for character in text if character.isalnum()]
    return find_code(language) == CHINESE and bool(spoken) and all(map(is_han, spoken))
