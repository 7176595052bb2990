"""Samples that a run writes at intervals: a folder of audio, plots and captions.

A folder has NAME.wav, NAME.png and `samples.json`, a list of entries:
`[{"title", "text", "note", "audio": [{"file", "caption", "settings"}], "plots": [{"file", "caption"}]}]`.
It is written under another name and renamed, so a killed run leaves no half-written folder. Nothing here uses
the global random generators of torch or numpy: samples do not change what a run trains on.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import N_MELS, SAMPLE_RATE
from nanospeech_core.audio.signal import SILENT, level
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.checkpoints.tensors import check_tensors
from nanospeech_core.checkpoints.vocoder import load_vocoder
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.dataset import TextItem
from nanospeech_core.sampling.options import DEFAULTS, ITERATIONS
from nanospeech_core.sampling.prompt import Prompt
from nanospeech_core.synthesis.prompts import make_prompt
from nanospeech_core.system.folders import replacing_folder
from nanospeech_core.text.tokenizer import Tokenizer

from ...models.vocos import Vocos
from ...nanospeech import Nanospeech
from ...sampling import mar
from ..data.utterances import Utterance
from . import plots
from .error_rates import REFERENCE_FRAMES, as_reference, encode_item
from .griffin_lim import griffin_lim

SENTENCE_FRAMES = 375  # 4 s: long enough to judge, short enough to listen to

CAPTIONS = {
    "masked": "masked diffusion",
    "ode": "flow ODE",
    "regression": "mel regression alone",
    "recording": "the recording, through the vocoder",
}


@dataclass(frozen=True, eq=False)
class Sentence:
    """A sentence that the model speaks at intervals during training."""

    text: str
    ids: np.ndarray  # int64 [symbols], with its pauses
    reference: Utterance  # its voice
    recording: Utterance | None = None  # of the same sentence


@dataclass(frozen=True, eq=False)
class Resynthesis:
    """A recording and its reconstruction by a vocoder: float32 [samples] at 24 kHz."""

    title: str
    original: np.ndarray
    copy: np.ndarray


@dataclass(frozen=True, eq=False)
class Alignment:
    """An aligner's output for one utterance."""

    title: str
    text: str
    soft: np.ndarray  # float [frames, symbols], probabilities
    frames: np.ndarray  # int64 [symbols], the monotonic path
    symbols: Sequence[str]  # labels


