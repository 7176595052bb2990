"""The report of a run: counts, added up over the shards, and their table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from nanospeech_core.audio.mel import SAMPLE_RATE

from .recording import Remark
from .utterance import Prepared, Rejected, Utterance

EXAMPLES = 5  # of each reason
UNDERSTOOD = 3  # examples of what was understood
TOP = 10  # speakers in the table, and tables
BAR = 40  # characters of the longest bar
WIDTH = 100  # most characters of an example's text
NOT_NAMED = "(not named)"


@dataclass
class Tally:
    """Counts of utterances. Speakers and languages are name -> [utterances, samples at 24 kHz]."""

    recordings: int = 0  # that were read, the rejected ones too
    utterances: int = 0
    samples: int = 0
    split: list[int] = field(default_factory=lambda: [0, 0])  # recordings, and the utterances they became
    cut: list[float] = field(default_factory=lambda: [0, 0.0])  # recordings with silent ends, seconds of it
    speakers: dict[str, list[int]] = field(default_factory=dict)
    languages: dict[str, list[int]] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)  # whole seconds -> utterances
    durations: dict[str, int] = field(default_factory=dict)  # given, aligned, none -> utterances
    unknown: dict[str, int] = field(default_factory=dict)  # symbol -> utterances with it
    rejected: list[list[str]] = field(default_factory=list)  # [id, reason, detail]
    doubts: list[list[str]] = field(default_factory=list)  # the same of recordings that are used
    damaged: list[list[str]] = field(default_factory=list)  # [input, error]
    layouts: list[str] = field(default_factory=list)  # how tables were understood
    examples: list[list[str]] = field(default_factory=list)  # [file, text, speaker] of the first utterances
    unused: dict[str, int] = field(
        default_factory=dict
    )  # what the sources have beside recordings -> how many

    def accept(self, found: Prepared) -> None:
        self.recordings += 1
        for utterance in found.utterances:
            self.count(utterance)
        if len(found.utterances) > 1:
            self.split = [self.split[0] + 1, self.split[1] + len(found.utterances)]
        if found.seconds_cut:
            self.cut = [self.cut[0] + 1, self.cut[1] + found.seconds_cut]
        add(self.unused, dict.fromkeys(found.utterances[0].unused, 1))
        self.doubts += [[found.id, *doubt] for doubt in found.doubts]

    def count(self, utterance: Utterance) -> None:
        samples = utterance.meta["samples"]
        self.utterances += 1
        self.samples += samples
        voice = utterance.meta.get("voice", "")
        for table, name in ((self.speakers, voice), (self.languages, utterance.meta["lang"])):
            entry = table.setdefault(name, [0, 0])
            entry[0] += 1
            entry[1] += samples
        add(self.lengths, {str(samples // SAMPLE_RATE): 1})
        add(self.durations, {utterance.timing: 1})
        add(self.unknown, dict.fromkeys(utterance.unknown, 1))
        if len(self.examples) < UNDERSTOOD:
            self.examples.append([utterance.file or utterance.id, utterance.meta["text"], voice])

    def reject(self, rejected: Rejected) -> None:
        self.recordings += 1
        self.rejected.append([rejected.id, rejected.reason, rejected.detail])

    def remark(self, remark: Remark) -> None:
        if remark.unused:
            add(self.unused, {remark.text: remark.unused})
        else:
            self.layouts.append(remark.text)

    def merge(self, other: Tally) -> None:
        self.recordings += other.recordings
        self.utterances += other.utterances
        self.samples += other.samples
        self.split = [a + b for a, b in zip(self.split, other.split, strict=True)]
        self.cut = [a + b for a, b in zip(self.cut, other.cut, strict=True)]
        for name in ("speakers", "languages"):
            mine = getattr(self, name)
            for key, (count, samples) in getattr(other, name).items():
                entry = mine.setdefault(key, [0, 0])
                entry[0] += count
                entry[1] += samples
        for name in ("lengths", "durations", "unknown", "unused"):
            add(getattr(self, name), getattr(other, name))
        self.layouts += other.layouts
        self.examples = (self.examples + other.examples)[:UNDERSTOOD]
        self.rejected += other.rejected
        self.doubts += other.doubts
        self.damaged += other.damaged

    def to_dict(self) -> dict:
        return asdict(self)


def reasons(cases: list[list[str]]) -> list[dict]:
    """Each reason of [id, reason, detail], with its count and its first cases, the most frequent first."""
    found: dict[str, dict] = {}
    for id, reason, detail in cases:
        entry = found.setdefault(reason, {"reason": reason, "count": 0, "first": []})
        entry["count"] += 1
        if len(entry["first"]) < EXAMPLES:
            entry["first"].append(f"{id} ({detail})" if detail else id)
    return sorted(found.values(), key=lambda entry: (-entry["count"], entry["reason"]))


def add(counts: dict[str, int], more: dict[str, int]) -> None:
    for key, count in more.items():
        counts[key] = counts.get(key, 0) + count


def make_report(tally: Tally, shards: int) -> dict:
    """The content of report.json."""

    def shares(table: dict[str, list[int]]) -> list[dict]:
        ranked = sorted(table.items(), key=lambda entry: (-entry[1][1], entry[0]))
        return [{"name": name, "utterances": n, "hours": hours(samples)} for name, (n, samples) in ranked]

    examples = [dict(zip(("file", "text", "speaker"), case, strict=True)) for case in tally.examples]
    return {
        "layouts": tally.layouts,
        "examples": examples,
        "hours": hours(tally.samples),
        "recordings": tally.recordings,
        "utterances": tally.utterances,
        "shards": shards,
        "speakers": shares(tally.speakers),
        "languages": shares(tally.languages),
        "durations": dict(sorted(tally.durations.items())),
        "lengths": {second: tally.lengths[second] for second in sorted(tally.lengths, key=int)},
        "unknown_symbols": dict(sorted(tally.unknown.items(), key=lambda entry: (-entry[1], entry[0]))),
        "split": dict(zip(("recordings", "utterances"), tally.split, strict=True)),
        "silence_cut": {"recordings": tally.cut[0], "seconds": round(tally.cut[1], 2)},
        "rejected": {"count": len(tally.rejected), "reasons": reasons(tally.rejected)},
        "doubts": reasons(tally.doubts),
        "unused": dict(sorted(tally.unused.items(), key=lambda entry: (-entry[1], entry[0]))),
        "damaged": [{"input": name, "error": error} for name, error in tally.damaged],
    }


def hours(samples: int) -> float:
    return round(samples / SAMPLE_RATE / 3600, 6)


def table(report: dict) -> str:
    """A report as text."""
    lines = [
        *understood(report),
        f"{format_hours(report['hours'])} in {counted(report['utterances'], 'utterance')}, "
        f"{counted(report['shards'], 'shard')}",
        *changes(report),
        "",
        f"speakers: {len(report['speakers'])}",
        *shares_table(report["speakers"]),
        f"languages: {len(report['languages'])}",
        *shares_table(report["languages"]),
        "durations: " + ", ".join(f"{name} {count}" for name, count in report["durations"].items()),
        "",
        "length in seconds:",
        *histogram({int(second): count for second, count in report["lengths"].items()}),
        "",
        f"rejected: {report['rejected']['count']}"
        + (" (all of them are in rejected.jsonl)" if report["rejected"]["count"] else ""),
        *reasons_table(report["rejected"]["reasons"]),
    ]
    if doubts := report.get("doubts"):
        lines += ["used, but listen to them:", *reasons_table(doubts)]
    unknown = report["unknown_symbols"]
    if unknown:
        most = [f'"{symbol}" (U+{ord(symbol[0]):04X}) in {count}' for symbol, count in unknown.items()]
        lines.append(f"symbols outside the vocabulary, left out: {list_examples(most[:TOP], len(most))}")
    if unused := report.get("unused"):
        lines.append("not used:")
        lines += [f"{count:>9}  {what}" for what, count in unused.items()]
    lines += [f"damaged: {entry['input']}: {entry['error']}" for entry in report["damaged"]]
    return "\n".join(lines)


def understood(report: dict) -> list[str]:
    """How tables were read, and the first utterances."""
    layouts = report.get("layouts", [])
    lines = layouts[:TOP]
    if len(layouts) > TOP:
        lines.append(f"({len(layouts) - TOP} more tables)")
    for case in report.get("examples", []):
        text = case["text"] if len(case["text"]) <= WIDTH else case["text"][: WIDTH - 3] + "..."
        lines.append(f'  {case["file"]}: "{text}" (speaker: {case["speaker"] or NOT_NAMED})')
    return [*lines, ""] if lines else []


def changes(report: dict) -> list[str]:
    """What was done to recordings, beside their format."""
    lines = []
    if (split := report.get("split")) and split["recordings"]:
        lines.append(
            f"split at pauses: {counted(split['recordings'], 'long recording')}, "
            f"into {split['utterances']} utterances"
        )
    if (cut := report.get("silence_cut")) and cut["recordings"]:
        lines.append(
            f"silence cut off the ends: {cut['seconds']:.1f} s of {counted(cut['recordings'], 'recording')}"
        )
    return lines


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def reasons_table(entries: list[dict]) -> list[str]:
    return [f"{e['count']:>9}  {e['reason']}: {list_examples(e['first'], e['count'])}" for e in entries]


def shares_table(shares: list[dict]) -> list[str]:
    rows = [
        f"{entry['utterances']:>9}  {format_hours(entry['hours']):>8}  {entry['name'] or NOT_NAMED}"
        for entry in shares[:TOP]
    ]
    rest = shares[TOP:]
    if rest:
        total = format_hours(sum(entry["hours"] for entry in rest))
        rows.append(f"{sum(entry['utterances'] for entry in rest):>9}  {total:>8}  ({len(rest)} more)")
    return rows


def histogram(lengths: dict[int, int]) -> list[str]:
    """A bar for each length in whole seconds, from the shortest to the longest."""
    if not lengths:
        return []
    most = max(lengths.values())
    rows = []
    for second in range(min(lengths), max(lengths) + 1):
        count = lengths.get(second, 0)
        bar = "#" * (-(-count * BAR // most))
        rows.append(f"{second:>4} - {second + 1:<3} {count:>7} {bar}".rstrip())
    return rows


def list_examples(cases: list[str], count: int) -> str:
    """The first of `count` cases."""
    return ", ".join(cases) + (", ..." if count > len(cases) else "")


def format_hours(value: float) -> str:
    return f"{value:.1f} h" if value >= 10 else f"{value:.2f} h" if value >= 1 else f"{60 * value:.1f} min"
