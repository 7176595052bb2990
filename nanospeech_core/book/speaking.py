"""Speak the chapters of a book, passage by passage; each is kept in the work folder when it is finished."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..audio import files as audio
from ..audio.mel import SAMPLE_RATE
from ..checkpoints.folder import PRETRAINED
from ..config import ModelConfig
from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.options import GenerateOptions
from ..speech.speech import Speech
from ..synthesis.frontend import check_options, check_speakable
from ..voices.selection import choose_voice
from ..voices.store import Voice
from .book import LEAD, TAIL, Chapter
from .passages import split_passages
from .work_folder import Passage, WorkFolder


@dataclass(frozen=True)
class SpokenChapter:
    """A chapter whose passages are finished. number: as the user knows it."""

    number: int
    title: str
    passages: tuple[Passage, ...]

    @property
    def samples(self) -> int:
        """With the silence around it, at 24 kHz."""
        return sum(passage.samples for passage in self.passages) + round((LEAD + TAIL) * SAMPLE_RATE)

    def sentences(self, start: float = 0.0) -> list[Speech]:
        """The sentences with their times, for a chapter that begins at `start` seconds."""
        found, begin = [], start + LEAD
        for passage in self.passages:
            found += [_shifted(sentence, begin) for sentence in passage.sentences]
            begin += passage.samples / SAMPLE_RATE
        return found


def speak_chapters(
    pipeline: Pipeline,
    chapters: Mapping[int, Chapter],
    options: GenerateOptions,
    work: WorkFolder,
    model: str = "",
    progress: Callable[[int, int, int, int], None] | None = None,
) -> list[SpokenChapter]:
    """Speak chapters, except the passages that are in the work folder.

    Args:
        pipeline: the model.
        chapters: to be spoken, by their numbers; `find_errors` has found nothing in them.
        options: of all chapters. One voice speaks them all: without a voice, that of the chapters' language.
        work: where finished passages are kept.
        model: what else the speech depends on: `model_key`.
        progress: called with the number of the chapter, the characters spoken now, those that are ready, and
            those in all.
    Raises:
        UserError: as `Pipeline.generate`, with the chapter's name.
    """
    cut = {number: split_passages(chapter.text) for number, chapter in chapters.items()}
    texts = [text for passages in cut.values() for text in passages]
    if options.voice is None and options.ref_audio is None:  # that of a passage could be another one
        options = replace(options, voice=voice_of_book(pipeline.folder, options, chapters.values()).name)
    common = _key(model, _options_key(pipeline, options))
    total = sum(len(text) for text in texts)
    ready = {key: passage for text in texts if (passage := work.find(key := _key(common, text)))}
    done = sum(len(text) for text in texts if _key(common, text) in ready)
    before, spoken = done, []
    for number, passages in cut.items():
        name = _name(number, chapters[number])
        finished = []
        for text in passages:
            key = _key(common, text)
            passage = ready.get(key)
            if passage is None:

                def report(
                    characters: int, number: int = number, now: int = done - before, length: int = len(text)
                ) -> None:
                    if progress is not None:
                        progress(number, now + min(characters, length), before, total)

                passage = ready[key] = _speak_passage(pipeline, text, name, options, work, key, report)
                done += len(text)
            finished.append(passage)
        spoken.append(SpokenChapter(number, chapters[number].title, tuple(finished)))
        if progress is not None:
            progress(number, done - before, before, total)
    return spoken


def _speak_passage(
    pipeline: Pipeline,
    text: str,
    name: str,
    options: GenerateOptions,
    work: WorkFolder,
    key: str,
    report: Callable[[int], None],
) -> Passage:
    sentences: list[Speech] = []
    samples = characters = 0
    report(0)
    with audio.writing(work.audio(key), pipeline.sample_rate) as write:
        for speech in _naming(name, pipeline.speak(text, standalone=False, **asdict(options))):
            write(speech.wave)
            samples += len(speech.wave)
            characters += len(speech.text) + 1
            report(characters)
            if speech.text:
                sentences.append(replace(speech, wave=speech.wave[:0]))
    work.finish(key, samples, sentences)
    passage = work.find(key)
    if passage is None:
        raise UserError(f"cannot read {work.audio(key)}, which was just written: is the disk damaged?")
    return passage


def find_errors(
    chapters: Mapping[int, Chapter],
    config: ModelConfig,
    folder: str | os.PathLike | None,
    options: GenerateOptions,
) -> list[UserError]:
    """What cannot be spoken: the first error of each chapter.

    Args:
        chapters: by their numbers.
        config, folder: of the model.
        options: of all chapters.
    Raises:
        UserError: of the options.
    """
    check_options(config, folder, options)
    errors = []
    for number, chapter in chapters.items():
        try:
            for text in split_passages(chapter.text):
                check_speakable(text, _name(number, chapter), config, folder, options)
        except UserError as error:
            errors.append(error)
    return errors


def _name(number: int, chapter: Chapter) -> str:
    """What messages call a chapter."""
    return f"chapter {number} ({chapter.title})"


def _naming(name: str, speeches: Iterable[Speech]) -> Iterator[Speech]:
    """The same, with the name of their chapter in an error: the few that only speaking finds."""
    try:
        yield from speeches
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def voice_of_book(
    folder: str | os.PathLike | None, options: GenerateOptions, chapters: Iterable[Chapter]
) -> Voice:
    """The voice that speaks a whole book.

    folder: of the model.
    """
    return choose_voice(folder, options, "\n".join(chapter.text for chapter in chapters)[:200_000])


def model_key(pipeline: Pipeline, vocoder: str | None, precision: str, version: str) -> str:
    """A key of all but text and options: weights, backend, precision, this package's version."""
    folder = Path(PRETRAINED if pipeline.folder is None else pipeline.folder)
    digest = hashlib.sha256(_key(type(pipeline).__module__, vocoder, precision, version).encode())
    places = [folder, *([Path(vocoder)] if vocoder and os.path.exists(vocoder) else [])]
    for place in places:
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        for file in files:
            if file.suffix in (".safetensors", ".json"):
                digest.update(file.name.encode())
                with open(file, "rb") as stream:
                    while block := stream.read(1 << 20):
                        digest.update(block)
    return digest.hexdigest()


def _options_key(pipeline: Pipeline, options: GenerateOptions) -> str:
    """A key of the options: of files their content, of the voice its reference."""
    values = {name: value for name, value in asdict(options).items() if not name.startswith("ref_")}
    lexicon = options.lexicon
    if lexicon is not None and not isinstance(lexicon, Mapping):
        values["lexicon"] = hashlib.sha256(Path(lexicon).read_bytes()).hexdigest()
    reference, language = pipeline.references.get(
        pipeline.folder, options, "", pipeline.config, pipeline.aligner
    )
    parts = [np.ascontiguousarray(part) for part in (reference.mel, reference.ids, reference.durations)]
    voice = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    return _key(values, voice, reference.tempo, reference.num_iter, language)


def _key(*values: object) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _shifted(speech: Speech, by: float) -> Speech:
    words = tuple(
        word._replace(start=word.start + by, end=word.end + by, phones=_later(word.phones, by))
        for word in speech.words
    )
    return replace(
        speech, start=speech.start + by, end=speech.end + by, words=words, phones=_later(speech.phones, by)
    )


def _later(phones, by: float) -> tuple:
    return tuple(phone._replace(start=phone.start + by, end=phone.end + by) for phone in phones)
