"""Making voices of a checkpoint folder from utterances of the training data, with their speakers' tempo."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nanospeech_core.audio.mel import FRAME_RATE, SAMPLE_RATE
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import with_pauses
from nanospeech_core.text.languages import LANGUAGES
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.voices.reference import make_reference
from nanospeech_core.voices.store import Voice, load_voice, save_voice

if TYPE_CHECKING:
    from ..nanospeech import Nanospeech
    from ..training.data.corpus import AudioLocation

VOICE_SECONDS = 5.0  # of the utterance that becomes a voice
TEMPO_UTTERANCES = 60  # on which a voice's tempo is measured, about
LEAST_UTTERANCES = 20  # with fewer, the tempo is not measured


class Source(NamedTuple):
    """An utterance of the shards that becomes a voice."""

    key: str
    location: AudioLocation
    meta: dict  # its json


def read_voices(path: str) -> list[dict]:
    """The voices to make: `name`, `language`, `description`, optional `default`; and either the `key` of an
    utterance or the `voice` that the data name.
    """
    try:
        voices = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    needed = {"name", "language", "description"}
    for item in voices if isinstance(voices, list) else [voices]:
        if (
            not isinstance(item, dict)
            or not needed <= item.keys() <= {*needed, "default", "key", "voice"}
            or ("key" in item) == ("voice" in item)
        ):
            raise UserError(
                f"{path}: a voice must have {', '.join(sorted(needed))}, and key or voice; "
                "default is optional"
            )
    return voices


def make_voices(
    output: Path,
    voices: list[dict],
    default: str | None,
    shards: list[str],
    tempo_shards: list[str] | None,
    num_iter: int | None = None,
) -> None:
    """Store utterances of the training data as voices of a checkpoint folder, with their durations.

    Args:
        output: the checkpoint folder.
        voices: of `read_voices`. One without `key` becomes the utterance of its `voice` that is nearest to
            `VOICE_SECONDS`.
        default: the name of one more voice, the default one: the utterance nearest to `VOICE_SECONDS` of the
            data's voice of this name, or of any voice if there is none.
        shards: glob patterns.
        tempo_shards: glob patterns of the speech on which the voices' tempo is measured; None: `shards`.
            Texts that the model was not trained on are better: it may have memorized the tempo of the others.
        num_iter: of the voices, see `Voice`.
    Raises:
        UserError: an utterance does not exist, or cannot be a voice.
    """
    if not (voices or default):
        return
    from ..training.data.corpus import scan_shards

    sources, metas = select_sources(voices, default, shards)
    if tempo_shards is not None:
        metas = {}
        for _, _, meta in scan_shards(tuple(tempo_shards)):
            metas.setdefault(meta.get("voice"), []).append(meta)
    utterances = {
        item["name"]: [
            meta
            for meta in metas.get(source.meta["voice"], [])
            if meta is not source.meta and 2.0 < seconds(meta) < 20.0
        ]
        for item, source in sources
        if source.meta.get("voice") is not None
    }
    scarce = [name for name, found in utterances.items() if len(found) < LEAST_UTTERANCES]
    if tempo_shards is not None and scarce:
        raise UserError(f"--tempo-shards has fewer than {LEAST_UTTERANCES} utterances of {', '.join(scarce)}")
    for item, source in sources:
        make_voice(output, item, source, num_iter)
    set_tempos(output, {name: found for name, found in utterances.items() if name not in scarce})


def select_sources(
    voices: list[dict], default: str | None, shards: list[str]
) -> tuple[list[tuple[dict, Source]], dict[str | None, list[dict]]]:
    """The utterance of each voice, and the jsons of all utterances by voice. See `make_voices`."""
    from ..training.data.corpus import scan_shards

    by_key = {item["key"]: item for item in voices if "key" in item}
    metas: dict[str | None, list[dict]] = {}
    nearest: dict[str, tuple[float, Source | None]] = {
        item["voice"]: (math.inf, None) for item in voices if "voice" in item
    }
    best: tuple[tuple[bool, float], Source | None] = (True, math.inf), None
    sources = []
    for source in itertools.starmap(Source, scan_shards(tuple(shards))):
        voice = source.meta.get("voice")
        metas.setdefault(voice, []).append(source.meta)
        if source.key in by_key:
            sources.append((by_key.pop(source.key), source))
        distance = abs(seconds(source.meta) - VOICE_SECONDS)
        if voice in nearest and distance < nearest[voice][0]:
            nearest[voice] = distance, source
        rank = (voice != default, distance)
        if default and rank < best[0]:
            best = rank, source
    if by_key:
        raise UserError(f"the shards have no utterance {', '.join(by_key)}")
    if lacking := [name for name, (_, found) in nearest.items() if found is None]:
        raise UserError(f"the shards have no utterance of {', '.join(lacking)} with phonemes and durations")
    for item in voices:
        if "voice" in item and (found := nearest[item["voice"]][1]):
            sources.append((item, found))
    if default:
        if best[1] is None:
            raise UserError("the shards have no utterance with phonemes and their durations")
        language = best[1].meta.get("lang")
        language = language if language in LANGUAGES else "en-us"
        sources.append(({"name": default, "language": language, "description": "", "default": True}, best[1]))
    return sources, metas


def set_tempos(output: Path, utterances: dict[str, list[dict]]) -> None:
    """Store the tempo of voices, measured on their speakers' utterances.

    The duration predictor cannot infer from one short recording how fast its speaker usually is.
    """
    from ..models.duration import PhoneDurationPredictor
    from ..nanospeech import Nanospeech

    if not utterances:
        return
    model = Nanospeech.from_pretrained(output)
    if isinstance(model.duration_predictor, PhoneDurationPredictor):
        for name, metas in utterances.items():
            set_tempo(model, output, name, metas)


def set_tempo(model: Nanospeech, output: Path, name: str, metas: list[dict]) -> None:
    """Store a voice's tempo: the ratio of the predicted to the actual time of its speaker's utterances."""
    voice, tokenizer = load_voice(output, name), Tokenizer(model.config.text.kind, model.config.text.vocab)
    ids = tokenizer.encode(voice.phonemes)
    durations = None if voice.durations is None else np.array(voice.durations)
    reference = make_reference(voice.audio, ids, durations, model.config)
    predicted = actual = 0.0
    for meta in metas[:: -(-len(metas) // TEMPO_UTTERANCES)]:
        ids = with_pauses(tokenizer.encode(meta["phonemes"]), model.config)
        predicted += float(model.predict_frames(reference, ids).sum()) / FRAME_RATE
        actual += seconds(meta)
    save_voice(output, dataclasses.replace(voice, tempo=min(2.0, max(0.5, predicted / actual))))


def seconds(meta: dict) -> float:
    """An utterance's length by its durations; infinite if its json does not have what a voice needs."""
    from ..training.data.corpus import DURATION_UNIT, is_number_list

    durations, unit = meta.get("durations"), meta.get("duration_unit", DURATION_UNIT)
    if not (meta.get("text") and meta.get("phonemes")):
        return math.inf
    if not (is_number_list(durations) and is_number_list([unit])):
        return math.inf
    return sum(durations) * unit / SAMPLE_RATE


def make_voice(output: Path, item: dict, source: Source, num_iter: int | None = None) -> None:
    """Store an utterance as the voice that `item` describes. Raises UserError."""
    from ..training.data.corpus import DURATION_UNIT, TOLERANCE, Skip, read_wave

    key, location, meta = source
    try:
        if seconds(meta) == math.inf:
            raise Skip("it has no text, phonemes or durations")
        wave = read_wave(location.read(), max_seconds=30.0)
        padding = round(seconds(meta) * SAMPLE_RATE) - len(wave)  # added by a codec
        if abs(padding) > TOLERANCE * SAMPLE_RATE:
            raise Skip("its durations do not add up to the audio's")
    except Skip as error:
        raise UserError(f"the utterance {key} cannot be a voice: {error}") from error
    unit = meta.get("duration_unit", DURATION_UNIT) / SAMPLE_RATE
    voice = Voice(
        name=item["name"],
        audio=np.pad(wave, (0, max(0, padding)))[: len(wave) + padding],
        text=meta["text"],
        phonemes=meta["phonemes"],
        durations=tuple(float(duration) * unit for duration in meta["durations"]),
        language=item["language"],
        description=item["description"],
        default=item.get("default", False),
        num_iter=num_iter,
    )
    save_voice(output, voice)
