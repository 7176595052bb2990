"""python examples/embedded/texts.py --ljspeech FILE --libritts DIR --tatoeba FILE... -o texts.jsonl

Collect texts for the teacher: lines {"id", "lang", "voice", "source", "text"}, from public transcripts and
sentence collections. The id, the voice and the position of a sentence depend on its hash. So the file is
shuffled, its beginning is a fair sample of it, and a newer download changes only sentences that were added or
removed. Sentences that contain one of eval_*.jsonl, beside this file, are left out.
"""

from __future__ import annotations

import argparse
import bz2
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nanospeech_core.cli.output import guard
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.dataset import read_items
from nanospeech_core.system.files import check_writable, replacing
from nanospeech_core.text.chinese.normalize import simplified

HERE = Path(__file__).parent
# The teacher's voices and their shares of the sentences, in percent.
VOICES = {
    "en": {"af_heart": 40, "am_michael": 25, "bf_emma": 20, "bm_george": 15},
    "zh": {"zf_xiaoxiao": 67, "zm_yunxi": 33},
    "es": {"ef_dora": 50, "em_alex": 50},
}
CHARACTERS = {
    "en": re.compile(r"[A-Za-z .,\"'?!;:—-]+"),  # no digit: transcripts spell numbers out
    "zh": re.compile(r"[\u4e00-\u9fff。，？！、：“”]+"),
    "es": re.compile(r"[A-Za-zÁÉÍÓÚÜÑáéíóúüñ .,\"?!¿¡;:—-]+"),
}
MAX_WORDS = 32  # nine or ten seconds
PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " "})
TATOEBA = {"eng": "tatoeba-en", "cmn": "tatoeba-zh", "spa": "tatoeba-es"}


@dataclass(frozen=True)
class Source:
    """One collection: its language, and limits of its sentences' lengths, in characters."""

    lang: str
    shortest: int
    longest: int


SOURCES = {
    "ljspeech": Source("en", 18, 136),
    "libritts": Source("en", 18, 136),
    "tatoeba-en": Source("en", 18, 108),
    "tatoeba-zh": Source("zh", 6, 34),
    "tatoeba-es": Source("es", 12, 110),
    "fortunes-es": Source("es", 12, 110),
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="texts", description=(__doc__ or "").split("\n\n")[1], allow_abbrev=False
    )
    parser.add_argument("--ljspeech", type=Path, metavar="FILE", help="LJSpeech's metadata.csv")
    parser.add_argument(
        "--libritts", type=Path, metavar="DIR", help="folder with *.normalized.txt at any depth"
    )
    tatoeba, fortunes = "eng_, cmn_ or spa_sentences.tsv(.bz2)", "*.fortunes of Debian's package fortunes-es"
    parser.add_argument("--tatoeba", type=Path, nargs="*", default=[], metavar="FILE", help=tatoeba)
    parser.add_argument("--fortunes", type=Path, nargs="*", default=[], metavar="FILE", help=fortunes)
    parser.add_argument(
        "--exclude", type=Path, nargs="*", default=[], metavar="JSONL", help="more texts to leave out"
    )
    parser.add_argument(
        "--limit", type=int, default=16000, metavar="N", help="at most N of each source (default: 16000)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="file to write")
    args = parser.parse_args(argv)
    if args.limit < 1:
        parser.error("--limit must be at least 1")
    if not (args.ljspeech or args.libritts or args.tatoeba or args.fortunes):
        parser.error("name a source: --ljspeech, --libritts, --tatoeba or --fortunes")
    return guard(lambda: run(args), "texts", quiet=False)


def run(args: argparse.Namespace) -> None:
    check_writable(args.output)
    evaluation = [*sorted(HERE.glob("eval_*.jsonl")), *args.exclude]
    excluded = [key(row.text) for path in evaluation for row in read_items(path)]
    found: dict[str, dict[str, str]] = {}  # of each source: its sentences by their hash
    seen: set[str] = set()
    left_out: Counter[tuple[str, str]] = Counter()
    for name, text in sentences(args.ljspeech, args.libritts, args.tatoeba, args.fortunes):
        text, reason = clean(text, SOURCES[name])
        if not reason and key(text) in seen:
            reason = "duplicates"
        if reason:
            left_out[name, reason] += 1
            continue
        seen.add(key(text))
        found.setdefault(name, {})[digest(text)] = text
    rows = []
    for name, texts in found.items():
        taken = take(texts, excluded, args.limit)
        left_out[name, "of the evaluation"] = taken.excluded
        left_out[name, "beyond --limit"] = len(texts) - len(taken.hashes) - taken.excluded
        rows += [make_row(name, hash, texts[hash]) for hash in taken.hashes]
    if not rows:
        raise UserError("no sentence is left: " + (reasons(left_out) or "the sources are empty"))
    rows.sort(key=lambda row: row["id"].partition("-")[2])
    with replacing(args.output) as temporary:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        temporary.write_text("".join(lines), encoding="utf-8")
    for name in sorted({name for name, _ in left_out}):
        count = sum(row["source"] == name for row in rows)
        print(f"{name}: {count} sentences ({reasons(left_out, name) or 'all of them'})")
    sys.stdout.flush()


# sources


def sentences(
    ljspeech: Path | None, libritts: Path | None, tatoeba: list[Path], fortunes: list[Path]
) -> Iterator[tuple[str, str]]:
    """(source, text) of all sources. Raises UserError if a file cannot be read or has no sentence."""
    if ljspeech is not None:
        yield from (("ljspeech", text) for text in some(read_ljspeech(ljspeech), ljspeech))
    if libritts is not None:
        yield from (("libritts", text) for text in some(read_libritts(libritts), libritts))
    for path in tatoeba:
        yield from some(read_tatoeba(path), path)
    for path in fortunes:
        yield from (("fortunes-es", text) for text in some(read_fortunes(path), path))


def some(found: Iterator, path: Path) -> Iterator:
    """Yield the items. Raises UserError if there are none, or if `path` cannot be read."""
    empty = True
    try:
        for item in found:
            empty = False
            yield item
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if empty:
        raise UserError(f"there is no sentence in {path}; is it the file that the option names?")


def read_ljspeech(path: Path) -> Iterator[str]:
    """The third cell of id|text|normalized text: numbers and abbreviations are words there."""
    with open(path, encoding="utf-8-sig") as file:
        for line in file:
            cells = line.rstrip("\r\n").split("|")
            if len(cells) == 3:
                yield cells[2]


def read_libritts(folder: Path) -> Iterator[str]:
    """The transcripts of an unpacked LibriTTS or LibriTTS-R."""
    for path in sorted(folder.rglob("*.normalized.txt")):
        yield path.read_text(encoding="utf-8-sig")


def read_tatoeba(path: Path) -> Iterator[tuple[str, str]]:
    """(source, text) of the lines id, language, text (a tab between), in the languages of TATOEBA."""
    opener: Callable = bz2.open if path.suffix == ".bz2" else open
    with opener(path, "rt", encoding="utf-8-sig") as file:
        for line in file:
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) == 3 and cells[1] in TATOEBA:
                yield TATOEBA[cells[1]], cells[2]


