"""From a corpus to batches: audio decoded to mels, in memory or in workers; utterances joined and padded.

`order` says what is in a batch; what is random there depends on the run's seed and the batch's number only.
"""

from __future__ import annotations

import math
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np
import torch

from nanospeech_core.audio.mel import HOP, N_FFT, SAMPLE_RATE, log_mel
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError

from .batch_plans import BatchPlan
from .corpus import TOLERANCE, Item, Skip, read_wave


@dataclass(frozen=True)
class Utterance:
    """One recording."""

    key: str
    voice: str
    text: str
    mel: np.ndarray  # float16 [frames, bins], not normalized
    ids: np.ndarray  # int64 [symbols]
    frames: np.ndarray  # int64 [symbols], the frames of each symbol; they sum to the mel's; empty: "filler"


@dataclass(frozen=True)
class Batch:
    """Padded sequences; the tokens are normalized."""

    tokens: torch.Tensor  # float32 [batch, tokens, patch * bins]
    text: torch.Tensor  # int64 [batch, tokens * patch], an id per frame ("filler": the ids), -1 where none
    mask: torch.Tensor  # bool [batch, tokens], false where padded
    first: torch.Tensor  # int64 [batch]: whole tokens of the first of several utterances, 0 of a single one
    ids: torch.Tensor  # int64 [batch, symbols], -1 where there is none
    frames: torch.Tensor  # float32 [batch, symbols]
    first_symbols: torch.Tensor  # int64 [batch], like `first`


def map_tensors(value, function: Callable[[torch.Tensor], torch.Tensor]):
    """A (nested) dataclass with `function` applied to each of its tensors."""
    if isinstance(value, torch.Tensor):
        return function(value)
    if is_dataclass(value):
        changed = {field.name: map_tensors(getattr(value, field.name), function) for field in fields(value)}
        return replace(value, **changed)
    return value


class Library:
    """The utterances of an index, by their place in it; small corpora are kept in memory.

    Args:
        items: the index.
        model: for the mel's patch and the alignment.
        memory_hours: up to so much speech is decoded now, what is broken is dropped from `items`.
        report: called with a line of text.
    Raises:
        UserError: nothing is left.
    """

    def __init__(
        self,
        items: list[Item],
        model: ModelConfig,
        memory_hours: float,
        report: Callable[[str], object] = print,
    ):
        self.items, self.model = items, model
        self.loaded: list[Utterance] | None = None
        if sum(item.samples for item in items) <= memory_hours * 3600 * SAMPLE_RATE:
            with ThreadPoolExecutor() as pool:  # decoding and FFTs release Python's lock
                results = list(pool.map(self._try, items))
            self.items = [i for i, r in zip(items, results, strict=True) if isinstance(r, Utterance)]
            self.loaded = [r for r in results if isinstance(r, Utterance)]
            broken = Counter(str(r) for r in results if isinstance(r, Skip))
            for reason, count in sorted(broken.items()):
                report(f"skipped {count}: {reason}")
            if not self.items:
                raise UserError(f"no data: all utterances were skipped ({', '.join(sorted(broken))})")

    def __getitem__(self, index: int) -> Utterance:
        """Raises Skip where the audio is broken."""
        return (
            self.loaded[index] if self.loaded is not None else load_utterance(self.items[index], self.model)
        )

    def _try(self, item: Item) -> Utterance | Skip:
        try:
            return load_utterance(item, self.model)
        except Skip as reason:
            return reason


def load_utterance(item: Item, model: ModelConfig) -> Utterance:
    """Decode an item. Raises Skip where its audio is broken or of another length than its json says."""
    wave = read_wave(item.place.read(), math.inf)
    if abs(len(wave) - item.samples) > TOLERANCE * SAMPLE_RATE:
        raise Skip("audio of another length than its json says")
    if len(wave) <= N_FFT // 2:  # too few for a mel
        raise Skip("too short")
    mel = log_mel(wave)
    # the index promised so many frames; what a codec padded is cut, what it swallowed repeats the last frame
    mel = np.pad(mel[: item.frames], ((0, max(0, item.frames - len(mel))), (0, 0)), mode="edge")
    frames = np.zeros(0, dtype=np.int64)
    if item.durations is not None:
        frames = frame_counts(item.durations, item.frames)
    return Utterance(
        item.key, item.voice, item.text, mel.astype(np.float16), item.ids.astype(np.int64), frames
    )


