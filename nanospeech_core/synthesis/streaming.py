"""Streaming: a segment's waveform in chunks, while its end is still being generated.

Masked decoding reveals the tokens from left to right, in blocks. After each block the vocoder decodes a
chunk, which is cross-faded with the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import numpy as np

from ..audio.crossfade import crossfade
from ..audio.mel import FRAME_RATE, HOP
from ..config import VocosConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.reveal import RevealPlan, stream_blocks
from .backend import Backend
from .pauses import stream_skipped_seconds
from .segments import Segment

FIRST_SECONDS, GROWTH, LARGEST_SECONDS = 0.4, 1.6, 2.0  # of audio in the blocks
MIN_TOKENS = 8  # new ones, for which the vocoder is run
OVERLAP = HOP  # samples of the cross-fade between two chunks


def stream_segment(
    model: Backend, segment: Segment, seed: int, options: GenerateOptions
) -> Generator[np.ndarray, None, None]:
    """The waveform of a segment in chunks, float32 [samples] each; other samplers than masked give one."""
    if model.config.vocoder is None:
        raise UserError("this model has no vocoder")
    context, reach = receptive_field(model.config.vocoder), convolution_reach(model.config.vocoder.num_layers)
    decoder = ChunkDecoder(model.decode, segment.total_frames, context, reach)
    if options.sampler == "masked":
        yield from stream_masked(model, segment, seed, options, decoder)
    else:
        mel = model.generate_mels([segment.prompt], [seed], options)[0]
        yield decoder.next_chunk(segment.with_silences(mel), segment.total_frames)


def stream_masked(
    model: Backend, segment: Segment, seed: int, options: GenerateOptions, decoder: ChunkDecoder
) -> Iterator[np.ndarray]:
    """The chunks of masked decoding: one whenever at least `MIN_TOKENS` more tokens are final."""
    prompt, patch = segment.prompt, model.config.transformer.patch
    plan = stream_plan(model, segment, seed, options)
    # of the estimate, the vocoder reads no more than its context
    plan = replace(plan, ahead=-(-decoder.context // patch))
    steps = model.sample_steps([prompt], [seed], options, [plan])
    decoded = prompt.start
    for final, (_, estimate) in zip(plan.visible_prefix(), steps, strict=True):  # final: tokens
        if final - decoded >= MIN_TOKENS or final == len(prompt.cond):
            mel = model.to_mel_frames(model.array(estimate)[0], prompt)
            decoded = final
            final_frames = segment.frames_with_silences((final - prompt.start) * patch)
            yield decoder.next_chunk(segment.with_silences(mel), final_frames)


def stream_plan(model: Backend, segment: Segment, seed: int, options: GenerateOptions) -> RevealPlan:
    """A plan from left to right, in blocks: about as many iterations as without, at least one a block.

    A stream leaves out the silence or the context that the segment begins with, so the first block includes
    these tokens.
    """
    tokens_per_second = FRAME_RATE / model.config.transformer.patch
    first, largest = (round(s * tokens_per_second) for s in (FIRST_SECONDS, LARGEST_SECONDS))
    skipped = 0
    if model.config.text.alignment == "durations":
        context = segment.part.start  # symbols
        if context:
            skipped = int(segment.durations[:context].sum()) // model.config.transformer.patch
        else:
            skipped = round(stream_skipped_seconds(segment.durations[0]) * tokens_per_second)
    blocks = stream_blocks(int((~segment.prompt.visible).sum()) - skipped, first, GROWTH, largest)
    blocks[0] += skipped
    block_iterations = max(1, round(options.iterations() / len(blocks)))
    return model.plan(segment.prompt, seed, replace(options, num_iter=block_iterations), blocks)


def receptive_field(config: VocosConfig) -> int:
    """How many frames on each side of a sample affect it in a Vocos."""
    return convolution_reach(config.num_layers) + config.n_fft // (2 * config.hop_length)  # and its irfft


def convolution_reach(num_layers: int) -> int:
    """How many frames on each side the convolutions of a Vocos of some layers read."""
    return 3 * (num_layers + 1)  # of 7 frames each


class ChunkDecoder:
    """Decodes a mel that becomes final from left to right.

    The vocoder receives the estimated mel of what follows as context. The last `OVERLAP` samples of a chunk
    depend on that estimate, so they are held back and cross-faded with the next chunk.
    """

    def __init__(
        self, decode: Callable[[np.ndarray, bool, bool], np.ndarray], frames: int, context: int, reach: int
    ):
        """
        Args:
            decode: `Backend.decode`.
            frames: of the whole mel.
            context: frames that the vocoder receives on each side, see `receptive_field`.
            reach: how many of these `decode` only reads, see `convolution_reach`.
        """
        self.decode, self.frames, self.context, self.reach = decode, frames, context, reach
        self.samples = 0  # given out so far
        self.held_back = np.zeros(0, np.float32)  # the samples after them, as the last chunk had them

    def next_chunk(self, mel: np.ndarray, final_frames: int) -> np.ndarray:
        """The samples that are final now, float32 [samples]; empty if they are too few.

        Args:
            mel: log-mel of the whole [frames, mel_dim], estimated beyond the final frames.
            final_frames: how many of its first frames are final; all of them: this is the last chunk.
        """
        last = final_frames >= self.frames
        end = (self.frames - 1) * HOP if last else (final_frames - 1) * HOP
        if end - self.samples <= (0 if last else OVERLAP):
            return np.zeros(0, np.float32)
        left = max(0, self.samples // HOP - self.context)
        right = min(self.frames, final_frames + self.context)
        wave = self.decode(mel[left:right], left > 0, right < self.frames)
        start = (left + self.reach * (left > 0)) * HOP
        wave = wave[self.samples - start : end - start].copy()
        overlap = min(len(self.held_back), len(wave))
        wave[:overlap] = crossfade(self.held_back[:overlap], wave[:overlap])
        kept = len(wave) if last else len(wave) - OVERLAP
        wave, self.held_back = wave[:kept], wave[kept:]
        self.samples += len(wave)
        return wave
