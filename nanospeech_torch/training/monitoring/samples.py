"""What a run lets one hear and see every so many steps: a folder of audio, plots and their captions.

A folder holds NAME.wav, NAME.png and `samples.json`, a list of what is shown together:
`[{"title", "text", "note", "audio": [{"file", "caption", "settings"}], "plots": [{"file", "caption"}]}]`.
It is written beside and renamed, so a run that is killed leaves no half of one. Nothing here draws from the
global generators of torch or numpy: a run trains on the same with samples and without.
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
from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.checkpoints.vocoder import load_vocoder
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.dataset import Row
from nanospeech_core.sampling.options import DEFAULTS
from nanospeech_core.sampling.prompt import Prompt
from nanospeech_core.synthesis.prompts import make_prompt
from nanospeech_core.system.files import replacing_folder
from nanospeech_core.text.tokenizer import Tokenizer

from ...models.vocos import Vocos
from ...nanospeech import Nanospeech
from ...sampling import mar
from ..data.batch import Utterance
from . import plots
from .error_rates import REFERENCE_FRAMES, as_reference, encode
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
    """Something to be spoken again and again while a model learns."""

    text: str  # as shown
    ids: np.ndarray  # int64 [symbols], with its pauses
    reference: Utterance  # whose voice
    recording: Utterance | None = None  # the same sentence, as it was really said


@dataclass(frozen=True, eq=False)
class Resynthesis:
    """A recording and what a vocoder makes of its mel: float32 [samples] at 24 kHz."""

    title: str
    original: np.ndarray
    copy: np.ndarray


@dataclass(frozen=True, eq=False)
class Alignment:
    """What an aligner says of one utterance."""

    title: str
    text: str
    soft: np.ndarray  # float [frames, symbols], probabilities
    frames: np.ndarray  # int64 [symbols], the monotonic path
    symbols: Sequence[str]  # labels


def choose(
    held_out: Sequence[Utterance], config: ModelConfig, rows: Sequence[Row] = (), count: int = 2
) -> list[Sentence]:
    """The sentences of a run: always the same for the same data.

    Args:
        held_out: utterances that are not trained on.
        config: the model's.
        rows: texts to be spoken too.
        count: how many held-out sentences are said anew, of different voices where there are; about 4 s long.
    Returns:
        each with a reference: another held-out utterance, of its voice where there is one.
    """
    if not held_out:
        return []
    seen: Counter[str] = Counter()
    ranked = []
    for utterance in sorted(held_out, key=lambda u: abs(len(u.mel) - SENTENCE_FRAMES)):
        ranked.append((seen[utterance.voice], len(ranked), utterance))
        seen[utterance.voice] += 1
    chosen = [utterance for _, _, utterance in sorted(ranked, key=lambda entry: entry[:2])[:count]]
    sentences = [Sentence(u.text, u.ids, reference_for(u.voice, held_out, u), u) for u in chosen]
    if rows:
        tokenizer = Tokenizer(config.text.kind, config.text.vocab)
        for row in rows:
            reference = reference_for(row.voice or "", held_out)
            sentences.append(Sentence(row.text, encode(row, tokenizer, config), reference))
    return sentences


def reference_for(
    voice: str, held_out: Sequence[Utterance], other_than: Utterance | None = None
) -> Utterance:
    """The utterance that a sentence is spoken after: of the voice, another one, about 3 s long."""
    others = [u for u in held_out if u is not other_than] or list(held_out)
    candidates = [u for u in others if u.voice == voice] or others
    return min(candidates, key=lambda u: abs(len(u.mel) - REFERENCE_FRAMES))


def speak(model: Nanospeech, sentences: Sequence[Sentence], folder: Path, seed: int = 0) -> None:
    """Speak sentences in every way the model can, and write what was said.

    Args:
        model: the averaged one, in evaluation mode.
        sentences: of `choose`.
        folder: to be written, or replaced.
        seed: of the noise.
    Raises:
        UserError: the folder cannot be written. A sentence that cannot be spoken is only noted.
    """
    with sample_folder(folder) as (inside, items):
        for number, sentence in enumerate(sentences, 1):
            items.append(speak_one(model, sentence, inside, str(number), seed))


def speak_one(model: Nanospeech, sentence: Sentence, folder: Path, stem: str, seed: int) -> dict:
    """Write one sentence's files; returns its entry of samples.json."""
    item = entry(f"in the voice of {sentence.reference.voice}", sentence.text)
    reference = as_reference(sentence.reference, model.config)
    try:
        frames = model.predict_frames(reference, sentence.ids)
        prompt = make_prompt(reference, sentence.ids, frames, model.config)
    except UserError as error:  # an untrained duration predictor may ask for minutes
        item["note"] = f"not spoken: {error}"
        return item
    made = {
        name: pair for name, pair in sample_all(model, prompt, seed).items() if np.isfinite(pair[0]).all()
    }
    if not made:
        item["note"] = "not spoken: the model's mel is not finite"
        return item
    panels = [(CAPTIONS[name], mel) for name, (mel, _) in made.items()]
    for name, (mel, settings) in made.items():
        add_audio(item, folder, f"{stem}-{name}", CAPTIONS[name], decode(model, mel), settings)
    if sentence.recording is not None:
        real = sentence.recording.mel.astype(np.float32)
        add_audio(item, folder, f"{stem}-recording", CAPTIONS["recording"], decode(model, real), {})
        panels.append(("the recording", real))
    if plots.draw_mels(folder / f"{stem}-mels.png", panels):
        item["plots"].append({"file": f"{stem}-mels.png", "caption": "mel spectrograms"})
    name, (mel, _) = next(iter(made.items()))
    if model.config.text.alignment == "durations":
        labels = [model.config.text.vocab[i] if i >= 0 else "?" for i in sentence.ids]
        if plots.draw_alignment(folder / f"{stem}-alignment.png", mel, labels, frames):
            caption = f"predicted durations over {CAPTIONS[name]}"
            item["plots"].append({"file": f"{stem}-alignment.png", "caption": caption})
    return item


