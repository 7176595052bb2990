"""Measure how well a model speaks: speak the texts of a file by several settings and score the speech.

The same metrics work on recordings, to compare a model with people.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..audio import files as audio
from ..cluster.parts import Part
from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.options import GenerateOptions
from ..system.files import check_writable, make_folder, replacing
from ..voices import recognition
from ..voices.store import Voice
from . import scorers
from .dataset import TextItem, find_recordings, read_items
from .environment import environment
from .metrics import Scorers, SpeechResult, means, score_reference, score_utterance, summarize
from .settings import DEFAULT_SETTINGS, Setting, parse_setting, settings_for
from .voices import choose_language, choose_voices

VOICE_REFERENCE = "voice"  # among `references`: the recording of the voice that speaks

# (a checkpoint or None: the embedded model, one of `PRECISIONS`) -> the model and the name of its device.
LoadModel = Callable[["str | None", str], "tuple[Pipeline, str]"]


@dataclass(frozen=True)
class EvaluationConfig:
    """What to evaluate, and how."""

    texts: str  # a JSONL file, see `dataset.read_items`
    limit: int | None = None  # only the first texts
    checkpoint: str | None = None  # None: the embedded model
    precision: str = "float32"
    settings: tuple[Setting, ...] = ()  # empty: DEFAULT_SETTINGS, as far as the model supports them
    wavs: str | None = None  # a folder of recordings to score instead of a model's speech
    voice: str | None = None  # of all texts; None: see `voices.choose_voices`
    ref_audio: str | None = None
    ref_text: str | None = None
    output: str | None = None  # a folder in which the speech is kept
    json: str | None = None  # the report's file
    asr: str | None = None  # a recognizer, see `recognition.recognizer`; None: no error rates
    references: tuple[str, ...] = ()  # for the similarity: a folder of recordings, VOICE_REFERENCE, or both
    dnsmos: bool = True
    prosody: bool = True
    threads: int = 0  # of the recognizer; 0: its default
    part: Part | None = None  # of the texts, in turn; see `parts.join`

    @property
    def reference_folder(self) -> str | None:
        return next((name for name in self.references if name != VOICE_REFERENCE), None)


@dataclass(frozen=True)
class System:
    """A source of speech to score: a model with a setting, or recordings."""

    name: str
    speak: Callable[[TextItem], SpeechResult]
    options: dict = field(default_factory=dict)
    voices: dict[str, Voice] = field(default_factory=dict)  # by the text's id
    output: Path | None = None  # the folder in which the speech is kept


def evaluate(load: LoadModel, config: EvaluationConfig, quiet: bool = False) -> list[dict]:
    """Run an evaluation. All input is checked before the model is loaded.

    Args:
        load: loads the model.
        config: what to evaluate.
        quiet: show no progress bar.
    Returns:
        a summary per setting, of the part's texts, for `tables.evaluation_table`. `config.json` gets all
        results; it is rewritten after each setting, so that an interrupted run keeps what is done.
    Raises:
        UserError: bad input, a missing library, or no text could be spoken.
    """
    all_items = read_items(config.texts)[: config.limit]
    part = config.part or Part(1, 1)
    if part.count > len(all_items):
        raise UserError(f"{part.count} parts of {len(all_items)} texts: some would be empty; use fewer")
    items = [item for index, item in enumerate(all_items) if part.has(index)]
    ids = [item.id for item in items]
    if config.json:
        check_writable(config.json)
    folder = config.reference_folder
    reference_files = find_recordings(folder, ids) if folder else {}
    recordings = find_recordings(config.wavs, ids) if config.wavs else {}
    metrics = load_scorers(config, all_items)
    report = {
        "model": config.wavs or config.checkpoint or "embedded",
        "texts": config.texts,
        "asr": config.asr,
        "reference": list(config.references),
        **environment(),
    }
    if config.wavs:
        name = Path(config.wavs).resolve().name
        systems = [System(name, lambda item: SpeechResult(audio.read(recordings[item.id])))]
    else:
        pipeline, device = load(config.checkpoint, config.precision)
        backend = type(pipeline).__module__.partition(".")[0]
        report |= {"backend": backend, "device": device, "precision": config.precision}
        systems = list(systems_of(pipeline, config, all_items))
    references = {
        item.id: score_reference(audio.read(reference_files[item.id]), metrics)
        for item in items
        if reference_files
    }
    reference_means = means(list(references.values()))
    report["reference_means"] = reference_means
    if config.part is not None:
        report |= part_fields(config, all_items, [system.name for system in systems], references)
    results: list[dict] = []
    for system in systems:
        results.append(score_system(system, items, metrics, references, config, quiet))
        if config.json:
            with replacing(config.json) as path:
                text = json.dumps(report | {"settings": results}, ensure_ascii=False, indent=1)
                path.write_text(text + "\n", encoding="utf-8")
    if reference_means:
        results.append({"setting": "(reference)", "count": len(references)} | reference_means)
    return results


def load_scorers(config: EvaluationConfig, items: Sequence[TextItem]) -> Scorers:
    """Load the libraries that the config asks for. Raises UserError if one is missing."""
    languages = sorted({item.language for item in items})
    recognize = None
    if config.asr:
        scorers.check_jiwer()
        recognize = recognition.recognizer(config.asr, languages, config.threads, "evaluate")
    return Scorers(
        recognize,
        scorers.voice_encoder() if config.references else None,
        scorers.dnsmos() if config.dnsmos else None,
        scorers.prosody() if config.prosody else None,
    )


def systems_of(pipeline: Pipeline, config: EvaluationConfig, items: Sequence[TextItem]) -> Iterator[System]:
    """The model with each of the settings."""
    settings = config.settings or [parse_setting(text) for text in DEFAULT_SETTINGS]
    settings = settings_for(pipeline.config, settings, are_defaults=not config.settings)
    voice_options = GenerateOptions(voice=config.voice, ref_audio=config.ref_audio, ref_text=config.ref_text)
    voices = choose_voices(pipeline, items, voice_options)
    for setting in settings:
        options = asdict(setting.options)
        if config.ref_audio is not None:
            options |= {"ref_audio": config.ref_audio, "ref_text": config.ref_text}

        def speak(item: TextItem, options: dict = options) -> SpeechResult:
            voice = voices[item.id]
            own = {
                "lang": choose_language(item, voice),
                "voice": None if config.ref_audio else voice.name,
            }
            started = time.perf_counter()
            try:
                wave = pipeline.generate(item.text, **options | own)
            except UserError as error:  # the text is too long, or has nothing to speak
                return SpeechResult(None, error=str(error))
            elapsed = time.perf_counter() - started
            if not len(wave) or not np.isfinite(wave).all():
                return SpeechResult(None, error="the speech is empty or has samples that are not finite")
            # Rounded to 16 bits like a file: DNSMOS is sensitive to the difference.
            return SpeechResult(audio.as_written(wave), elapsed)

        output = None if config.output is None else Path(config.output, setting.folder_name)
        yield System(setting.name, speak, setting.effective_options(pipeline.config.sampling), voices, output)


def score_system(
    system: System,
    items: Sequence[TextItem],
    metrics: Scorers,
    references: dict[str, dict],
    config: EvaluationConfig,
    quiet: bool,
) -> dict:
    """Speak and score all texts.

    Args:
        system: what speaks.
        items: the texts.
        metrics: what to measure.
        references: the `score_reference` of each text's recording, by the text's id; empty: there are none.
        config: the evaluation's.
        quiet: show no progress bar.
    Returns:
        the summary, with the single results under `utterances`.
    Raises:
        UserError: no text could be spoken.
    """
    from tqdm import tqdm

    voice_references = {}
    if VOICE_REFERENCE in config.references:
        by_name = {voice.name: voice for voice in system.voices.values()}
        voice_references = {name: score_reference(voice.audio, metrics) for name, voice in by_name.items()}
    if system.output is not None:
        make_folder(system.output)
    utterances = []
    # disable=None: the bar is shown on a terminal only.
    bar = tqdm(items, system.name, unit="sentence", leave=False, file=sys.stderr, disable=quiet or None)
    with bar:
        for item in bar:
            result = system.speak(item)
            if system.output is not None and result.wave is not None:
                audio.write(system.output / f"{item.id}.wav", result.wave)
            compared = {"similarity": references[item.id]} if references else {}
            voice = system.voices[item.id].name if system.voices else item.voice
            if voice_references and voice is not None:
                compared["similarity_voice"] = voice_references[voice]
            entry = {"id": item.id, "text": item.text, "lang": item.lang, "voice": voice}
            utterances.append(entry | score_utterance(result, item, metrics, compared))
    return summary_of(system.name, system.options, utterances, is_part=config.part is not None)


def summary_of(
    name: str, options: dict, utterances: Sequence[dict], is_part: bool = False, warm_ups: int = 1
) -> dict:
    """The summary of a setting, with the single results under `utterances`.

    Args:
        is_part: all texts of a part may fail.
        warm_ups: see `summarize`.
    Raises:
        UserError: no text could be spoken.
    """
    failed = [u for u in utterances if "error" in u]
    if len(failed) == len(utterances) and not is_part:
        raise UserError(f"{name}: no text could be spoken: {failed[0]['error']}")
    if failed:
        warnings.warn(
            f"{name}: {len(failed)} of {len(utterances)} texts could not be spoken; all their words "
            f"count as errors; the first is {failed[0]['id']}: {failed[0]['error']}",
            stacklevel=3,
        )
    return {
        "setting": name,
        "options": options,
        **summarize(utterances, warm_ups),
        "utterances": list(utterances),
    }


def part_fields(
    config: EvaluationConfig, items: Sequence[TextItem], systems: Sequence[str], references: dict[str, dict]
) -> dict:
    """What the report of a part says so that `parts.join` can join it."""
    assert config.part is not None
    own = ("part", "json", "output")
    command = {key: value for key, value in asdict(config).items() if key not in own}
    scores = {
        id: {key: value for key, value in found.items() if key != "embedding"}
        for id, found in references.items()
    }
    return {
        "part": [config.part.number, config.part.count],
        "command": json.loads(json.dumps(command)),
        "all_texts": [asdict(item) for item in items],
        "systems": list(systems),
        "references": scores,
    }
