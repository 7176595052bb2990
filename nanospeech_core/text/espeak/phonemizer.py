"""Phonemes by espeak-ng, called through the library in the package espeakng-loader. English uses it.

espeak-ng keeps its voice and its state in global variables. So it is loaded once per process, on first use,
and a lock is held while it reads a sentence: threads take turns, and a fork waits until the sentence is read.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ...errors import UserError
from ..traced import Span, TracedText, concatenate
from .word_alignment import locate_words

NEEDS = "pip install espeakng-loader"
_REINSTALL = "pip install --force-reinstall espeakng-loader"

# Without one of these, and the voice's dictionary, espeak-ng prints a line to stderr and returns no phonemes.
_FILES = ("phontab", "phonindex", "phondata", "intonations")
_PATH_LIMIT = 159  # bytes; espeak-ng cannot open data whose path is longer

# Marks that the model sees as they are written. espeak-ng reads each stretch between two marks by itself.
_MARK = r';:,.!?¡¿—…"«»“”(){}\[\]'
_MARKS = re.compile(rf"(\s*[{_MARK}][{_MARK}\s]*)")
_QUOTES, _QUOTE_AND_SPACE = re.compile("['‘’]+"), re.compile("['‘’]+ ")  # 'Stop!' he said: without a sound
_FLAGS = re.compile(r"\([^()]*\)")  # a word that it reads as another language: "(fr)…(en-us)"

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS, _DONT_EXIT, _UTF8, _IPA = 0x02, 0x8000, 0x01, 0x02

_lock = threading.Lock()

if hasattr(os, "register_at_fork"):  # the child gets neither a held lock nor half a sentence's state
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def phonemize(text: TracedText, voice: str, given: Mapping[Span, str] = MappingProxyType({})) -> TracedText:
    """One sentence -> IPA with stress; punctuation and the spaces around it stay. Thread-safe.

    Args:
        text: as it is read aloud; a line break is a space.
        voice: a file in the folder `lang` of espeak-ng's data, such as "gmw/en-US".
        given: phonemes of words, by their place in the source. The text has a stand-in for such a word, so
            that espeak-ng reads the words around it as it would.
    Raises:
        UserError: espeak-ng is not installed or cannot be started.
    """
    text = text.replace_characters({0: " "}).single_spaced()
    with _lock:
        library = _library()
        if voice != library.voice:
            language = voice.rpartition("/")[2].partition("-")[0]
            _check_files(library.data, f"{language}_dict")
            if library.espeak_SetVoiceByName(voice.encode()):
                raise UserError(f"espeak-ng has no voice {voice}: {_REINSTALL}")
            library.voice = voice
        joined, position = TracedText("", ()), 0
        for match in [*_MARKS.finditer(text.text), None]:
            stretch = text[position : match.start() if match else None]
            phonemes = _read_words(library, stretch, given)
            spaced = joined.text.endswith(" ")
            if phonemes.text and joined.text and not spaced and _QUOTE_AND_SPACE.match(stretch.text):
                phonemes = TracedText.read_as(" ", (stretch.span[0],) * 2) + phonemes
            elif not phonemes.text and spaced and not _QUOTES.fullmatch(stretch.text):
                joined = joined[:-1]  # " — -" is one pause, not two
            joined += phonemes
            if match:
                joined += text[match.start() : match.end()]
                position = match.end()
    return joined


def version() -> str:
    """The version of espeak-ng. Raises UserError as `phonemize`."""
    with _lock:
        library = _library()
        library.espeak_Info.restype = ctypes.c_char_p
        return (library.espeak_Info(None) or b"").decode("utf-8", "replace")


def _read_words(library: Any, text: TracedText, given: Mapping[Span, str]) -> TracedText:
    """The phonemes of text between two marks, each traced to its word."""

    words = [text[match.start() : match.end()] for match in re.finditer(r"\S+", text.text)]
    if not words:
        return text
    phonemes = _read(library, " ".join(word.text for word in words))
    places = locate_words([word.text for word in words], phonemes, functools.partial(_read, library))
    parts, position = [], 0
    for word, (_, end) in zip(words, [*places[:-1], (0, len(phonemes))], strict=True):
        spoken = phonemes[position:end]
        if spoken.startswith(" "):
            parts.append(TracedText.read_as(" ", (word.span[0],) * 2))
        if given.keys().isdisjoint(word.spans):
            parts.append(TracedText.read_as(spoken.removeprefix(" "), word.span))
        else:
            parts += _read_given(library, word, given)
        position = end
    return concatenate(parts)


def _read_given(library: Any, word: TracedText, given: Mapping[Span, str]) -> list[TracedText]:
    """The phonemes of a word that has given ones: alone, or with more letters ("[re](/ɹˈiː/)-run")."""
    parts = []
    for place, start, end in word.runs(given):
        phonemes = _read(library, word.text[start:end]) if place is None else given[place]
        parts.append(TracedText.read_as(phonemes, word[start:end].span))
    return parts


def _read(library: Any, text: str) -> str:
    """The phonemes of text between two marks. Each call reads one clause and moves the pointer past it."""
    rest = ctypes.c_char_p(text.encode("utf-8", "replace"))
    clauses = []
    while rest.value:
        clauses.append(library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA) or b"")
    return " ".join(_FLAGS.sub("", b" ".join(clauses).decode("utf-8", "replace")).split())


@functools.cache
def _library() -> Any:  # a CDLL, whose functions have no types
    try:
        import espeakng_loader
    except ImportError as error:
        raise UserError(f"phonemes need espeak-ng: {NEEDS}") from error
    try:
        data = espeakng_loader.get_data_path()
        _check_files(data, *_FILES)
        library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        started = library.espeak_Initialize(_SYNCHRONOUS, 0, os.fsencode(_short_path(data)), _DONT_EXIT)
    except (OSError, AttributeError, RuntimeError) as error:  # RuntimeError: the loader finds no data
        raise UserError(f"espeak-ng cannot be started: {error}; {_REINSTALL}") from error
    library.voice, library.data = "", data  # no voice is set yet
    if started <= 0:
        raise UserError(f"espeak-ng cannot be started with the data in {data}: {_REINSTALL}")
    return library


def _check_files(data: str, *names: str) -> None:
    """Raise UserError for a file of espeak-ng's data that cannot be read."""
    for name in names:
        if not os.access(os.path.join(data, name), os.R_OK):
            raise UserError(f"espeak-ng cannot be started: {name} cannot be read in {data}; {_REINSTALL}")


def _short_path(path: str) -> str:
    """A path to the same folder, short enough for espeak-ng and valid until the process ends.

    Linux has a short path for an open folder, macOS for any folder, so that no file is made. Elsewhere the
    temporary folder gets a link.
    """
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        return path
    folder = os.open(path, os.O_RDONLY)  # never closed
    status = os.fstat(folder)
    for short in (f"/proc/self/fd/{folder}", f"/.vol/{status.st_dev}/{status.st_ino}"):
        if os.path.isdir(short) and os.path.samefile(short, path):
            return short
    os.close(folder)
    return _link(path)


def _link(path: str) -> str:
    import atexit
    import shutil
    import tempfile

    try:
        folder = tempfile.mkdtemp(prefix="espeak-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        link = Path(folder, "espeak-ng-data")
        link.symlink_to(path, target_is_directory=True)
    except OSError as error:
        raise UserError(
            f"espeak-ng cannot open the long path {path}, and no link to it can be created in the temporary "
            f"folder ({error.strerror or error}): install into a folder with a shorter name"
        ) from error
    return str(link)
