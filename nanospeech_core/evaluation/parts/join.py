"""Joining the reports of parts: the results and the table of one run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...cluster.parts import Part, check_parts, numbers_of
from ...errors import UserError
from ...system.encodings import read_text
from ...system.files import check_writable, replacing
from ..evaluate import summary_of
from ..metrics import means

OF_A_PART = ("part", "command", "all_texts", "systems", "references")
OF_THE_RUN = ("model", "asr", "reference", "backend", "precision", "versions")


def join(files: Sequence[str], output: str | None = None) -> list[dict]:
    """The summaries of an evaluation of which all parts are there.

    Args:
        files: the reports of `evaluate` with a part.
        output: a file for all results, as `evaluate` writes it.
    Returns:
        as `evaluate`. The first text of each part does not count for the real-time factor.
    Raises:
        UserError: a part is missing, doubled, not complete or of another command; a file cannot be read or
            written; or no text could be spoken.
    """
    if output is not None:
        check_writable(output)
    reports = [read_report(file) for file in files]
    check_parts([(part, file) for (part, _), file in zip(reports, files, strict=True)])
    ordered = sorted(zip(reports, files, strict=True), key=lambda entry: entry[0][0])
    check_same([(file, report) for (_, report), file in ordered])
    unfinished = [(part, file) for (part, report), file in ordered if not is_complete(report)]
    if unfinished:
        one = len(unfinished) == 1
        raise UserError(
            f"{numbers_of(part.number for part, _ in unfinished)} of {len(files)} "
            f"{'is' if one else 'are'} not complete ({unfinished[0][1]}): wait for the jobs that are "
            "running, and run those again that were stopped"
        )
    parts = [report for (_, report), _ in ordered]
    first = parts[0]
    count = len(first["all_texts"])
    results = [
        summary_of(
            setting["setting"],
            setting["options"],
            dealt([part["settings"][number]["utterances"] for part in parts], count),
            warm_ups=len(parts),
        )
        for number, setting in enumerate(first["settings"])
    ]
    scores = {id: found for part in parts for id, found in part["references"].items()}
    reference_means = means([scores[item["id"]] for item in first["all_texts"] if item["id"] in scores])
    if output is not None:
        report = {key: value for key, value in first.items() if key not in OF_A_PART}
        report |= {"reference_means": reference_means, "settings": results}
        with replacing(output) as path:
            path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if reference_means:
        results.append({"setting": "(reference)", "count": len(scores)} | reference_means)
    return results


def read_report(file: str) -> tuple[Part, dict[str, Any]]:
    """The part and the content of a report. Raises UserError if it is not one of a part."""
    try:
        report = json.loads(read_text(file))
        part = Part(*report["part"])
        if not (1 <= part.number <= part.count and all(key in report for key in (*OF_A_PART, "settings"))):
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file} is not the --json of an evaluation with --part") from error
    return part, report


def check_same(reports: Sequence[tuple[str, dict]]) -> None:
    """Raise UserError if a report is of another command, other texts, another backend or other versions."""
    (first_file, first), *others = reports
    for file, report in others:
        differing = sorted(
            key for key, value in report["command"].items() if value != first["command"].get(key)
        )
        if report["all_texts"] != first["all_texts"]:
            differing.append("the texts")
        differing += [key for key in OF_THE_RUN if report.get(key) != first.get(key)]
        if differing:
            raise UserError(
                f"{file} was measured differently than {first_file} ({', '.join(dict.fromkeys(differing))}): "
                "run its part again"
            )


def is_complete(report: dict) -> bool:
    """Whether all settings are there, each with all texts of the part."""
    part, count = Part(*report["part"]), len(report["all_texts"])
    own = sum(part.has(index) for index in range(count))
    settings = report["settings"]
    return [setting["setting"] for setting in settings] == report["systems"] and all(
        len(setting["utterances"]) == own for setting in settings
    )


def dealt(parts: Sequence[Sequence[dict]], count: int) -> list[dict]:
    """The utterances of parts in the order of the texts, which were dealt in turn."""
    return [parts[index % len(parts)][index // len(parts)] for index in range(count)]
