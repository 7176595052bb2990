"""Utterances of the training data as voices of a checkpoint folder, each with its speaker's tempo."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np

from nanospeech_core.audio.mel import FRAME_RATE, SAMPLE_RATE
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import with_pauses
from nanospeech_core.text.languages import LANGUAGES
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.voices.reference import make_reference
from nanospeech_core.voices.store import Voice, load_voice, save_voice

VOICE_SECONDS = 5.0  # of the utterance that becomes a voice
TEMPO_UTTERANCES = 60  # that a voice's tempo is measured on, ...
LEAST_UTTERANCES = 20  # ... and without which it is not


def read_voices(path: str) -> list[dict]:
    """The voices to cut: `name`, `language`, `description`, perhaps `default`; and `key`, of an utterance, or
    `voice`, as the data call the speaker.
    """
    try:
        wanted = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    needed = {"name", "language", "description"}
    for item in wanted if isinstance(wanted, list) else [wanted]:
        if (
            not isinstance(item, dict)
            or not needed <= item.keys() <= {*needed, "default", "key", "voice"}
            or ("key" in item) == ("voice" in item)
        ):
            raise UserError(
                f"{path}: a voice has {', '.join(sorted(needed))}, either key or voice, and perhaps default"
            )
    return wanted


def cut_voices(
    output: Path, wanted: list[dict], voice: str | None, shards: list[str], tempo_shards: list[str] | None
) -> None:
    """Store utterances of the training data as voices of a checkpoint folder, with their durations.

    Args:
        wanted: of `read_voices`; where one has no `key`, it is the utterance of about `VOICE_SECONDS` of its
            `voice`.
        voice: the name of one more, the default: the utterance of about `VOICE_SECONDS` that the data say to
            be of a voice of this name or, where none is, of any.
        shards: glob patterns.
        tempo_shards: the same, of what the voices' tempo is measured on; None: on `shards`. Of texts that it
            was trained on a model may know the tempo by heart.
    Raises:
        UserError: an utterance is not there, or cannot be a voice.
    """
    if not (wanted or voice):
        return
    from ..training.data.corpus import read_places

    by_key = {item["key"]: item for item in wanted if "key" in item}
    metas: dict[str | None, list[dict]] = {}
    by_voice = {item["voice"]: (float("inf"), None) for item in wanted if "voice" in item}
    likeliest, chosen = (True, float("inf")), None
    cuts = []
    for key, place, meta in read_places(tuple(shards)):
        metas.setdefault(meta.get("voice"), []).append(meta)
        if key in by_key:
            cuts.append((by_key.pop(key), key, place, meta))
        off = abs(seconds(meta) - VOICE_SECONDS)
        if meta.get("voice") in by_voice and off < by_voice[meta["voice"]][0]:
            by_voice[meta["voice"]] = off, (key, place, meta)
        fitness = (meta.get("voice") != voice, off)
        if voice and fitness < likeliest:
            likeliest, chosen = fitness, (key, place, meta)
    if by_key:
        raise UserError(f"the shards have no utterance {', '.join(by_key)}")
    if lacking := [name for name, (_, found) in by_voice.items() if found is None]:
        raise UserError(f"the shards have no utterance of {', '.join(lacking)} with phonemes and durations")
    for item in wanted:
        if "voice" in item:
            cuts.append((item, *by_voice[item["voice"]][1]))
    if voice and chosen is None:
        raise UserError("the shards have no utterance with phonemes and their durations")
    if chosen:
        key, place, meta = chosen
        language = meta["lang"] if meta.get("lang") in LANGUAGES else "en-us"
        item = {"name": voice, "language": language, "description": "", "default": True}
        cuts.append((item, key, place, meta))
    if tempo_shards is not None:
        metas = {}
        for _, _, meta in read_places(tuple(tempo_shards)):
            metas.setdefault(meta.get("voice"), []).append(meta)
    speakers = {
        item["name"]: [m for m in metas.get(meta["voice"], []) if m is not meta and 2.0 < seconds(m) < 20.0]
        for item, _, _, meta in cuts
        if meta.get("voice") is not None
    }
    scarce = [name for name, told in speakers.items() if len(told) < LEAST_UTTERANCES]
    if tempo_shards is not None and scarce:
        raise UserError(f"--tempo-shards has fewer than {LEAST_UTTERANCES} utterances of {', '.join(scarce)}")
    for item, key, place, meta in cuts:
        cut(output, item, key, place, meta)
    set_tempos(output, {name: told for name, told in speakers.items() if name not in scarce})


def set_tempos(output: Path, utterances: dict[str, list[dict]]) -> None:
    """Give stored voices the tempo that their speakers' utterances have.

    The duration predictor hardly hears from one short recording how fast its speaker usually is.
    """
    from ..models.duration import PhoneDurationPredictor
    from ..nanospeech import Nanospeech

    if not utterances:
        return
    model = Nanospeech.from_pretrained(output)
    if isinstance(model.duration_predictor, PhoneDurationPredictor):
        for name, metas in utterances.items():
            set_tempo(model, output, name, metas)


def set_tempo(model, output: Path, name: str, metas: list[dict]) -> None:
    """Give one voice the ratio of the predicted to the actual time of about `TEMPO_UTTERANCES` utterances."""
    voice, tokenizer = load_voice(output, name), Tokenizer(model.config.text.kind, model.config.text.vocab)
    reference = make_reference(voice.audio, tokenizer.encode(voice.phonemes), voice.durations, model.config)
    predicted = actual = 0.0
    for meta in metas[:: -(-len(metas) // TEMPO_UTTERANCES)]:
        ids = with_pauses(tokenizer.encode(meta["phonemes"]), model.config)
        predicted += float(model.predict_frames(reference, ids).sum()) / FRAME_RATE
        actual += seconds(meta)
    save_voice(output, dataclasses.replace(voice, tempo=min(2.0, max(0.5, predicted / actual))))


def seconds(meta: dict) -> float:
    """Of an utterance, by its durations; infinite where the json lacks what a voice needs."""
    from ..training.data.corpus import DURATION_UNIT, numbers

    durations, unit = meta.get("durations"), meta.get("duration_unit", DURATION_UNIT)
    if not (meta.get("text") and meta.get("phonemes") and numbers(durations) and numbers([unit])):
        return float("inf")
    return sum(durations) * unit / SAMPLE_RATE


def cut(output: Path, item: dict, key: str, place, meta: dict) -> None:
    """Store one utterance as the voice that `item` describes."""
    from ..training.data.corpus import DURATION_UNIT, TOLERANCE, Skip, read_wave

    try:
        if seconds(meta) == float("inf"):
            raise Skip("it lacks text, phonemes or durations")
        wave = read_wave(place.read(), max_seconds=30.0)
        padding = round(seconds(meta) * SAMPLE_RATE) - len(wave)  # by a codec
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
    )
    save_voice(output, voice)
