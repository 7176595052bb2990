"""A language model of mlx-lm in a conversation: questions in, answers out piece by piece."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing

from nanospeech_core.checkpoints.hub import find_folder
from nanospeech_core.errors import UserError
from nanospeech_core.system.install import pip_install
from nanospeech_core.text.markdown.sentence_stream import Answer

# What is fetched from the hub: no code.
FILES = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "*.tiktoken")


class LanguageModel:
    """A chat model of mlx-lm, the conversation so far, and as much of it as the model's cache holds.

    Args:
        model, tokenizer: as `mlx_lm.load` gives them.
        name: in messages.
        system: what the model is told before the conversation.
        think: let a model that can reason first do so.
        max_tokens: of an answer.
        temperature: of sampling; 0 always takes the likeliest token.
    """

    def __init__(
        self,
        model,
        tokenizer,
        name: str,
        system: str | None = None,
        think: bool = False,
        max_tokens: int = 2048,
        temperature: float = 0.7,
    ):
        self.model, self.tokenizer, self.name = model, tokenizer, name
        self.messages = [] if system is None else [{"role": "system", "content": system}]
        self.think, self.max_tokens, self.temperature = think, max_tokens, temperature
        self.reasoning = (tokenizer.think_start or "<think>", tokenizer.think_end or "</think>")
        self.reasons_at_once = False  # the last prompt ended with the tag that begins the reasoning
        self._cache: list = []
        self._cached: list[int] = []  # its tokens, and perhaps one that it has not yet

    @classmethod
    def from_pretrained(cls, name: str, **settings) -> LanguageModel:
        """Load a folder or a hub id; `settings` are those of the class. Raises UserError if it cannot be."""
        folder = find_folder(name, patterns=FILES, needed=("config.json",))
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # it would advise to install PyTorch
        try:
            import mlx_lm
        except ImportError as error:
            raise UserError(f"a language model needs mlx-lm ({error}): {pip_install('chat')}") from error
        try:
            model, tokenizer = mlx_lm.load(str(folder))
        except Exception as error:  # of any kind: whatever a broken or unknown model makes mlx-lm do
            raise UserError(f"{name} is no language model that mlx-lm can load: {_reason(error)}") from error
        if not tokenizer.has_chat_template:
            raise UserError(f"{name} has no chat template: choose a model that is trained to answer")
        return cls(model, tokenizer, name, **settings)

    def answer(self, question: str) -> Iterator[str]:
        """The answer, piece by piece. The conversation keeps what was written of it when it is cut off."""
        from mlx_lm import stream_generate
        from mlx_lm.sample_utils import make_sampler

        self.messages.append({"role": "user", "content": question})
        written, whole = "", False
        try:
            prompt = self._prompt()
            known = self._rewind(prompt)
            sampler = make_sampler(temp=self.temperature)
            responses = stream_generate(
                self.model,
                self.tokenizer,
                prompt[known:],
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
            whole = True
        finally:
            if not whole:  # cut off between two layers, it would be of no use
                self._cache = []
            answer = Answer(self.reasoning, self.reasons_at_once)
            written = (answer.feed(written) + answer.finish()).strip()
            if written:
                self.messages.append({"role": "assistant", "content": written})
            else:
                self.messages.pop()

    def _prompt(self) -> list[int]:
        """The conversation as the model's tokens."""
        try:
            text = self.tokenizer.apply_chat_template(
                self.messages, add_generation_prompt=True, tokenize=False, enable_thinking=self.think
            )
        except Exception as error:  # a template may refuse by any error, a system message for instance
            raise UserError(
                f"the chat template of {self.name} refuses the conversation: {_reason(error)}"
            ) from error
        self.reasons_at_once = text.rstrip().endswith(self.reasoning[0])
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def _rewind(self, prompt: Sequence[int]) -> int:
        """Cut the cache back to the tokens that begin `prompt` too: how many these are."""
        from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache

        held = getattr(self._cache[0], "offset", None) if self._cache else None
        if held is not None and can_trim_prompt_cache(self._cache):
            same = 0
            # The last token of the prompt is always read anew, for what follows it is asked.
            for ours, theirs in zip(self._cached[:held], prompt[:-1], strict=False):
                if ours != theirs:
                    break
                same += 1
            if trim_prompt_cache(self._cache, held - same) == held - same:
                return same
        self._cache = make_prompt_cache(self.model)
        return 0


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
