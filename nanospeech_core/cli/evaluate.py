"""`python -m nanospeech_{mlx,torch}.evaluate`: all of it but the backend, which is passed in."""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..audio import files as audio
from ..errors import UserError
from ..evaluation import scorers
from ..evaluation.dataset import USUAL, Row, Setting, parse_setting, read_rows, recordings
from ..evaluation.metrics import Measures, Spoken, describe, means, measure, summarize
from ..evaluation.tables import surroundings, table
from ..sampling.options import GenerateOptions
from ..system.encodings import argument
from ..system.files import check_writable, make_folder, replacing
from ..text.languages import LANGUAGES
from ..voices import recognition
from ..voices.selection import choose_voice
from ..voices.store import Voice
from . import output
from .flags import add_precision

DESCRIPTION = (
    "Speak the sentences of a file by one or more settings and measure what is heard: misheard words (WER; "
    "for Chinese, characters: CER), similarity to a reference, DNSMOS, the standard deviations of pitch and "
    "level, and the real-time factor (time / duration of the speech, the first sentence not counted)."
)


@dataclass(frozen=True)
class Job:
    """One line of the table: utterances, and where they come from."""

    name: str
    speak: Callable[[Row], Spoken]
    options: dict = field(default_factory=dict)
    voices: dict[str, Voice] = field(default_factory=dict)  # by a row's id
    keep: Path | None = None  # the folder that the utterances are kept in


def run(load: Callable[[str | None, str], tuple], argv: Sequence[str] | None, prog: str) -> int:
    """The command's body.

    Args:
        load: a checkpoint or None (the embedded model) and one of `PRECISIONS` -> the model (a backend's
            `Nanospeech`) and the device that it runs on, in words.
        argv: the arguments, without the program's name; None: those of the process.
        prog: the program's name in messages.
    Returns:
        the exit code of `output.guard`.
    Raises:
        SystemExit: 2 after a mistake in the arguments, 0 after --help and --version.
    """
    args = _parse(argv, prog)
    return output.guard(lambda: _evaluate(load, args), prog, args.quiet)


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, allow_abbrev=False)
    # fmt: off
    parser.add_argument("checkpoint", nargs="?", metavar="CKPT", help="folder, hub id, `embedded` (default); "
        "on PyTorch also a training run's step-N.pt, of which the averaged weights are taken")
    parser.add_argument("--texts", required=True, metavar="JSONL", help="{text, id, lang, voice} a line; "
        "only text is needed")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N texts only")
    parser.add_argument("--setting", action="append", metavar="SAMPLER[:KEY=VALUE,...]", help="`masked`, "
        "`ode` or `refine`, with options of generate: masked:num_iter=4,cfg=2; repeatable (default: masked "
        "and ode, plain)")
    add_precision(parser)
    parser.add_argument("--wavs", metavar="DIR", help="no model: measure recordings, "
        "DIR/ID.wav (or .flac, ...)")
    parser.add_argument("--output", metavar="DIR", help="keep the speech as DIR/SETTING/ID.wav")
    parser.add_argument("--json", metavar="FILE", help="write all that is measured, utterance by utterance")
    parser.add_argument("--quiet", action="store_true", help="print the table and errors only")
    parser.add_argument("--version", action="version", version=f"nanospeech-mar {output.version()}")
    who = parser.add_argument_group("who speaks (default: the row's voice if the model has it, or its first)")
    who.add_argument("--voice", metavar="NAME", help="a voice of the model, for all rows")
    who.add_argument("--ref-audio", metavar="FILE", help="a recording as the voice of all rows")
    who.add_argument("--ref-text", type=argument, metavar="TEXT", help="what is said in it")
    what = parser.add_argument_group("what is measured")
    what.add_argument("--asr", metavar="KIND:MODEL", help="misheard words, by faster-whisper:NAME_OR_PATH; a "
        "small recognizer mishears people too: measure recordings beside the model's speech")
    what.add_argument("--reference", action="append", default=[], metavar="DIR|voice", help="similarity of "
        "the speaker to DIR/ID.wav (or .flac, ...), or to the voice's own recording; both may be given")
    what.add_argument("--no-dnsmos", action="store_true", help="without DNSMOS")
    what.add_argument("--no-prosody", action="store_true", help="without the deviations of pitch and level")
    what.add_argument("--threads", type=int, default=0, metavar="N", help="of the recognizer")
    # fmt: on
    args = parser.parse_args(argv)
    try:
        _check(args)
        args.settings = [parse_setting(text) for text in args.setting or USUAL]
        if len({setting.folder for setting in args.settings}) < len(args.settings):
            raise UserError("a --setting is given twice")
    except UserError as error:
        parser.error(str(error))
    return args


