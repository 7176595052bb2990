"""A language model of mlx-lm in a conversation: takes questions, streams answers."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from nanospeech_core.checkpoints.hub import find_folder
from nanospeech_core.errors import UserError
from nanospeech_core.system.install import pip_install
from nanospeech_core.text.markdown.sentence_stream import ReasoningFilter

from ..device.threads import free_streams_at_thread_end

# The files to download from the hub: no code.
FILES = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "*.tiktoken")


class LanguageModel:
    """A chat model of mlx-lm with its conversation; the key-value cache has the beginning of it.

    Args:
        model, tokenizer: from `mlx_lm.load`.
        name: the model's name in messages.
        system: the system prompt.
        think: allow reasoning before the answer, if the model supports it.
        max_tokens: limit of an answer.
        temperature: of sampling; 0 always takes the most likely token.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        name: str,
        system: str | None = None,
        think: bool = False,
        max_tokens: int = 2048,
        temperature: float = 0.7,
    ) -> None:
        self.model, self.tokenizer, self.name = model, tokenizer, name
        self.messages: list[dict[str, str]] = (
            [] if system is None else [{"role": "system", "content": system}]
        )
        self.think, self.max_tokens, self.temperature = think, max_tokens, temperature
        self.reasoning = (tokenizer.think_start or "<think>", tokenizer.think_end or "</think>")
        self.reasons_at_once = False  # the last prompt ended with the first reasoning tag
        self._cache: list = []
        self._cached: list[int] = []  # the tokens in the cache; the last one may still be missing there

    @classmethod
    def from_pretrained(cls, name: str, **settings: Any) -> LanguageModel:
        """Load a folder or a hub id, with the `settings` of the class. Raises UserError if that fails."""
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # else it advises to install PyTorch
        try:
            import mlx_lm
        except ImportError as error:
            raise UserError(f"a language model needs mlx-lm ({error}): {pip_install('chat')}") from error
        free_streams_at_thread_end()
        folder = find_folder(name, patterns=FILES, needed=("config.json",))
        check_no_code(folder, name)
        try:
            model, tokenizer = mlx_lm.load(str(folder), tokenizer_config={"trust_remote_code": False})
        except Exception as error:  # a broken or unknown model makes mlx-lm raise any error
            raise UserError(
                f"{name} is not a language model that mlx-lm can load: {_reason(error)}"
            ) from error
        if not tokenizer.has_chat_template:
            raise UserError(f"{name} has no chat template: choose a model trained for chat")
        return cls(model, tokenizer, name, **settings)

    def answer(self, question: str) -> Generator[str, None, None]:
        """Generate the answer in pieces. If it is interrupted, the conversation keeps the finished part.

        Take all pieces of an answer in one thread, as mlx-lm demands; the next answer may be in another.
        Raises UserError if the chat template or the language model fails.
        """
        from mlx_lm import stream_generate
        from mlx_lm.sample_utils import make_sampler

        free_streams_at_thread_end()
        self.messages.append({"role": "user", "content": question})
        written, complete = "", False
        try:
            prompt = self._prompt()
            cached = self._rewind(prompt)
            sampler = make_sampler(temp=self.temperature)
            responses = stream_generate(
                self.model,
                self.tokenizer,
                prompt[cached:],
                max_tokens=self.max_tokens,
                sampler=sampler,
                prompt_cache=self._cache,
            )
            self._cached = list(prompt)
            with closing(responses):
                for response in responses:
                    self._cached.append(response.token)
                    written += response.text
                    yield response.text
            complete = True
        except UserError:
            raise
        except Exception as error:  # no memory, a broken tokenizer: mlx-lm may raise anything
            raise UserError(f"{self.name} cannot answer: {_reason(error)}") from error
        finally:
            if not complete:  # an interruption between two layers makes the cache inconsistent
                self._cache = []
            reasoning = ReasoningFilter(self.reasoning, self.reasons_at_once)
            written = (reasoning.feed(written) + reasoning.finish()).strip()
            if written:
                self.messages.append({"role": "assistant", "content": written})
            else:
                self.messages.pop()

    def _prompt(self) -> list[int]:
        """The conversation as token ids."""
        try:
            text = self.tokenizer.apply_chat_template(
                self.messages, add_generation_prompt=True, tokenize=False, enable_thinking=self.think
            )
        except Exception as error:  # a template may raise any error, for a system message for example
            raise UserError(
                f"the chat template of {self.name} refuses the conversation: {_reason(error)}"
            ) from error
        self.reasons_at_once = text.rstrip().endswith(self.reasoning[0])
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def _rewind(self, prompt: Sequence[int]) -> int:
        """Trim the cache to its common beginning with `prompt`; returns the number of tokens in common."""
        from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache

        length = getattr(self._cache[0], "offset", None) if self._cache else None
        if length is not None and can_trim_prompt_cache(self._cache):
            same = 0
            # The last token of the prompt is always processed again, as its output is needed.
            for cached, wanted in zip(self._cached[:length], prompt[:-1], strict=False):
                if cached != wanted:
                    break
                same += 1
            if trim_prompt_cache(self._cache, length - same) == length - same:
                return same
        self._cache = make_prompt_cache(self.model)
        return 0


def check_no_code(folder: Path, name: str) -> None:
    """Raise UserError if a model's config names Python code of its own, which mlx-lm would run."""
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # mlx-lm says what is wrong
    if isinstance(values, dict) and values.get("model_file") is not None:
        raise UserError(f"{name} brings its own Python code ({values['model_file']!r:.60}), which is not run")


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
