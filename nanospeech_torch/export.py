"""python -m nanospeech_torch.export RUN -o DIR: a checkpoint folder that speaks, from what was trained."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

import numpy as np

from nanospeech_core import checkpoint
from nanospeech_core.config import ModelConfig, VocosConfig
from nanospeech_core.errors import UserError
from nanospeech_core.files import make_folder, replacing
from nanospeech_core.mel import SAMPLE_RATE
from nanospeech_core.prompt import FRAME_RATE, make_reference, with_pauses
from nanospeech_core.text import LANGUAGES, Tokenizer
from nanospeech_core.voices import Voice, load_voice, save_voice

VOICE_SECONDS = 5.0  # of the utterance that becomes a voice
TEMPO_UTTERANCES = 60  # that a voice's tempo is measured on


def main(argv: list[str] | None = None) -> int:
    """Join the averaged weights of a training run, a vocoder, an aligner and voices into one folder.

    A vocoder's run alone becomes one file: -o vocos.safetensors.
    """
    parser = argparse.ArgumentParser(prog="python -m nanospeech_torch.export", description=main.__doc__)
    parser.add_argument("run", help="a training run's folder (its best.pt, or the newest), or one checkpoint")
    parser.add_argument(
        "vocoder",
        nargs="?",
        help="a vocoder's run, a vocos.safetensors, a folder or a hub id (default: the embedded one)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="DIR", type=Path)
    parser.add_argument(
        "--aligner",
        metavar="RUN|DIR|ID",
        help="an aligner of its own (default: the embedded one, if it reads the same symbols)",
    )
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float16", help="of the weights")
    parser.add_argument("--voice", metavar="NAME", help="cut one voice, of an utterance of that voice or any")
    parser.add_argument(
        "--voices", metavar="JSON", help="a list of voices to cut (see examples/embedded/voices.json)"
    )
    parser.add_argument("--shards", nargs="*", default=[], metavar="GLOB", help="where their utterances are")
    args = parser.parse_args(argv)
    try:
        wanted = read_voices(args.voices) if args.voices else []
        export(args.run, args.output, args.vocoder, args.aligner, args.dtype)
        cut_voices(args.output, wanted, args.voice, args.shards)
    except UserError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    return 0


def export(
    run: str,
    output: Path,
    vocoder: str | None = None,
    aligner: str | None = None,
    dtype: str = "float16",
) -> None:
    """Write config.json, model.safetensors, vocos.safetensors and, where there is one, aligner.safetensors.

    All have the format "pt".

    Args:
        run: a training run's folder or checkpoint; of a vocoder, its weights alone are written.
        output: the folder; of a vocoder, the file.
        vocoder: a vocoder's run, or as `training.vocoder_weights.read_vocoder` takes it; None: the embedded.
        aligner: an aligner's run, or as `training.alignment_weights.read_aligner` takes it; None: the
            embedded one, if it reads the same symbols.
        dtype: "float16" or "float32".
    Raises:
        UserError: an input is missing or broken, or the output cannot be written.
    """
    from .training.run import read_checkpoint
    from .training.vocoder_weights import read_vocoder, vocoder_of

    path = newest(run)
    state = read_checkpoint(path)
    if not (isinstance(state, dict) and isinstance(state.get("config"), dict) and "ema" in state):
        raise UserError(f"{path} is no checkpoint of nanospeech_torch.train")
    if "transformer" not in state["config"]:
        if vocoder or aligner or output.suffix != ".safetensors":
            raise UserError(
                f"{path} is not an acoustic model's; a vocoder alone is exported to -o vocos.safetensors"
            )
        save_vocoder(output, *vocoder_of(state, path), dtype)
        return
    config = ModelConfig.from_dict(state["config"], path)
    vocos, vocos_weights = read_vocoder(newest(vocoder or "embedded"))
    sizes, aligner_weights = find_aligner(config, aligner)
    config = dataclasses.replace(config, vocoder=vocos, aligner=sizes)
    make_folder(output)
    model = {name: value.numpy() for name, value in state["ema"].items()}
    save(output / "model.safetensors", model, dtype)
    save_vocoder(output / "vocos.safetensors", vocos, vocos_weights, dtype)
    if aligner_weights:
        save(output / "aligner.safetensors", aligner_weights, dtype)
    with replacing(output / "config.json") as file:
        text = json.dumps(config.to_dict(), indent=1, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")


def newest(run: str) -> str:
    """The best checkpoint of a run's folder, or else the newest; anything else as it is."""
    from .training.run import checkpoints

    best = Path(run, "best.pt")
    found = [best] if best.is_file() else checkpoints(Path(run))
    if os.path.isdir(run) and not found and Path(run, "log.jsonl").is_file():
        raise UserError(f"{run} has no checkpoint yet")
    return str(found[-1]) if found else run