def _check(args: argparse.Namespace) -> None:
    """Raise UserError for arguments that are out of range or do not go together."""
    if args.ref_audio is not None and args.ref_text is None:
        raise UserError("--ref-audio needs --ref-text, the words that are said in it")
    GenerateOptions(voice=args.voice, ref_audio=args.ref_audio, ref_text=args.ref_text).check()
    if args.limit is not None and args.limit < 1 or args.threads < 0:
        raise UserError("--limit must be at least 1, and --threads at least 0")
    if len(args.reference) != len({name == "voice" for name in args.reference}):
        raise UserError("--reference takes one folder, and `voice`")
    if args.wavs is None:
        return
    for name in ("checkpoint", "setting", "voice", "ref_audio", "output"):
        if getattr(args, name):
            shown = "a checkpoint" if name == "checkpoint" else "--" + name.replace("_", "-")
            raise UserError(f"--wavs and {shown} exclude each other: recordings are measured as they are")
    if "voice" in args.reference:
        raise UserError("--reference voice needs a model: recordings have no voice of it")


def _evaluate(load: Callable[[str | None, str], tuple], args: argparse.Namespace) -> None:
    # What can be refused is refused before minutes of work.
    rows = read_rows(args.texts)[: args.limit]
    ids = [row.id for row in rows]
    if args.json:
        check_writable(args.json)
    folder = next((name for name in args.reference if name != "voice"), None)
    compared = recordings(folder, ids) if folder else {}
    wavs = recordings(args.wavs, ids) if args.wavs else {}
    measures = _measures(args, rows)
    report = {
        "model": args.wavs or args.checkpoint or "embedded",
        "texts": args.texts,
        "asr": args.asr,
        "reference": args.reference,
        **surroundings(),
    }
    if args.wavs:
        jobs = [Job(Path(args.wavs).resolve().name, lambda row: Spoken(audio.read(wavs[row.id])))]
    else:
        speaker, device = load(args.checkpoint, args.precision)
        backend = type(speaker).__module__.partition(".")[0]
        report |= {"backend": backend, "device": device, "precision": args.precision}
        jobs = list(_jobs(speaker, args, rows))
    known = {row.id: describe(audio.read(compared[row.id]), measures) for row in rows if compared}
    report["reference_means"] = means(list(known.values()))
    results: list[dict] = []
    for job in jobs:
        results.append(_work(job, rows, measures, known, args))
        if args.json:  # each time, so that what is measured is not lost with what follows
            with replacing(args.json) as path:
                text = json.dumps(report | {"settings": results}, ensure_ascii=False, indent=1)
                path.write_text(text + "\n", encoding="utf-8")
    if report["reference_means"]:
        results.append({"setting": "(reference)", "count": len(known)} | report["reference_means"])
    output.print_result(table(results))


def _measures(args: argparse.Namespace, rows: Sequence[Row]) -> Measures:
    """The libraries that are asked for, loaded."""
    languages = sorted({row.language for row in rows})
    recognize = None
    if args.asr:
        scorers.check_jiwer()
        recognize = recognition.recognizer(args.asr, languages, args.threads)
    return Measures(
        recognize,
        scorers.voice_encoder() if args.reference else None,
        None if args.no_dnsmos else scorers.dnsmos(),
        None if args.no_prosody else scorers.prosody(),
    )


