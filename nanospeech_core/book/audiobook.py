"""Make an audiobook: speak what is missing, write the file or the folder, and put it in place whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..audio.mel import SAMPLE_RATE
from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.options import GenerateOptions
from ..speech.timestamps import SUFFIXES as TIMES
from ..system.files import check_writable
from ..system.folders import check_replaceable, replacing_folder
from .book import Book, Chapter
from .speaking import SpokenChapter, speak_chapters
from .work_folder import WorkFolder, work_folder
from .writing import FORMATS, album_of, chapter_number, file_name, write_file, write_times


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

    def check(self, book: Book) -> None:
        """Raise UserError if it cannot be written. Called before hours of work."""
        if self.is_file:
            check_writable(self.output)
            if self.times:
                _check_folder(self.times_folder)
            return
        if self.output.suffix and not self.output.is_dir():
            raise UserError(
                f"cannot write {self.output}: the suffix must be one of {', '.join(FORMATS)}; "
                "a name without one is a folder"
            )
        _check_folder(self.output)
        _check_book(self.output, book.title)


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
            # All old ones go: their times count from the beginning of the old file.
            _put(made / "times", target.times_folder, lambda: _times(target.times_folder))
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
    numbers = {chapter.number for chapter in spoken}
    _put(folder, place, lambda: _of_chapters(place, None if len(numbers) == count else numbers))


def _put(new: Path, place: Path, find_replaced: Callable[[], Container[str]]) -> None:
    """Let a folder take the place of another, at once; what is not replaced of that one is in both.

    find_replaced: the names that are, besides those that the new folder has too. It is called when what a
        killed process left of the old folder is restored.
    """
    with replacing_folder(place) as folder:
        for path in new.iterdir():
            shutil.move(path, folder / path.name)
        replaced = find_replaced()
        for entry in _entries(place):
            if entry.name not in replaced:
                with suppress(FileExistsError, FileNotFoundError):  # a new file; deleted by someone else
                    _link(Path(entry.path), folder / entry.name)


def _link(path: Path, other: Path) -> None:
    try:
        os.link(path, other, follow_symlinks=False)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a file system without hard links, or a file of another user
        shutil.copy2(path, other, follow_symlinks=False)


def _of_chapters(folder: Path, numbers: Container[int] | None) -> set[str]:
    """The names of `_chapters`, and of their times."""
    files = [name for name, _ in _chapters(folder, numbers)]
    stems = {Path(name).stem for name in files}
    return {*files, *(name for name in _times(folder) if Path(name).stem in stems)}


def _chapters(folder: Path, numbers: Container[int] | None) -> Iterator[tuple[str, str]]:
    """The files in a folder that earlier runs wrote of these chapters (None: of all): name and book."""
    for entry in _entries(folder):
        number = chapter_number(entry.name, FORMATS)
        if number is None or not (numbers is None or number in numbers) or not entry.is_file():
            continue
        album = album_of(Path(entry.path))
        if album is not None:
            yield entry.name, album


def _times(folder: Path) -> list[str]:
    """The files in a folder with the times of a chapter's words."""
    return [entry.name for entry in _entries(folder) if chapter_number(entry.name, TIMES) is not None]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; nothing if there is none."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _check_folder(folder: Path) -> None:
    """Raise UserError if `_put` cannot replace a folder."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"cannot write {folder}: it is a file, and no folder")
    check_replaceable(folder)
    place = Path(os.path.realpath(folder))
    check_writable(place.parent / f"{place.name}.part")
    try:
        inside = [entry.name for entry in _entries(place) if entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    if inside:  # a library, or a home folder: too much to be moved
        raise UserError(f"cannot write {folder}: it has other folders ({inside[0]}): name a new folder")


def _check_book(folder: Path, title: str) -> None:
    """Raise UserError if a folder has chapters of another book."""
    for name, album in _chapters(folder, None):
        if album.split() != title.split():
            raise UserError(
                f"cannot write {folder}: it has chapters of another book ({name} is of "
                f'"{album}"): name a new folder'
            )


def _sync(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