def read_fortunes(path: Path) -> Iterator[str]:
    """The texts between lines of "%", without the line that names the author (after "--")."""
    for text in re.split(r"^%$", path.read_text(encoding="utf-8-sig"), flags=re.MULTILINE):
        text = re.sub(r"^\s*--.*", "", text, flags=re.MULTILINE | re.DOTALL).strip()
        if text:
            yield text


# sentences


def clean(text: str, source: Source) -> tuple[str, str]:
    """(the text with plain quotes and spaces, why it cannot be used or "")."""
    text = " ".join(text.split())
    if source.lang == "en":
        text = text.translate(PLAIN).strip()
    if not source.shortest <= len(text) <= source.longest or len(text.split()) > MAX_WORDS:
        return text, "too short or too long"
    if not CHARACTERS[source.lang].fullmatch(text):
        return text, "other characters"
    if source.lang == "zh" and simplified(text) != text:
        return text, "traditional characters"
    return text, ""


def key(text: str) -> str:
    """Equal for sentences that count as the same: only letters and digits, without case."""
    return "".join(character for character in text.casefold() if character.isalnum())


def digest(text: str) -> str:
    return hashlib.blake2b(key(text).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Taken:
    hashes: list[str]
    excluded: int  # sentences that were left out


def take(texts: dict[str, str], excluded: list[str], limit: int) -> Taken:
    """The first `limit` by hash that contain none of the excluded sentences."""
    hashes: list[str] = []
    count = 0
    for hash in sorted(texts):
        if len(hashes) == limit:
            break
        letters = key(texts[hash])
        if any(sentence in letters for sentence in excluded):
            count += 1
        else:
            hashes.append(hash)
    return Taken(hashes, count)


def make_row(source: str, hash: str, text: str) -> dict:
    lang = SOURCES[source].lang
    return {"id": f"{lang}-{hash}", "lang": lang, "voice": voice(hash, lang), "source": source, "text": text}


def voice(hash: str, lang: str) -> str:
    """The voice of a sentence, by the shares of VOICES."""
    share = int(hashlib.blake2b(hash.encode(), digest_size=4).hexdigest(), 16) % 100
    for name, percent in VOICES[lang].items():
        share -= percent
        if share < 0:
            return name
    raise ValueError(f"the shares of {lang} are not 100%")


def reasons(left_out: Counter, source: str | None = None) -> str:
    """ "3 duplicates, 1 other characters": how many sentences of a source, or of all, were left out."""
    counts: Counter[str] = Counter()
    for (name, reason), count in left_out.items():
        counts[reason] += count if source in (None, name) else 0
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common() if count)


if __name__ == "__main__":
    sys.exit(main())
