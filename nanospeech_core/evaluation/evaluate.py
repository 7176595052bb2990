"""Measure how well a model speaks: speak the texts of a file by several settings and score the speech.

The same metrics work on recordings, to compare a model with people.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..audio import files as audio
from ..cluster.ray_engine import ray_map
from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.options import GenerateOptions
from ..system.files import check_writable, make_folder, replacing
from ..system.parallel import cpus
from ..voices import recognition
from ..voices.store import Voice
from . import scorers
from .dataset import TextItem, find_recordings, read_part
from .environment import environment
from .metrics import Scorers, SpeechResult, means, score_reference, score_utterance, summarize
from .parts.fields import part_fields, without_embedding
from .settings import (
    DEFAULT_SETTINGS,
    VOICE_REFERENCE,
    EvaluationConfig,
    parse_setting,
    settings_for,
)
from .voices import choose_language, choose_voices, own_iterations

# (a checkpoint or None: the embedded model, one of `PRECISIONS`) -> the model and the name of its device.
LoadModel = Callable[["str | None", str], "tuple[Pipeline, str]"]


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
    if config.json:
        check_writable(config.json)
    all_items, items = read_part(config.texts, config.limit, config.part)
    folder = config.reference_folder
    files = find_recordings(folder, [item.id for item in items]) if folder else {}
    metrics = Scorers() if config.engine == "ray" else load_scorers(config, all_items)
    systems, facts = find_systems(load, config, all_items, items)
    report = {
        "model": config.wavs or config.checkpoint or "embedded",
        "texts": config.texts,
        "asr": config.asr,
        "reference": list(config.references),
        **environment(),
        **facts,
    }
    with contextlib.ExitStack() as stack:
        scored: Iterator[dict] | None = None
        if config.engine == "ray":
            results_of_tasks = over_ray(load, config, items, len(systems), has_references=bool(files))
            scored = (found for _, found in stack.enter_context(contextlib.closing(results_of_tasks)))
            references = {item.id: next(scored) for item in items if files}
        else:
            references = {id: score_reference(audio.read(file), metrics) for id, file in files.items()}
        reference_means = means(list(references.values()))
        report["reference_means"] = reference_means
        if config.part is not None:
            report |= part_fields(config.part, config, all_items, systems, references)
        results: list[dict] = []
        for system in systems:
            results.append(score_system(system, items, metrics, references, config, quiet, scored))
            if config.json:
                with replacing(config.json) as path:
                    text = json.dumps(report | {"settings": results}, ensure_ascii=False, indent=1)
                    path.write_text(text + "\n", encoding="utf-8")
    if reference_means:
        results.append({"setting": "(reference)", "count": len(references)} | reference_means)
    return results


def over_ray(
    load: LoadModel, config: EvaluationConfig, items: Sequence[TextItem], systems: int, has_references: bool
) -> Generator[tuple[int, dict], None, None]:
    """The results of `make_scorer` for the recordings to compare with, if there are any, and each system."""

    def lost(job: tuple[int, int]) -> dict:
        raise UserError(f"the text {items[job[1]].id} ends the process that speaks or measures it")

    numbers = range(-1 if has_references else 0, systems)
    jobs = ((0, (number, index), True) for number in numbers for index in range(len(items)))
    return ray_map(functools.partial(make_scorer, load, config), jobs, lost, cpus())


def make_scorer(load: LoadModel, config: EvaluationConfig) -> Callable[[tuple[int, int]], dict]:
    """In a worker: a function that speaks and scores (the number of a system, the index of a text).

    For the number -1, it is the `score_reference` of the text's recording, without the embedding.
    """
    all_items, items = read_part(config.texts, config.limit, config.part)
    metrics = load_scorers(config, all_items)
    systems, _ = find_systems(load, config, all_items, items)
    folder = config.reference_folder
    files = find_recordings(folder, [item.id for item in items]) if folder else {}
    voices = functools.cache(lambda number: score_voices(systems[number], metrics, config))
    reference = functools.cache(lambda id: score_reference(audio.read(files[id]), metrics))

    def score(job: tuple[int, int]) -> dict:
        number, item = job[0], items[job[1]]
        if number < 0:
            return without_embedding(reference(item.id))
        references = {item.id: reference(item.id)} if files else {}
        return score_item(systems[number], item, metrics, references, voices(number))

    return score


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


def find_systems(
    load: LoadModel, config: EvaluationConfig, all_items: Sequence[TextItem], items: Sequence[TextItem]
) -> tuple[list[System], dict]:
    """What speaks, and what the report says of it. Raises UserError."""
    if config.wavs:
        recordings = find_recordings(config.wavs, [item.id for item in items])
        name = Path(config.wavs).resolve().name
        return [System(name, lambda item: SpeechResult(audio.read(recordings[item.id])))], {}
    pipeline, device = load(config.checkpoint, config.precision)
    backend = type(pipeline).__module__.partition(".")[0]
    facts = {"backend": backend, "device": device, "precision": config.precision}
    return list(systems_of(pipeline, config, all_items)), facts


def systems_of(pipeline: Pipeline, config: EvaluationConfig, items: Sequence[TextItem]) -> Iterator[System]:
    """The model with each of the settings."""
    settings = config.settings or [parse_setting(text) for text in DEFAULT_SETTINGS]
    settings = settings_for(pipeline.config, settings, are_defaults=not config.settings)
    voice_options = GenerateOptions(voice=config.voice, ref_audio=config.ref_audio, ref_text=config.ref_text)
    voices = choose_voices(pipeline, items, voice_options)
    defaults, own = pipeline.config.sampling, own_iterations(pipeline, voices.values())
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
        yield System(setting.name, speak, setting.effective_options(defaults, own), voices, output)


def score_system(
    system: System,
    items: Sequence[TextItem],
    metrics: Scorers,
    references: dict[str, dict],
    config: EvaluationConfig,
    quiet: bool,
    scored: Iterator[dict] | None = None,
) -> dict:
    """Speak and score all texts.

    Args:
        system: what speaks.
        items: the texts.
        metrics: what to measure.
        references: the `score_reference` of each text's recording, by the text's id; empty: there are none.
        config: the evaluation's.
        quiet: show no progress bar.
        scored: the results of the texts come from here; None: they are spoken and scored here.
    Returns:
        the summary, with the single results under `utterances`.
    Raises:
        UserError: no text could be spoken.
    """
    from tqdm import tqdm

    voices = {} if scored is not None else score_voices(system, metrics, config)
    if system.output is not None:
        make_folder(system.output)
    utterances = []
    # disable=None: the bar is shown on a terminal only.
    bar = tqdm(items, system.name, unit="sentence", leave=False, file=sys.stderr, disable=quiet or None)
    with bar:
        for item in bar:
            entry = score_item(system, item, metrics, references, voices) if scored is None else next(scored)
            utterances.append(entry)
    return summary_of(system.name, system.options, utterances, is_part=config.part is not None)


def score_voices(system: System, metrics: Scorers, config: EvaluationConfig) -> dict[str, dict]:
    """The `score_reference` of the voices' own recordings, by name, if they are compared with."""
    if VOICE_REFERENCE not in config.references:
        return {}
    by_name = {voice.name: voice for voice in system.voices.values()}
    return {name: score_reference(voice.audio, metrics) for name, voice in by_name.items()}


def score_item(
    system: System,
    item: TextItem,
    metrics: Scorers,
    references: dict[str, dict],
    voices: dict[str, dict],
) -> dict:
    """Speak and score a text; see `score_system` and `score_voices`."""
    result = system.speak(item)
    if system.output is not None and result.wave is not None:
        make_folder(system.output)
        audio.write(system.output / f"{item.id}.wav", result.wave)
    compared = {"similarity": references[item.id]} if references else {}
    voice = system.voices[item.id].name if system.voices else item.voice
    if voices and voice is not None:
        compared["similarity_voice"] = voices[voice]
    entry = {"id": item.id, "text": item.text, "lang": item.lang, "voice": voice}
    return entry | score_utterance(result, item, metrics, compared)


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
