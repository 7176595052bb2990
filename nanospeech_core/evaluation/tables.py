"""The tables that an evaluation and a benchmark print."""

from __future__ import annotations

from collections.abc import Sequence

# Title, key of a summary, decimals.
EVALUATION_COLUMNS = (
    ("WER %", "wer", 1),
    ("CER %", "cer", 1),
    ("similarity", "similarity", 3),
    ("to voice", "similarity_voice", 3),
    ("DNSMOS", "dnsmos", 2),
    ("F0 sd, st", "f0_sd", 2),
    ("level sd, dB", "energy_sd", 2),
    ("RTF", "real_time_factor", 2),
)
# Title, key of a result, factor, decimals.
BENCHMARK_COLUMNS = (
    ("speech, s", "seconds", 1, 1),
    ("first sound, ms", "first_sound", 1e3, 0),
    ("all, ms", "elapsed", 1e3, 0),
    ("real-time factor", "real_time_factor", 1, 3),
    ("peak, MB", "peak_memory", 1e-6, 0),
    ("compiling, ms", "compiling", 1e3, 0),
    ("shapes", "misses", 1, 0),
    ("hits", "hits", 1, 0),
)
# Title, key of a result's counts.
COUNT_COLUMNS = (("passes", "transformer"), ("head evaluations", "diffusion_head"), ("mx.eval", "mx_eval"))


def evaluation_table(results: Sequence[dict]) -> str:
    """One line per summary. Columns that no summary has are left out."""
    columns = [column for column in EVALUATION_COLUMNS if any(column[1] in result for result in results)]
    lines = [["setting", "texts", *(title for title, _, _ in columns)]]
    for result in results:
        cells = [result["setting"], str(result["count"])]
        for _, key, digits in columns:
            cell = f"{result[key]:.{digits}f}" if key in result else "-"
            if f"{key}_ci" in result:
                low, high = result[f"{key}_ci"]
                cell += f" ({low:.{digits}f} to {high:.{digits}f})"
            cells.append(cell)
        lines.append(cells)
    return align_columns(lines)


def benchmark_table(report: dict) -> str:
    """The machine, the loading times, and one line per result with the counts of an average sentence."""
    machine, results = report["machine"], report["results"]
    facts = [report["backend"], report["model"], report["device"], machine["processor"]]
    facts += [f"{machine['cpus']} CPUs", machine["system"]]
    framework = report["backend"].removeprefix("nanospeech_")
    facts += [f"{framework} {report['versions'].get(framework)}"]
    facts += [f"{name}={value}" for name, value in report["threads"].items()]
    loads = [f"{load['load']:.2f} s ({load['precision']})" for load in report["loads"]]
    columns = [
        column for column in BENCHMARK_COLUMNS if any(result[column[1]] is not None for result in results)
    ]
    counts = [column for column in COUNT_COLUMNS if any(column[1] in result["counts"] for result in results)]
    titles = [column[0] for column in columns] + [column[0] for column in counts]
    lines = [["text", "setting", "precision", *titles]]
    for result in results:
        cells = [result["text"], result["setting"], result["precision"]]
        cells += [
            "" if result[key] is None else f"{result[key] * factor:.{digits}f}"
            for _, key, factor, digits in columns
        ]
        cells += [_count_cell(result["counts"][part], result["sentences"]) for _, part in counts]
        lines.append(cells)
    times = f"import {report['import']:.2f} s, load {', '.join(loads)}, medians of {report['runs']} runs"
    if report["process_peak_memory"] is not None:
        times += f"; peak memory of the process {report['process_peak_memory'] / 1e6:.0f} MB"
    return "\n".join((", ".join(facts), times, "", align_columns(lines, left=3)))


def _count_cell(count: dict, sentences: int) -> str:
    """Calls per sentence; `x 2` if guidance gives each call a batch of two rows."""
    cell = f"{count['calls'] / sentences:.4g}"
    return cell + " x 2" if count["rows"] == 2 * count["calls"] > 0 else cell


def align_columns(lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """Lines with equally many cells, as text. The first `left` columns are flush left, the others right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i >= left else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