def _jobs(speaker, args: argparse.Namespace, rows: Sequence[Row]) -> Iterator[Job]:
    """One for each setting; of the default ones, those that the model can."""
    settings: list[Setting] = args.settings
    if speaker.diffusion_module is None:
        settings = [setting for setting in settings if not setting.needs_head]
        if args.setting and len(settings) < len(args.settings):
            raise UserError("this model has no diffusion head: it can be asked for ode settings only")
    voices = _cast(speaker, args, rows)
    for setting in settings:
        options = asdict(setting.options)
        if args.ref_audio is not None:
            options |= {"ref_audio": args.ref_audio, "ref_text": args.ref_text}

        def speak(row: Row, options: dict = options) -> Spoken:
            voice = voices[row.id]
            own = {"lang": _accent(row, voice), "voice": None if args.ref_audio else voice.name}
            started = time.perf_counter()
            try:
                wave = speaker.generate(row.text, **options | own)
            except UserError as error:  # too long for the model, nothing to speak
                return Spoken(None, error=str(error))
            elapsed = time.perf_counter() - started
            if not len(wave) or not np.isfinite(wave).all():
                return Spoken(None, error="the speech is empty or has samples that are not finite")
            return Spoken(audio.as_written(wave), elapsed)  # DNSMOS also hears what 16 bits cannot hold

        keep = None if args.output is None else Path(args.output, setting.folder)
        yield Job(setting.name, speak, setting.used(speaker.config.sampling), voices, keep)


def _cast(speaker, args: argparse.Namespace, rows: Sequence[Row]) -> dict[str, Voice]:
    """Who speaks each row, by its id. `heart` is also found by a corpus's name for it, as `af_heart`."""
    chosen = GenerateOptions(voice=args.voice, ref_audio=args.ref_audio, ref_text=args.ref_text)
    default = choose_voice(speaker.folder, chosen)
    cast = {row.id: default for row in rows}
    if args.voice is None and args.ref_audio is None:
        known = {voice.name: voice for voice in speaker.voices()}
        chinese = choose_voice(speaker.folder, GenerateOptions(lang="zh"))
        strangers, in_place = set(), set()
        for row in rows:
            voice = known.get(row.voice or "") or known.get((row.voice or "").rpartition("_")[2])
            cast[row.id] = voice or (chinese if row.lang == "zh" else default)
            if row.voice and voice is None:
                strangers.add(row.voice)
                in_place.add(cast[row.id].name)
        if strangers:
            warnings.warn(
                f"the model has no voice {', '.join(sorted(strangers))}: "
                f"{' or '.join(sorted(in_place))} speaks in its place",
                stacklevel=2,
            )
    for row in rows:
        _accent(row, cast[row.id])
    return cast


def _accent(row: Row, voice: Voice) -> str:
    """The language to speak a row in, one of LANGUAGES: "en" is English in the voice's own accent."""
    if row.lang in LANGUAGES:
        return row.lang
    if row.lang != "en":
        raise UserError(
            f"the text {row.id} has the lang {row.lang!r}; a model speaks en, {', '.join(LANGUAGES)}"
        )
    return voice.language if voice.language.startswith("en") else "en-us"


def _work(
    job: Job, rows: Sequence[Row], measures: Measures, known: dict[str, dict], args: argparse.Namespace
) -> dict:
    """Speak and measure all rows: the summary and, under `utterances`, what it sums up."""
    from tqdm import tqdm

    own = {}
    if "voice" in args.reference:
        by_name = {voice.name: voice for voice in job.voices.values()}
        own = {name: describe(voice.audio, measures) for name, voice in by_name.items()}
    if job.keep is not None:
        make_folder(job.keep)
    utterances = []
    bar = tqdm(rows, job.name, unit="sentence", leave=False, file=sys.stderr, disable=args.quiet or None)
    with bar:
        for row in bar:
            spoken = job.speak(row)
            if job.keep is not None and spoken.wave is not None:
                audio.write(job.keep / f"{row.id}.wav", spoken.wave)
            references = {"similarity": known[row.id]} if known else {}
            name = job.voices[row.id].name if job.voices else row.voice
            if own:
                references["similarity_voice"] = own[name]
            line = {"id": row.id, "text": row.text, "lang": row.lang, "voice": name}
            utterances.append(line | measure(spoken, row, measures, references))
    failed = [u for u in utterances if "error" in u]
    if len(failed) == len(utterances):
        raise UserError(f"{job.name}: no text could be spoken: {failed[0]['error']}")
    if failed:
        warnings.warn(
            f"{job.name}: {len(failed)} of {len(utterances)} texts could not be spoken and count as nothing "
            f"heard; the first is {failed[0]['id']}: {failed[0]['error']}",
            stacklevel=2,
        )
    return {"setting": job.name, "options": job.options, **summarize(utterances), "utterances": utterances}
