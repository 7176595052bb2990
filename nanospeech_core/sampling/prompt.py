"""What the networks are given for one sentence: the reference's tokens, then those to be generated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.mel import HOP, N_MELS, SAMPLE_RATE, log_mel, noise_floor
from ..config import ModelConfig
from ..errors import UserError

FRAME_RATE = SAMPLE_RATE / HOP  # 93.75 frames a second
MAX_FRAMES = 4096  # of reference and sentence together: 43.7 s, where the text positions end
MISSING_BINS = 10  # at the top of the mel, above 9 kHz; see `audible`
FLOOR = 3e-4  # the root mean square of white noise, -70 dB; see `audible`
BREAKS = ";:,.!?—…，。！？；："  # the marks after which a sentence too long is cut


@dataclass(frozen=True)
class Reference:
    """A voice as the networks see it. Whole tokens: its frames are a multiple of the patch."""

    mel: np.ndarray  # float32 [frames, mel_dim], normalized
    ids: np.ndarray  # int64 [symbols]
    frames: np.ndarray  # int64 [symbols], the frames of each symbol; they sum to the mel's
    tempo: float = 1.0  # of the voice, see `Voice`


@dataclass(frozen=True)
class Prompt:
    """One sentence, ready for `flow.sample` or `mar.sample`."""

    cond: np.ndarray  # float32 [tokens, patch * mel_dim]: the known tokens (the reference's), else zeros
    visible: np.ndarray  # bool [tokens]
    text: np.ndarray  # int64 [symbols]: an id per frame, or the ids padded by -1 ("filler")

    @property
    def start(self) -> int:
        """The first token to be generated."""
        return int(np.argmin(self.visible))


def collate(
    prompts: Sequence[Prompt], patch: int, bucket: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Prompts as one batch, the shorter ones padded at their end.

    Args:
        prompts: the batch.
        patch: frames of a token.
        bucket: all is padded to a multiple of so many tokens, so that batches of many lengths have few
            shapes; if it is not 1, there is always a mask.
    Returns:
        cond float32 [batch, tokens, channels], visible bool [batch, tokens], text int64 [batch, symbols] (-1:
        none), and the mask, bool [batch, tokens], false where padded; None where nothing is.
    """
    tokens = np.array([len(prompt.cond) for prompt in prompts])
    longest = -(-int(tokens.max()) // bucket) * bucket
    symbols = max(len(prompt.text) for prompt in prompts)
    if (tokens < longest).any():
        symbols = max(symbols, longest * patch)
    cond = np.zeros((len(prompts), longest, prompts[0].cond.shape[1]), np.float32)
    visible = np.zeros(cond.shape[:2], bool)
    text = np.full((len(prompts), symbols), -1, np.int64)
    for b, prompt in enumerate(prompts):
        cond[b, : tokens[b]], visible[b, : tokens[b]] = prompt.cond, prompt.visible
        text[b, : len(prompt.text)] = prompt.text
    mask = np.arange(longest) < tokens[:, None]
    return cond, visible, text, None if bucket == 1 and mask.all() else mask


def pad(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays [length, channels] as one, [rows, the longest, channels], zeros at their ends."""
    result = np.zeros((len(rows), max(map(len, rows)), rows[0].shape[1]), rows[0].dtype)
    for row, values in zip(result, rows, strict=True):
        row[: len(values)] = values
    return result


def pause_id(config: ModelConfig) -> int:
    """The id of the pauses before and after a sentence: the space's."""
    if " " not in config.text.vocab:
        raise UserError("the model's vocabulary has no space, which stands for the pauses around a sentence")
    return config.text.vocab.index(" ")


def with_pauses(ids: np.ndarray, config: ModelConfig) -> np.ndarray:
    """The ids of a sentence between its two pauses (durations alignment only)."""
    pause = pause_id(config)
    return np.concatenate(([pause], ids, [pause])).astype(np.int64)


def spread(frames: int, symbols: int) -> np.ndarray:
    """`frames` dealt evenly to `symbols`: int64 [symbols]; their boundaries are rounded."""
    return np.diff(np.round(np.linspace(0, frames, symbols + 1)).astype(np.int64))


def seconds_to_frames(durations: np.ndarray, frames: int) -> np.ndarray:
    """Durations in seconds -> whole frames int64, by rounding the boundaries; the last is at `frames`."""
    ends = np.minimum(np.round(np.cumsum(durations) * FRAME_RATE).astype(np.int64), frames)
    ends[-1] = frames
    return np.diff(ends, prepend=0)


def make_reference(
    wave: np.ndarray,
    ids: np.ndarray,
    durations: np.ndarray | None,
    config: ModelConfig,
    align: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> Reference:
    """A voice's recording as tokens.

    Args:
        wave: float32 [samples], 24 kHz.
        ids: int64 [symbols] of what is said, without pauses.
        durations: seconds [symbols + 2] with a pause at either end, or None: not known.
        config: the model's.
        align: finds durations that are not known, as `Aligner.align`; None: they are spread evenly.
    Raises:
        UserError: the recording is too short for its text, or the model's mel is of another kind.
    """
    patch = config.transformer.patch
    if config.transformer.mel_dim != N_MELS:
        raise UserError(
            f"the model's mel has {config.transformer.mel_dim} bins; voices are heard in {N_MELS}"
        )
    known = config.text.alignment == "durations"  # else an original checkpoint, which hears what there is
    heard = audible(wave) if known else log_mel(wave)
    heard = heard[: len(heard) // patch * patch]
    mel = ((heard - config.mel.mean) / config.mel.std).astype(np.float32)
    if config.text.alignment == "filler":
        if " " in config.text.vocab:  # between what the reference says and the sentence, as in Nanospeech
            ids = np.append(ids, pause_id(config))
        return Reference(mel, ids, np.zeros(0, dtype=np.int64))
    ids = with_pauses(ids, config)
    if len(mel) < len(ids):
        raise UserError(
            f"the reference audio of {len(wave) / SAMPLE_RATE:.1f} s is too short "
            f"for its text of {len(ids)} symbols"
        )
    if durations is not None:
        frames = seconds_to_frames(durations, len(mel))
    else:
        frames = spread(len(mel), len(ids)) if align is None else align(heard, ids)
    return Reference(mel, ids, frames)


def audible(wave: np.ndarray) -> np.ndarray:
    """The log-mel [frames, 100] of a recording, float32 [samples], as the acoustic model should hear it.

    Treble that is missing throughout gives way to a little noise. What the model has learned from reaches up
    to 12 kHz; a recording without treble, as a telephone or 16 kHz make it, is so far from that that its
    voice is missed and the speech comes out 8 dB too loud (docs/experiments.md).
    """
    mel, floor = log_mel(wave), noise_floor(FLOOR)
    missing = np.quantile(mel, 0.95, axis=0) < floor
    treble = np.cumprod(missing[::-1])[::-1].astype(bool)  # all above is missing too
    if treble.sum() < MISSING_BINS:  # the last of them are missing in speech that was learned from
        return mel
    return np.where(treble, np.maximum(mel, floor), mel)


def whole_frames(log_frames: np.ndarray, speed: float, patch: int) -> np.ndarray:
    """Predicted log(1 + frames) [symbols] -> whole frames int64 [symbols], at least 1 each.

    The boundaries are rounded, so that errors do not add up; where a symbol is stretched to a whole frame,
    those after it give way. The last pause is stretched to fill the last token.

    Raises:
        UserError: a prediction is not finite, as broken weights make it.
    """
    if not np.isfinite(log_frames).all():
        raise UserError("the model predicts durations that are not finite; its weights are broken")
    frames = np.expm1(np.clip(np.asarray(log_frames, dtype=np.float64), 0.0, np.log1p(MAX_FRAMES))) / speed
    count = np.arange(1, len(frames) + 1)
    ends = np.maximum.accumulate(np.maximum(np.round(np.cumsum(frames)).astype(np.int64) - count, 0)) + count
    whole = np.diff(ends, prepend=0)
    whole[-1] += -int(whole.sum()) % patch
    return whole


def halves(ids: np.ndarray, config: ModelConfig) -> list[np.ndarray]:
    """A sentence cut in two near its middle: after a punctuation mark, at a space, or else anywhere.

    A sentence of one symbol comes back whole. The space at the cut is dropped.
    """
    timed = config.text.alignment == "durations"
    inner = ids[1:-1] if timed else ids
    if len(inner) < 2:
        return [ids]
    symbols = [config.text.vocab[i] for i in inner]

    def distance(cut: int) -> float:
        return abs(cut - len(inner) / 2) - (len(inner) / 4 if symbols[cut - 1] in BREAKS else 0)

    spaces = [i for i in range(1, len(inner) - 1) if symbols[i] == " "]
    cut = min(spaces, key=distance, default=len(inner) // 2)
    pieces = [inner[:cut], inner[cut + 1 :] if spaces else inner[cut:]]
    return [with_pauses(piece, config) for piece in pieces] if timed else pieces


def make_prompt(
    reference: Reference | None, ids: np.ndarray, frames: np.ndarray | int, config: ModelConfig
) -> Prompt:
    """Reference and sentence, joined.

    Args:
        reference: the voice, or None to let the model choose one.
        ids: int64 [symbols] of the sentence ("durations": with its pauses).
        frames: int64 [symbols], the frames of each symbol; for "filler" models those of the sentence.
        config: the model's.
    Raises:
        UserError: the sentence is longer than the model can speak at once.
    """
    patch, channels = config.transformer.patch, config.transformer.patch * config.transformer.mel_dim
    if reference is None:
        empty = np.zeros(0, dtype=np.int64)
        reference = Reference(np.zeros((0, config.transformer.mel_dim), dtype=np.float32), empty, empty)
    start, total = len(reference.mel) // patch, total_tokens(reference, frames, patch)
    if total * patch > MAX_FRAMES:
        raise UserError(
            f"a sentence and its reference would last {total * patch / FRAME_RATE:.0f} s; "
            f"the model speaks at most {MAX_FRAMES / FRAME_RATE:.0f} s at once"
        )
    cond = np.zeros((total, channels), dtype=np.float32)
    cond[:start] = reference.mel.reshape(start, channels)
    if config.text.alignment == "filler":
        text = np.concatenate((reference.ids, ids)).astype(np.int64)
    else:
        text = np.concatenate((np.repeat(reference.ids, reference.frames), np.repeat(ids, frames))).astype(
            np.int64
        )
    return Prompt(cond, np.arange(total) < start, text)


def total_tokens(reference: Reference, frames: np.ndarray | int, patch: int) -> int:
    """Tokens of the reference and of a sentence of `frames`, the last of which may be filled up."""
    return len(reference.mel) // patch + -(-int(np.sum(frames)) // patch)
