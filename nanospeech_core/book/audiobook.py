"""Make an audiobook: speak what is missing, write the file or the folder, and put it in place whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audio.mel import SAMPLE_RATE
from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.options import GenerateOptions
from ..speech.timestamps import SUFFIXES as TIMES
from ..system.files import check_writable
from .book import Book, Chapter
from .speaking import SpokenChapter, speak_chapters
from .work_folder import WorkFolder, work_folder
from .writing import FORMATS, check_target, file_name, write_file, write_times


@dataclass(frozen=True)
class Target:
    """What is written.

    output: a file with one of `FORMATS`' suffixes, or a folder for a file per chapter.
    suffix: of the files in a folder.
    times: the suffix of the files with the times of words, one per chapter; "": none. For an output file
        they are in a folder beside it.
    bit_rate: in bits per second.
    """

    output: Path
    suffix: str
    times: str = ""
    bit_rate: int = 64_000

    @property
    def is_file(self) -> bool:
        return self.output.suffix.lower() in FORMATS

    @property
    def times_folder(self) -> Path:
        """The folder of the times for an output file."""
        return self.output.with_name(self.output.stem + self.times)

    def check(self) -> None:
        """Raise UserError if it cannot be written. Called before hours of work."""
        if self.is_file:
            check_writable(self.output)
            if self.times:
                check_target(self.times_folder, (self.times,))
            return
        if self.output.suffix and not self.output.is_dir():
            raise UserError(
                f"cannot write {self.output}: the suffix must be one of {', '.join(FORMATS)}; "
                "a name without one is a folder"
            )
        if self.output.exists() and not self.output.is_dir():
            raise UserError(f"cannot write {self.output}: it is a file, and no folder")
        check_target(self.output, (*FORMATS, *TIMES))
        parent = Path(os.path.realpath(self.output)).parent
        check_writable(parent / f"{self.output.name}.part")


def make_audiobook(
    load: Callable[[], Pipeline],
    book: Book,
    chapters: Mapping[int, Chapter],
    count: int,
    target: Target,
    options: GenerateOptions,
    key: Callable[[Pipeline], str],
    progress: Callable[[int, int, int, int], None] | None = None,
) -> float:
    """Make an audiobook. What a killed call has finished is not spoken again by the next one.

    Args:
        load: loads the model. It is called when it is known that no other process makes the same output.
        book: for title, author and cover.
        chapters: those that are spoken, by their numbers in the book. They are checked when `load` returns:
            `speaking.find_errors` has found nothing in them.
        count: of all chapters that have a number: track 5/20.
        target: checked.
        options: of all chapters.
        key: `speaking.model_key` of the loaded model.
        progress: as `speak_chapters` calls it.
    Returns:
        the seconds of the audiobook.
    Raises:
        UserError: it cannot be spoken or written; nothing is left at the output.
    """
    with work_folder(target.output) as work:
        pipeline = load()
        spoken = speak_chapters(pipeline, chapters, options, work, key(pipeline), progress)
        try:
            _write(work, book, spoken, count, target)
        except OSError as error:
            raise UserError(f"cannot write {target.output}: {error.strerror or error}") from error
    return sum(chapter.samples for chapter in spoken) / SAMPLE_RATE


def _write(work: WorkFolder, book: Book, spoken: Sequence[SpokenChapter], count: int, target: Target) -> None:
    """Write everything in the work folder, then move it to its place."""
    made = work.path / "made"
    shutil.rmtree(made, ignore_errors=True)  # of a killed process
    made.mkdir()
    place = Path(os.path.realpath(target.output))
    if target.is_file:
        file = made / f"book{target.output.suffix.lower()}"
        write_file(file, book, spoken, target.bit_rate)
        if target.times:
            (made / "times").mkdir()
            write_times(made / "times", spoken, count, target.times, whole=True)
            _replace_folder(made / "times", target.times_folder, made)
        _sync(file)
        os.replace(file, place)
        return
    folder = made / "chapters"
    folder.mkdir()
    for chapter in spoken:
        file = folder / file_name(chapter.number, count, chapter.title, target.suffix)
        write_file(file, book, [chapter], target.bit_rate, (chapter.number, count))
        _sync(file)
    if target.times:
        write_times(folder, spoken, count, target.times, whole=False)
    _replace_folder(folder, place, made)


def _replace_folder(new: Path, place: Path, made: Path) -> None:
    if place.is_dir():
        os.replace(place, made / "old")
    os.replace(new, place)


def _sync(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
