"""python -m nanospeech_torch.diagnose MODEL SHARDS... --asr KIND:MODEL

Find the part of a model that loses quality: score held-out recordings, then the same sentences with one more
part of the model in use each time. `recording`: the audio of the shards. `vocoder`: its mel through the
vocoder. `infilled`: every other stretch of the mel is generated, the rest is visible. `durations`: the whole
mel is generated, with the recording's phonemes and durations. `text`: all of the model. Prints each stage's
scores, the paired difference to the stage before it, and the sounds that the recognizer confuses.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nanospeech_core.system.process import command, importing

PROG = "python -m nanospeech_torch.diagnose"

with importing(__name__, PROG):
    import argparse
    import json
    from collections.abc import Callable, Sequence
    from dataclasses import replace
    from pathlib import Path

    import numpy as np

    from nanospeech_core.audio import files as audio
    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.errors import UserError
    from nanospeech_core.evaluation.confusions import confusion_rows, count_confusions
    from nanospeech_core.evaluation.dataset import TextItem
    from nanospeech_core.evaluation.environment import environment
    from nanospeech_core.evaluation.evaluate import System, load_scorers, score_system
    from nanospeech_core.evaluation.metrics import SpeechResult, paired_difference
    from nanospeech_core.evaluation.settings import EvaluationConfig, Setting, parse_setting
    from nanospeech_core.evaluation.tables import align_columns, evaluation_table
    from nanospeech_core.evaluation.voices import choose_voices
    from nanospeech_core.sampling.options import GenerateOptions
    from nanospeech_core.synthesis.prompts import make_prompt
    from nanospeech_core.system.files import check_writable, replacing
    from nanospeech_core.system.install import need
    from nanospeech_core.text.language_detection import detect_language

    from .training.config import DataConfig
    from .training.data.corpus import IndexEntry, Skip, read_index, read_wave
    from .training.data.utterances import Utterance, load_utterance

if TYPE_CHECKING:
    from nanospeech_core.voices.store import Voice

    from .nanospeech import Nanospeech

STAGES = ("recording", "vocoder", "infilled", "durations", "text")
# Title, metric of `paired_difference`, decimals.
DIFFERENCES = (("errors, points", "error_rate", 1), ("DNSMOS", "dnsmos", 3), ("F0 sd, st", "f0_sd", 2))


@command(PROG)
def main(argv: Sequence[str] | None, prog: str) -> int:
    """Find the part of a model that loses quality."""
    parser = argparse.ArgumentParser(
        prog=prog, description=(__doc__ or "").split("\n\n")[1], allow_abbrev=False
    )
    # fmt: off
    parser.add_argument("model", metavar="DIR|ID", help='checkpoint folder, hub id, or "embedded"')
    parser.add_argument("shards", nargs="+", help="prepared tar files, or folders of audio + json, that the "
        "model was not trained on")
    parser.add_argument("--asr", metavar="KIND:MODEL", help="the recognizer, as in evaluate; without it "
        "there are no errors and no confusions")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, metavar="STAGE",
        help=f"of {', '.join(STAGES)} (default: all)")
    parser.add_argument("--setting", default="masked", metavar="SAMPLER[:KEY=VALUE,...]",
        help="of the stages `durations` and `text` (default: masked)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N utterances")
    parser.add_argument("--output", metavar="DIR", help="save the speech as DIR/STAGE/ID.wav")
    parser.add_argument("--json", metavar="FILE", help="write all results, utterance by utterance")
    parser.add_argument("--no-dnsmos", action="store_true", help="leave out DNSMOS")
    parser.add_argument("--no-prosody", action="store_true", help="leave out the deviation of pitch")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="threads of the recognizer "
        "(default: 0, its own choice)")
    parser.add_argument("--quiet", action="store_true", help="print only the tables and errors")
    # fmt: on
    args = parser.parse_args(argv)
    try:
        setting = parse_setting(args.setting)
        if args.limit is not None and args.limit < 1 or args.threads < 0:
            raise UserError("--limit must be at least 1, and --threads at least 0")
    except UserError as error:
        parser.error(str(error))
    return guard(lambda: run(args, setting), prog, args.quiet)


def run(args: argparse.Namespace, setting: Setting) -> None:
    """Score the stages and print the tables."""
    need(("torch",), "diagnosing", "torch")
    from .load import load

    if args.json:
        check_writable(args.json)
    pipeline = load(None if args.model == "embedded" else args.model)
    data = DataConfig(shards=tuple(args.shards))
    report = (lambda line: None) if args.quiet else (lambda line: print(line, file=sys.stderr))
    entries = read_index(data, pipeline.config, report)[: args.limit]
    items = [as_item(entry) for entry in entries]
    config = EvaluationConfig(
        texts=" ".join(args.shards),
        asr=args.asr,
        dnsmos=not args.no_dnsmos,
        prosody=not args.no_prosody,
        threads=args.threads,
    )
    metrics = load_scorers(config, items)
    voices = choose_voices(pipeline, items, GenerateOptions())
    by_key = {entry.key: entry for entry in entries}
    results: list[dict] = []
    for stage in STAGES:
        if stage not in args.stages:
            continue
        speak = speaker(stage, pipeline, by_key, voices, setting.options)
        output = Path(args.output, stage) if args.output else None
        system = System(stage, speak, voices=voices, output=output)
        results.append(score_system(system, items, metrics, {}, config, args.quiet))
        if args.json:
            facts = {"model": args.model, "shards": args.shards, "asr": args.asr, "setting": setting.name}
            with replacing(args.json) as path:
                text = json.dumps(facts | environment() | {"stages": results}, ensure_ascii=False, indent=1)
                path.write_text(text + "\n", encoding="utf-8")
    tables = [evaluation_table(results), difference_table(results)]
    tables += confusion_tables(results) if args.asr else []
    print_result("\n\n".join(table for table in tables if table))


def as_item(entry: IndexEntry) -> TextItem:
    """An utterance of the shards as a text to speak. Raises UserError if it has no text."""
    if not entry.text:
        raise UserError(f"{entry.key} has no text in its json: add it, or use other shards")
    return TextItem(entry.key, entry.text, detect_language(entry.text, "en"), entry.voice)


def speaker(
    stage: str,
    pipeline: Nanospeech,
    entries: dict[str, IndexEntry],
    voices: dict[str, Voice],
    options: GenerateOptions,
) -> Callable[[TextItem], SpeechResult]:
    """What speaks a text in one of STAGES.

    Args:
        stage: its name.
        pipeline: the model.
        entries: the recordings, by the text's id.
        voices: of each text, by its id.
        options: of the sampler.
    """

    def speak(item: TextItem) -> SpeechResult:
        entry, voice = entries[item.id], voices[item.id].name
        try:
            if stage == "recording":
                wave = read_wave(entry.location.read(), np.inf)
            elif stage == "text":
                wave = pipeline.generate(item.text, **vars(replace(options, voice=voice)))
            else:
                wave = pipeline.decode(stage_mel(stage, pipeline, load_utterance(entry), voice, options))
        except (Skip, UserError) as error:
            return SpeechResult(None, error=str(error))
        return SpeechResult(audio.as_written(wave))

    return speak


def stage_mel(
    stage: str, pipeline: Nanospeech, utterance: Utterance, voice: str, options: GenerateOptions
) -> np.ndarray:
    """The log-mel float32 [frames, bins] that the vocoder gets in a stage."""
    if stage == "vocoder":
        return utterance.mel.astype(np.float32)
    if stage == "infilled":
        from .training.vocoder.predicted_mels import predict

        return predict(pipeline, [utterance])[0]
    chosen = replace(options, voice=voice)
    config = pipeline.config
    reference, _ = pipeline.references.get(pipeline.folder, chosen, utterance.text, config, pipeline.aligner)
    prompt = make_prompt(reference, utterance.ids, utterance.durations, config)
    return pipeline.generate_mels([prompt], [chosen.seed], chosen)[0]


def difference_table(results: Sequence[dict]) -> str:
    """Each stage minus the one before it, and the last minus the first; "" for a single stage."""
    pairs = list(zip(results, results[1:], strict=False))
    if len(results) > 2:
        pairs.append((results[0], results[-1]))
    lines = [["difference", *(title for title, _, _ in DIFFERENCES)]]
    for before, after in pairs:
        cells = [f"{after['setting']} - {before['setting']}"]
        for _, name, digits in DIFFERENCES:
            cells.append(difference_cell(before["utterances"], after["utterances"], name, digits))
        lines.append(cells)
    return align_columns(lines) if pairs else ""


def difference_cell(before: Sequence[dict], after: Sequence[dict], name: str, digits: int) -> str:
    """A `paired_difference` with its interval."""
    found = paired_difference(before, after, name)
    if not found:
        return "-"
    low, high = found["ci"]
    return f"{found['difference']:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def confusion_tables(results: Sequence[dict]) -> list[str]:
    """For each language: how many sounds are wrong, and which ones the last stage loses."""
    tables = []
    names = [result["setting"] for result in results]
    for language in sorted({u["lang"] for u in results[0]["utterances"]}):
        chosen = [[u for u in result["utterances"] if u["lang"] == language] for result in results]
        counts = [
            count_confusions([u["text"] for u in stage], [u["heard"] for u in stage], language)
            for stage in chosen
        ]
        singles = [part_errors(stage, language) for stage in (chosen[0], chosen[-1])]
        rates = [[f"{language}: wrong, %", *names, f"{names[-1]} - {names[0]}"]]
        for part in counts[0]:
            difference = difference_cell(singles[0][part], singles[1][part], "error_rate", 1)
            rates.append([part, *(f"{count[part].rate:.1f}" for count in counts), difference])
        tables.append(align_columns(rates))
        for part in counts[0]:
            rows = confusion_rows(counts[0][part], counts[-1][part])
            head = [part, "expected", f"wrong: {names[0]}", names[-1], "recognized instead"]
            if rows:
                tables.append(align_columns([head, *rows]))
    return tables


def part_errors(utterances: Sequence[dict], language: str) -> dict[str, list[dict]]:
    """For each part of the units: the entries that `paired_difference` compares, one for each utterance."""
    errors: dict[str, list[dict]] = {}
    for u in utterances:
        for part, counts in count_confusions([u["text"]], [u["heard"]], language).items():
            entry = {"id": u["id"], "units": counts.expected.total(), "errors": counts.pairs.total()}
            errors.setdefault(part, []).append(entry)
    return errors


if __name__ == "__main__":
    sys.exit(main())