def select_utterances(held_out: Sequence[Utterance], count: int = 2) -> list[Utterance]:
    """`count` utterances of about 4 s, of different voices if possible; always the same for the same data."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int, Utterance]] = []
    for utterance in sorted(held_out, key=lambda u: abs(len(u.mel) - SENTENCE_FRAMES)):
        ranked.append((seen[utterance.voice], len(ranked), utterance))
        seen[utterance.voice] += 1
    return [utterance for _, _, utterance in sorted(ranked, key=lambda entry: entry[:2])[:count]]


def select_sentences(
    held_out: Sequence[Utterance], config: ModelConfig, rows: Sequence[TextItem] = (), count: int = 2
) -> list[Sentence]:
    """The sentences that a run speaks, always the same for the same data.

    Args:
        held_out: utterances that are not trained on.
        config: the model's.
        rows: texts to be spoken too.
        count: how many held-out utterances are spoken, see `select_utterances`.
    Returns:
        each with a reference: another held-out utterance, of the same voice if possible.
    """
    if not held_out:
        return []
    sentences = [
        Sentence(u.text, u.ids, select_reference(u.voice, held_out, u), u)
        for u in select_utterances(held_out, count)
    ]
    if rows:
        tokenizer = Tokenizer(config.text.kind, config.text.vocab)
        for row in rows:
            reference = select_reference(row.voice or "", held_out)
            sentences.append(Sentence(row.text, encode_item(row, tokenizer, config), reference))
    return sentences


def select_reference(
    voice: str, held_out: Sequence[Utterance], other_than: Utterance | None = None
) -> Utterance:
    """A reference of about 3 s: of the voice if possible, and another utterance than `other_than`."""
    others = [u for u in held_out if u is not other_than] or list(held_out)
    candidates = [u for u in others if u.voice == voice] or others
    return min(candidates, key=lambda u: abs(len(u.mel) - REFERENCE_FRAMES))


def write_speech(model: Nanospeech, sentences: Sequence[Sentence], folder: Path, seed: int = 0) -> None:
    """Speak sentences with every sampler of the model, and write the audio and plots.

    Args:
        model: the averaged model, in evaluation mode.
        sentences: of `select_sentences`.
        folder: to be written, or replaced.
        seed: of the noise.
    Raises:
        UserError: the folder cannot be written. A sentence that cannot be spoken only gets a note.
    """
    with sample_folder(folder) as (inside, items):
        for number, sentence in enumerate(sentences, 1):
            items.append(write_sentence(model, sentence, inside, str(number), seed))


def write_sentence(model: Nanospeech, sentence: Sentence, folder: Path, stem: str, seed: int) -> dict:
    """Speak one sentence and write its files; returns its entry of samples.json."""
    item = make_entry(f"in the voice of {sentence.reference.voice}", sentence.text)
    reference = as_reference(sentence.reference, model.config)
    try:
        frames = model.predict_frames(reference, sentence.ids)
        prompt = make_prompt(reference, sentence.ids, frames, model.config)
    except UserError as error:  # an untrained duration predictor may ask for minutes
        item["note"] = f"not spoken: {error}"
        return item
    mels = {
        name: pair for name, pair in sample_mels(model, prompt, seed).items() if np.isfinite(pair[0]).all()
    }
    if not mels:
        item["note"] = "not spoken: the model's mel is not finite"
        return item
    panels = [(CAPTIONS[name], mel) for name, (mel, _) in mels.items()]
    for name, (mel, settings) in mels.items():
        add_audio(item, folder, f"{stem}-{name}", CAPTIONS[name], decode(model, mel), settings)
    if item["audio"] and all(level(audio.read(folder / clip["file"])) < SILENT for clip in item["audio"]):
        item["note"] = "silent so far, as a model from random weights is at first"
    if sentence.recording is not None:
        recorded = sentence.recording.mel.astype(np.float32)
        add_audio(item, folder, f"{stem}-recording", CAPTIONS["recording"], decode(model, recorded), {})
        panels.append(("the recording", recorded))
    if plots.draw_mels(folder / f"{stem}-mels.png", panels):
        item["plots"].append({"file": f"{stem}-mels.png", "caption": "mel spectrograms"})
    name, (mel, _) = next(iter(mels.items()))
    if model.config.text.alignment == "durations":
        labels = [model.config.text.vocab[i] if i >= 0 else "?" for i in sentence.ids]
        if plots.draw_alignment(folder / f"{stem}-alignment.png", mel, labels, frames):
            caption = f"predicted durations over {CAPTIONS[name]}"
            item["plots"].append({"file": f"{stem}-alignment.png", "caption": caption})
    return item


def sample_mels(model: Nanospeech, prompt: Prompt, seed: int) -> dict[str, tuple[np.ndarray, dict]]:
    """(log-mel float32 [frames, mel_dim], settings) of each sampler of the model, keyed as `CAPTIONS`."""
    defaults = asdict(model.config.sampling)
    del defaults["sampler"]
    result: dict[str, tuple[np.ndarray, dict]] = {}
    if model.diffusion_module is not None:
        settings = {name: getattr(DEFAULTS, name) for name in ("diffusion_steps", "temperature")}
        settings |= {"num_iter": ITERATIONS, "cfg": defaults["cfg"]}
        result["masked"] = model.sample(prompt, sampler="masked", seed=seed, **settings), settings
    result["ode"] = model.sample(prompt, sampler="ode", seed=seed, **defaults), defaults
    if model.to_mel is not None:
        result["regression"] = regression_mel(model, model.to_mel, prompt), {}
    return result


@torch.inference_mode()
def regression_mel(model: Nanospeech, to_mel: torch.nn.Module, prompt: Prompt) -> np.ndarray:
    """The mel regression without the head's residual, all tokens at once: float32 [frames, mel_dim]."""
    cond, visible, text = (model.tensor(part[None]) for part in (prompt.cond, prompt.visible, prompt.text))
    text_embed = model.transformer.embed_text(text, len(prompt.cond))
    modulations = model.transformer.modulations(torch.zeros(1, device=cond.device))
    z = mar.hidden_states(model.transformer, cond, visible, text_embed, modulations)
    frames = to_mel(z[0, prompt.start :]).reshape(-1, model.transformer.mel_dim)
    return frames.float().cpu().numpy() * model.config.mel.std + model.config.mel.mean