def find_aligner(config: ModelConfig, wanted: str | None):
    """The sizes (None: no aligner) and tensors of the aligner for a model."""
    from .training.alignment_weights import read_aligner

    if wanted is None:
        embedded = checkpoint.PRETRAINED / "aligner.safetensors"
        if (
            not embedded.is_file()
            or checkpoint.read_config(checkpoint.PRETRAINED).text.vocab != config.text.vocab
        ):
            return None, {}
    heard, sizes, weights = read_aligner(newest(wanted or "embedded"))
    if heard.vocab != config.text.vocab:
        raise UserError(f"{wanted} was trained with another text.vocab than the acoustic model")
    return sizes, weights


def save_vocoder(path: Path, config: VocosConfig, tensors: dict[str, np.ndarray], dtype: str) -> None:
    """The file says its config, so that it can be used without its folder."""
    save(path, tensors, dtype, {"config": json.dumps(dataclasses.asdict(config))})


def save(
    path: Path, tensors: dict[str, np.ndarray], dtype: str, metadata: dict[str, str] | None = None
) -> None:
    with np.errstate(over="ignore"):
        cast = {name: value.astype(dtype) for name, value in tensors.items()}
    for name, value in cast.items():
        if not np.isfinite(value).all():
            raise UserError(f"{name} has values that {dtype} cannot hold")
    checkpoint.save_tensors(path, cast, {"format": "pt", **(metadata or {})})


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


def cut_voices(output: Path, wanted: list[dict], voice: str | None, shards: list[str]) -> None:
    """Store utterances of the training data as voices of a checkpoint folder, with their durations.

    Args:
        wanted: of `read_voices`; where one has no `key`, it is the utterance of about `VOICE_SECONDS` of its
            `voice`.
        voice: the name of one more, the default: the utterance of about `VOICE_SECONDS` that the data say to
            be of a voice of this name or, where none is, of any.
        shards: glob patterns.
    Raises:
        UserError: an utterance is not there, or cannot be a voice.
    """
    if not (wanted or voice):
        return
    from .training.corpus import read_places

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
    for item, key, place, meta in cuts:
        cut(output, item, key, place, meta)
    speakers = {
        item["name"]: [m for m in metas[meta["voice"]] if m is not meta and 2.0 < seconds(m) < 20.0]
        for item, _, _, meta in cuts
        if meta.get("voice") is not None
    }
    set_tempos(output, {name: told for name, told in speakers.items() if len(told) >= TEMPO_UTTERANCES // 2})


def set_tempos(output: Path, utterances: dict[str, list[dict]]) -> None:
    """Give stored voices the tempo that their speakers' utterances have.

    The duration predictor hardly hears from one short recording how fast its speaker usually is.
    """
    from . import Nanospeech
    from .duration import PhoneDurationPredictor

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
    from .training.corpus import DURATION_UNIT, numbers

    durations, unit = meta.get("durations"), meta.get("duration_unit", DURATION_UNIT)
    if not (meta.get("text") and meta.get("phonemes") and numbers(durations) and numbers([unit])):
        return float("inf")
    return sum(durations) * unit / SAMPLE_RATE


def cut(output: Path, item: dict, key: str, place, meta: dict) -> None:
    """Store one utterance as the voice that `item` describes."""
    from .training.corpus import DURATION_UNIT, TOLERANCE, Skip, read_wave

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


if __name__ == "__main__":
    sys.exit(main())