def frame_counts(durations: np.ndarray, frames: int) -> np.ndarray:
    """Whole frames of each symbol, int64, by rounding the boundaries; the last symbol ends with the mel.

    durations: in samples.
    """
    ends = np.round(np.cumsum(durations, dtype=np.float64) / HOP).astype(np.int64)
    ends = np.minimum(ends, frames)
    ends[-1] = frames
    return np.diff(ends, prepend=0)


def whole_tokens(mel: np.ndarray, model: ModelConfig) -> np.ndarray:
    """A mel [frames, bins] normalized, float32 [tokens, patch * bins]; frames that fill no token are cut."""
    patch = model.transformer.patch
    count = len(mel) // patch
    return ((mel[: count * patch].astype(np.float32) - model.mel.mean) / model.mel.std).reshape(count, -1)


def collate(sequences: list[list[Utterance]], model: ModelConfig, length: int = 0) -> Batch:
    """Join each sequence's utterances and pad the batch; frames that fill no token are cut off at the end.

    length: tokens to pad to, at least; 0: the longest sequence's.
    """
    patch, bins = model.transformer.patch, model.transformer.mel_dim
    mels = [np.concatenate([u.mel for u in s]) for s in sequences]
    symbols = [np.concatenate([u.ids for u in s]) for s in sequences]
    durations = [np.concatenate([u.frames for u in s]) for s in sequences]
    rows, k = len(sequences), max(map(len, symbols))
    n = max(length, max(map(len, mels)) // patch)
    tokens = np.zeros((rows, n, patch * bins), dtype=np.float32)
    text = np.full((rows, n * patch), -1, dtype=np.int64)
    mask = np.zeros((rows, n), dtype=bool)
    ids = np.full((rows, k), -1, dtype=np.int64)
    frames = np.zeros((rows, k), dtype=np.float32)
    for i, (mel, symbol, duration) in enumerate(zip(mels, symbols, durations, strict=True)):
        whole = whole_tokens(mel, model)
        count = len(whole)
        tokens[i, :count] = whole
        spoken = np.repeat(symbol, duration) if len(duration) else symbol
        text[i, : min(len(spoken), count * patch)] = spoken[: count * patch]
        mask[i, :count] = True
        ids[i, : len(symbol)] = symbol
        frames[i, : len(duration)] = duration
    first = [len(s[0].mel) // patch if len(s) > 1 else 0 for s in sequences]
    first_symbols = [len(s[0].ids) if len(s) > 1 else 0 for s in sequences]
    arrays = (tokens, text, mask, np.array(first), ids, frames, np.array(first_symbols))
    return Batch(*map(torch.from_numpy, arrays))


class Batches(torch.utils.data.Dataset):
    """By its plan: a batch, or a UserError where none can be made, and why utterances of it were skipped."""

    def stream(
        self, plans: Iterator, workers: int = 0, pin_memory: bool = False
    ) -> Iterator[tuple[object, list[str]]]:
        """The batches of `plans` in their order, made by `workers` processes, or here where 0."""
        loader = torch.utils.data.DataLoader(
            self,
            batch_size=None,
            sampler=plans,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            pin_memory=pin_memory,
            worker_init_fn=ignore_signals,
        )
        for batch, skipped in loader:
            if isinstance(batch, UserError):
                raise batch
            yield batch, skipped


class Loader(Batches):
    """Plans to batches.

    Args:
        library: the utterances.
        build: (sequences of utterances, frames to pad to, seed) -> the task's batch.
        seed: of the run.
    """

    def __init__(self, library: Library, build: Callable, seed: int):
        self.library, self.build, self.seed = library, build, seed

    def __getitem__(self, plan: BatchPlan) -> tuple[object, list[str]]:
        """A batch, and why utterances of it were skipped; a UserError instead where none is left."""
        sequences, skipped, broken = [], [], []
        for numbers in plan.sequences:
            loaded = []
            for i in numbers:
                try:
                    loaded.append(self.library[i])
                except Skip as reason:
                    skipped.append(str(reason))
                    broken.append(self.library.items[i].key)
            if loaded:
                sequences.append(loaded)
        if not sequences:  # returned, because a worker's exception would arrive with its traceback as text
            what = f"{', '.join(broken[:3])}{', ...' * (len(broken) > 3)}: {skipped[0]}"
            return UserError(f"no utterance of batch {plan.number} can be read ({what})"), skipped
        return self.build(sequences, plan.length, batch_seed(self.seed, plan.number)), skipped


def ignore_signals(worker: int) -> None:
    """Ctrl-C, and a scheduler's SIGTERM, reach the whole process group; only the trainer acts on them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)


def batch_seed(seed: int, number: int) -> int:
    """Of the generator of a batch's masks and noises."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> 1)