def decode(model: Nanospeech, mel: np.ndarray) -> np.ndarray:
    """Log-mel [frames, mel_dim] -> float32 [samples]: by the model's vocoder, else the embedded one, else by
    Griffin-Lim.
    """
    if model.vocoder is not None:
        return model.decode(mel)
    vocoder = embedded_vocoder() if mel.shape[1] == N_MELS else None
    if vocoder is None:
        return griffin_lim(mel)
    with torch.inference_mode():
        return vocoder(torch.from_numpy(mel.astype(np.float32)[None]))[0].numpy()


@functools.cache
def embedded_vocoder() -> Vocos | None:
    """The embedded checkpoint's vocoder, on the CPU; None if it is not installed."""
    if not (PRETRAINED / "vocos.safetensors").is_file():
        return None
    config, tensors = load_vocoder(PRETRAINED, "pt")
    vocoder = Vocos(**asdict(config))
    shapes = {name: tuple(value.shape) for name, value in vocoder.state_dict().items()}
    fitting = check_tensors(tensors, shapes, PRETRAINED)
    vocoder.load_state_dict({name: torch.from_numpy(value) for name, value in fitting.items()})
    return vocoder.eval().requires_grad_(False)


def write_resyntheses(items: Sequence[Resynthesis], folder: Path, rate: int = SAMPLE_RATE) -> None:
    """Write recordings and their reconstructions: the waves and spectrograms of both."""
    with sample_folder(folder) as (inside, entries):
        for number, item in enumerate(items, 1):
            entries.append(make_entry(item.title))
            add_audio(entries[-1], inside, f"{number}-copy", "resynthesis", item.copy, {}, rate)
            add_audio(entries[-1], inside, f"{number}-original", "recording", item.original, {}, rate)
            if not entries[-1]["note"]:
                panels = [("resynthesis", item.copy), ("recording", item.original)]
                if plots.draw_spectrograms(inside / f"{number}-spectrograms.png", panels, rate):
                    plot = {"file": f"{number}-spectrograms.png", "caption": "spectrograms"}
                    entries[-1]["plots"].append(plot)


def write_alignments(items: Sequence[Alignment], folder: Path) -> None:
    """Write plots of alignments: the soft alignment and the path through it."""
    with sample_folder(folder) as (inside, entries):
        for number, item in enumerate(items, 1):
            entries.append(make_entry(item.title, item.text))
            path = inside / f"{number}-alignment.png"
            if not np.isfinite(item.soft).all():
                entries[-1]["note"] = "not drawn: the alignment is not finite"
            elif plots.draw_soft_alignment(path, item.soft, item.frames, item.symbols):
                caption = "soft alignment and the path through it"
                entries[-1]["plots"].append({"file": path.name, "caption": caption})


# the folder


def read_notes(folder: Path) -> list[str]:
    """The notes of a folder of samples, each once."""
    entries = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    return sorted({entry["note"] for entry in entries if entry["note"]})


def make_entry(title: str, text: str = "") -> dict:
    """An entry of samples.json, without audio and plots."""
    return {"title": title, "text": text, "note": "", "audio": [], "plots": []}


def add_audio(
    item: dict,
    folder: Path,
    stem: str,
    caption: str,
    wave: np.ndarray,
    settings: dict,
    rate: int = SAMPLE_RATE,
) -> None:
    """Write STEM.wav and add it to an entry. A wave that is not finite only adds a note."""
    if not np.isfinite(wave).all():
        item["note"] = f"{caption}: the audio is not finite"
        return
    audio.write(folder / f"{stem}.wav", wave, rate)
    item["audio"].append({"file": f"{stem}.wav", "caption": caption, "settings": settings})


@contextmanager
def sample_folder(folder: Path) -> Iterator[tuple[Path, list[dict]]]:
    """(where to write, entries to fill). At the end samples.json is written and all renamed to `folder`."""
    entries: list[dict] = []
    with replacing_folder(folder) as inside:
        yield inside, entries
        text = json.dumps(entries, indent=1, ensure_ascii=False)
        (inside / "samples.json").write_text(text + "\n", encoding="utf-8")
