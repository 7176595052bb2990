"""Speaking, on any backend: from a text to waves, sentence by sentence, chunk by chunk or in batches."""

from __future__ import annotations

import itertools
import numbers
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from .audio.mel import FRAME_RATE, HOP, SAMPLE_RATE
from .config import ModelConfig
from .editing.edit import MARGIN
from .editing.edit import edit as edit_recording
from .errors import UserError
from .sampling.options import GenerateOptions
from .sampling.prompt import Prompt
from .sampling.reveal import RevealPlan, make_reveal_plan, stream_blocks
from .sampling.samplers import with_sampler
from .synthesis.assembly import LEAD_SECONDS, Narration, Speech
from .synthesis.frontend import Script, check_texts, read_script
from .synthesis.segments import Piece, make_pieces
from .synthesis.streaming import Seams, context_frames
from .system.parallel import Abandoned, ahead
from .voices.alignment import Align
from .voices.reference_cache import ReferenceCache
from .voices.store import Voice, list_voices, user_voices, voices_folder

FIRST_SECONDS, GROWTH, LARGEST_SECONDS = 0.4, 1.6, 2.0  # of the blocks of a stream, as they are heard
LEAST_TOKENS = 8  # that are worth a run of the vocoder
BATCH = 8  # sentences
WINDOW = 16  # batches, at most, that are sorted by length together


@dataclass(eq=False)
class Job:
    """A piece of one of many texts."""

    number: int  # of the text
    script: Script
    line: int
    piece: Piece
    seed: int
    ends: bool  # the line
    mel: np.ndarray | None = None


def choose(voice: str | Voice | None = None, **options) -> GenerateOptions:
    """The options as one, checked; a voice is its name. Raises UserError for one that is out of range."""
    chosen = GenerateOptions(voice=voice.name if isinstance(voice, Voice) else voice, **options)
    chosen.check()
    return chosen