def sample_all(model: Nanospeech, prompt: Prompt, seed: int) -> dict[str, tuple[np.ndarray, dict]]:
    """By each way the model has, keyed as `CAPTIONS`: log-mel float32 [frames, mel_dim], and settings."""
    usual, result = asdict(model.config.sampling), {}
    del usual["sampler"]
    if model.diffusion_module is not None:
        names = ("num_iter", "diffusion_steps", "temperature")
        settings = {name: getattr(DEFAULTS, name) for name in names} | {"cfg": usual["cfg"]}
        result["masked"] = model.sample(prompt, sampler="masked", seed=seed, **settings), settings
    result["ode"] = model.sample(prompt, sampler="ode", seed=seed, **usual), usual
    if model.to_mel is not None:
        result["regression"] = regress(model, prompt), {}
    return result


@torch.inference_mode()
def regress(model: Nanospeech, prompt: Prompt) -> np.ndarray:
    """The mel regression alone, all tokens at once: float32 [frames, mel_dim]. What the head adds to."""
    cond, visible, text = (model.tensor(part[None]) for part in (prompt.cond, prompt.visible, prompt.text))
    text_embed = model.transformer.embed_text(text, len(prompt.cond))
    modulations = model.transformer.modulations(torch.zeros(1, device=cond.device))
    z = mar.condition(model.transformer, cond, visible, text_embed, modulations)
    frames = model.to_mel(z[0, prompt.start :]).reshape(-1, model.transformer.mel_dim)
    return frames.float().cpu().numpy() * model.config.mel.std + model.config.mel.mean


def decode(model: Nanospeech, mel: np.ndarray) -> np.ndarray:
    """Log-mel [frames, mel_dim] -> float32 [samples]: by its vocoder, the embedded one, or Griffin-Lim."""
    if model.vocoder is not None:
        return model.decode(mel)
    vocoder = embedded_vocoder() if mel.shape[1] == N_MELS else None
    if vocoder is None:
        return griffin_lim(mel)
    with torch.inference_mode():
        return vocoder(torch.from_numpy(mel.astype(np.float32)[None]))[0].numpy()


@functools.cache
def embedded_vocoder() -> Vocos | None:
    """The embedded checkpoint's vocoder, on the CPU; None where the installation has none."""
    if not (checkpoint.PRETRAINED / "vocos.safetensors").is_file():
        return None
    config, tensors = load_vocoder(checkpoint.PRETRAINED, "pt")
    vocoder = Vocos(**asdict(config))
    shapes = {name: tuple(value.shape) for name, value in vocoder.state_dict().items()}
    fitting = checkpoint.check(tensors, shapes, checkpoint.PRETRAINED)
    vocoder.load_state_dict({name: torch.from_numpy(value) for name, value in fitting.items()})
    return vocoder.eval().requires_grad_(False)


def show_resyntheses(items: Sequence[Resynthesis], folder: Path, rate: int = SAMPLE_RATE) -> None:
    """Write what a vocoder makes of recordings: both waves and both spectrograms of each."""
    with sample_folder(folder) as (inside, entries):
        for number, item in enumerate(items, 1):
            entries.append(entry(item.title))
            add_audio(entries[-1], inside, f"{number}-copy", "resynthesis", item.copy, {}, rate)
            add_audio(entries[-1], inside, f"{number}-original", "recording", item.original, {}, rate)
            if not entries[-1]["note"]:
                panels = [("resynthesis", item.copy), ("recording", item.original)]
                if plots.draw_spectrograms(inside / f"{number}-spectrograms.png", panels, rate):
                    plot = {"file": f"{number}-spectrograms.png", "caption": "spectrograms"}
                    entries[-1]["plots"].append(plot)


def show_alignments(items: Sequence[Alignment], folder: Path) -> None:
    """Write what an aligner says of utterances: the soft alignment and the path through it."""
    with sample_folder(folder) as (inside, entries):
        for number, item in enumerate(items, 1):
            entries.append(entry(item.title, item.text))
            path = inside / f"{number}-alignment.png"
            if not np.isfinite(item.soft).all():
                entries[-1]["note"] = "not drawn: the alignment is not finite"
            elif plots.draw_soft_alignment(path, item.soft, item.frames, item.symbols):
                caption = "soft alignment and the path through it"
                entries[-1]["plots"].append({"file": path.name, "caption": caption})


# the folder


def entry(title: str, text: str = "") -> dict:
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
    """Write STEM.wav and add it to an entry; a wave that is not finite becomes a note."""
    if not np.isfinite(wave).all():
        item["note"] = f"{caption}: the audio is not finite"
        return
    audio.write(folder / f"{stem}.wav", wave, rate)
    item["audio"].append({"file": f"{stem}.wav", "caption": caption, "settings": settings})


@contextmanager
def sample_folder(folder: Path) -> Iterator[tuple[Path, list[dict]]]:
    """(where to write, entries to be filled): renamed to `folder` with its samples.json at the end."""
    entries: list[dict] = []
    with replacing_folder(folder) as inside:
        yield inside, entries
        text = json.dumps(entries, indent=1, ensure_ascii=False)
        (inside / "samples.json").write_text(text + "\n", encoding="utf-8")