class Pipeline:
    """What `Nanospeech` does with its networks: `sample_steps`, `predict_frames` and `decode`.

    workers: how many sentences or batches are made at once, each in a thread (see `parallel.ahead`); None: as
        `parallel` says.
    """

    config: ModelConfig
    workers: int | None = None
    folder: str | os.PathLike | None
    references: ReferenceCache
    sample_rate = SAMPLE_RATE

    def voices(self) -> list[Voice]:
        """The checkpoint's voices, else the embedded ones, the default one first; then the user's own."""
        return list_voices(voices_folder(self.folder)) + user_voices()

    def generate(self, text: str, voice: str | Voice | None = None, **options) -> np.ndarray:
        """Speak.

        Args:
            text: any length; it is split into sentences.
            voice: one of `voices()`, or its name; None: the first of the model's that speaks the language.
            options: further fields of `GenerateOptions`.
        Returns:
            float32 [samples] at `sample_rate`.
        Raises:
            UserError: the text cannot be spoken, the voice is unknown, an option is out of range.
        """
        return np.concatenate([speech.wave for speech in self.speak(text, voice, **options)])

    def stream(self, text: str, voice: str | Voice | None = None, **options) -> Iterator[np.ndarray]:
        """Speak while the rest is still being made: yields float32 [samples], to be played one after another.

        Masked decoding goes from left to right, so that a sentence is heard before its end is known; the ODE
        makes whole sentences. Nothing is computed but when a chunk is asked for: closing the iterator, or
        Ctrl-C, ends the work. The arguments are those of `generate`.
        """
        for speech in self.speak(text, voice, **{**options, "stream": True}):
            yield speech.wave

    def speak(
        self,
        text: str,
        voice: str | Voice | None = None,
        progress: Callable[[int, int], None] | None = None,
        within: bool = False,
        **options,
    ) -> Iterator[Speech]:
        """`generate` sentence by sentence (`stream`: chunk by chunk), with its words and phones.

        After the first one, the next sentences may be made in threads before they are asked for (`workers`),
        chunks are not. Closing the iterator ends that work within a step.

        progress: called with (sentences done, sentences in all) before each sentence and at the end.
        within: whether more is spoken before and after: the ends are then as between two sentences.
        """
        chosen = with_sampler(choose(voice, **options), self.config)
        script = self._script(text, chosen)
        narration, count = Narration(script, self.config, chosen.stream, within), len(script.lines)
        jobs = self._of_script(0, script, chosen)
        if progress is not None:
            progress(0, count)

        def make(job: Job, abandoned: threading.Event) -> tuple[Job, np.ndarray]:
            mel = self._mels([job.piece.prompt], [job.seed], chosen, abandoned)[0]
            return job, self.decode(job.piece.with_silences(mel))

        if chosen.stream:  # nothing is computed but when a chunk is asked for
            spoken = ((job, None) for job in jobs)
        else:
            spoken = ahead(make, jobs, self.workers or self.default_workers())
        for job, wave in spoken:
            piece, last = job.piece, job.ends and job.line + 1 == count
            if wave is None:
                chunks = self._chunks(piece, job.seed, chosen)
                yield from narration.tell_chunks(piece, chunks, (piece.total - 1) * HOP, job.line, last)
            else:
                yield narration.tell(piece, wave, job.line, last)
            self.free_memory()
            if progress is not None and job.ends:
                progress(job.line + 1, count)

    def generate_batch(
        self,
        texts: Iterable[str],
        voice: str | Voice | None = None,
        batch_size: int = BATCH,
        names: Sequence[str] | None = None,
        **options,
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Speak many texts, several sentences at once; each sounds as it does by itself.

        Args:
            texts: as `generate` takes them.
            voice: of all, as `generate` takes it; None: of each the first that speaks its language.
            batch_size: sentences at once; more are faster on a GPU and take more memory.
            names: what messages call each text; None: text 1, text 2.
            options: further fields of `GenerateOptions`.
        Yields:
            the number of a text and its wave, as they are ready: in order of length within some batches.
        Raises:
            UserError: as `generate` does; where a text is to blame, mostly before anything is spoken.
        """
        chosen = with_sampler(choose(voice, **options), self.config)
        if chosen.stream:
            raise UserError("a batch is not streamed: leave out stream, or speak one text after the other")
        if not isinstance(batch_size, numbers.Integral) or batch_size < 1:
            raise UserError(f"batch_size must be a whole number from 1 up, not {batch_size!r}")
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise UserError(f"texts must be a list of texts, not {texts!r:.40}")
        texts = list(texts)
        names = names or [f"text {number + 1}" for number in range(len(texts))]
        check_texts(texts, names, self.config, chosen)
        if chosen.voice is not None or chosen.ref_audio is not None:  # no text is to blame for these
            self.prepare(**asdict(chosen))
        size = batch_size if self.config.transformer.mask_padding else 1  # else padding would be heard
        end, window = 0, 1
        while end < len(texts):
            begin, end = end, min(len(texts), end + size * window)
            window = min(2 * window, WINDOW)  # few at first, so that the first wave is there soon
            jobs = [job for n in range(begin, end) for job in self._jobs(n, texts[n], names[n], chosen)]
            left = Counter(job.number for job in jobs)
            ordered = sorted(jobs, key=lambda job: len(job.piece.prompt.cond))
            batches = [ordered[start : start + size] for start in range(0, len(jobs), size)]

            def make(batch: list[Job], abandoned: threading.Event) -> list[Job]:
                prompts, seeds = [job.piece.prompt for job in batch], [job.seed for job in batch]
                mels = self._mels(prompts, seeds, chosen, abandoned)
                for job, mel in zip(batch, mels, strict=True):
                    job.mel = mel
                return batch

            for batch in ahead(make, batches, self.workers or self.default_workers()):
                for job in batch:
                    left[job.number] -= 1
                self.free_memory()
                for number in sorted({job.number for job in batch}):
                    if not left[number]:
                        yield number, self._tell([job for job in jobs if job.number == number])

    def _jobs(self, number: int, text: str, name: str, chosen: GenerateOptions) -> list[Job]:
        try:
            script = self._script(text, chosen)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
        return list(self._of_script(number, script, chosen))

    def _of_script(self, number: int, script: Script, chosen: GenerateOptions) -> Iterator[Job]:
        """The pieces of a text, each when it is asked for."""
        seeds = itertools.count(chosen.seed)
        for line, pieces in enumerate(self._pieces(script, chosen)):
            for piece in pieces:
                yield Job(number, script, line, piece, next(seeds), piece is pieces[-1])

    def _tell(self, jobs: list[Job]) -> np.ndarray:
        """The wave of a text whose mels are all there; they are given up."""
        narration, waves = Narration(jobs[0].script, self.config), []
        for job in jobs:
            wave = self.decode(job.piece.with_silences(job.mel))
            waves.append(narration.tell(job.piece, wave, job.line, job is jobs[-1]).wave)
            job.mel = None
        return np.concatenate(waves)

    def edit(
        self,
        wave: np.ndarray,
        text: str,
        edited: str,
        sample_rate: int = SAMPLE_RATE,
        margin: float = MARGIN,
        **options,
    ) -> np.ndarray:
        """Change words in a recording; all but those and a little around them stays, bit by bit.

        The arguments, what is returned and the errors are those of `nanospeech_core.editing.edit.edit`.

        options: further fields of `GenerateOptions`; those of the voice say nothing here.
        """
        chosen = with_sampler(choose(**options), self.config)
        return edit_recording(self, wave, text, edited, sample_rate, margin, chosen)

    def sample(self, prompt: Prompt, **options) -> np.ndarray:
        """The log-mel float32 [frames, mel_dim] of a prompt from its first hidden token on.

        options: fields of `GenerateOptions`; those of text and voice say nothing here. Raises UserError for
        one that is out of range.
        """
        chosen = with_sampler(choose(**options), self.config)
        return self._mels([prompt], [chosen.seed], chosen)[0]

    def prepare(self, voice: str | Voice | None = None, **options) -> None:
        """Read the voice now, so that the first text need not wait. Raises UserError where it is unusable."""
        chosen = choose(voice, **options)
        self.references.get(self.folder, chosen, "", self.config, self._align)

    @property
    def _align(self) -> Align | None:
        return None if self.aligner is None else self.aligner.align

    def _script(self, text: str, chosen: GenerateOptions) -> Script:
        return read_script(text, self.config, self.folder, chosen, self._align, self.references)

    def _pieces(self, script: Script, chosen: GenerateOptions) -> Iterator[list[Piece]]:
        """Of each line, when it is asked for."""

        def predict(ids: np.ndarray) -> np.ndarray:
            return self.predict_frames(script.reference, ids, chosen.speed)

        for line in script.lines:
            yield make_pieces(script.reference, line, self.config, predict)

    def _mels(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        chosen: GenerateOptions,
        abandoned: threading.Event | None = None,
    ) -> list[np.ndarray]:
        """Log-mels [frames, mel_dim] of a batch, each from its first hidden token on."""
        for tokens, _ in self.sample_steps(prompts, seeds, chosen):  # noqa: B007
            if abandoned is not None and abandoned.is_set():
                raise Abandoned
        states = self.array(tokens)
        return [
            self._mel(state, prompt.start, len(prompt.cond))
            for state, prompt in zip(states, prompts, strict=True)
        ]

    def _mel(self, tokens: np.ndarray, start: int, end: int) -> np.ndarray:
        frames = tokens[start:end].reshape(-1, self.config.transformer.mel_dim)
        return frames * self.config.mel.std + self.config.mel.mean

    def _chunks(self, piece: Piece, seed: int, chosen: GenerateOptions) -> Iterator[np.ndarray]:
        """The wave of a piece as it becomes known."""
        prompt, patch = piece.prompt, self.config.transformer.patch
        if self.config.vocoder is None:
            raise UserError("this model has no vocoder")
        seams = Seams(self.decode, piece.total, context_frames(self.config.vocoder))
        if chosen.sampler != "masked":  # it is known all at once
            mel = self._mels([prompt], [seed], chosen)[0]
            yield seams.push(piece.with_silences(mel), piece.total)
            return
        plan, start = self._stream_plan(piece, seed, chosen), prompt.start
        states = self.sample_steps([prompt], [seed], chosen, [plan])
        before = start
        for known, (_, draft) in zip(plan.known(), states, strict=True):
            if known - before >= LEAST_TOKENS or known == len(prompt.cond):
                mel = self._mel(self.array(draft)[0], start, len(prompt.cond))
                before = known
                yield seams.push(piece.with_silences(mel), piece.shown((known - start) * patch))

    def plan(
        self, prompt: Prompt, seed: int, options: GenerateOptions, blocks: Sequence[int] | None = None
    ) -> RevealPlan:
        """When masked decoding reveals which token, as the options say; `blocks` as in `make_reveal_plan`."""
        cfg = self.config.sampling.cfg if options.cfg is None else options.cfg
        return make_reveal_plan(
            ~prompt.visible,
            options.num_iter,
            seed,
            cfg,
            options.cfg_schedule,
            options.order,
            options.temperature_schedule,
            blocks,
        )

    def _stream_plan(self, piece: Piece, seed: int, chosen: GenerateOptions) -> RevealPlan:
        """From left to right: about as many iterations in all as otherwise, at least one a block."""
        tokens_per_second = FRAME_RATE / self.config.transformer.patch
        first, largest = (round(s * tokens_per_second) for s in (FIRST_SECONDS, LARGEST_SECONDS))
        unheard = 0
        if self.config.text.alignment == "durations":  # the silence that it begins with
            seconds = max(0.0, piece.frames[0] / FRAME_RATE - LEAD_SECONDS)
            unheard = round(seconds * tokens_per_second)
        blocks = stream_blocks(int((~piece.prompt.visible).sum()) - unheard, first, GROWTH, largest)
        blocks[0] += unheard
        of_a_block = max(1, round(chosen.num_iter / len(blocks)))
        return self.plan(piece.prompt, seed, replace(chosen, num_iter=of_a_block), blocks)
