"""What to evaluate; and the settings of an evaluation or a benchmark: a sampler and its options."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..cluster.parts import Part
from ..config import ModelConfig, SamplingConfig
from ..errors import UserError
from ..sampling.options import REFINE_SHARE, GenerateOptions
from ..sampling.samplers import SAMPLERS

DEFAULT_SETTINGS = ("masked", "ode")  # of an evaluation
VOICE_REFERENCE = "voice"  # among `references`: the recording of the voice that speaks


@dataclass(frozen=True)
class Setting:
    """A sampler and its options."""

    name: str  # as the user wrote it: "masked:num_iter=4,cfg=2"
    options: GenerateOptions

    @property
    def needs_head(self) -> bool:
        """Whether the sampler uses the diffusion head."""
        return self.options.sampler != "ode"

    def effective_options(
        self, defaults: SamplingConfig, own_iterations: Iterable[int | None] = (None,)
    ) -> dict:
        """The options that the sampler uses.

        Args:
            defaults: of the model, for options that are not set here.
            own_iterations: the `num_iter` of the voices that speak. If they speak with different numbers of
                iterations, the result has None.
        """
        sampler = self.name.partition(":")[0]
        values = {key: getattr(self.options, key) for key in SAMPLERS[sampler]}
        if "num_iter" in values:
            numbers = {self.options.iterations(own) for own in own_iterations}
            values["num_iter"] = numbers.pop() if len(numbers) == 1 else None
        return {"sampler": sampler} | {
            key: getattr(defaults, key, None) if value is None else value for key, value in values.items()
        }

    @property
    def folder_name(self) -> str:
        """The name, in characters that every file system takes."""
        return self.name.replace(":", "-").replace(",", "-")


def settings_for(config: ModelConfig, settings: Sequence[Setting], are_defaults: bool) -> list[Setting]:
    """The settings that a model supports.

    Args:
        config: the model's.
        settings: those wanted.
        are_defaults: the user named none, so settings that the model does not support are left out.
    Raises:
        UserError: the user named a setting that needs a diffusion head, and the model has none.
    """
    if config.diffusion is not None:
        return list(settings)
    supported = [setting for setting in settings if not setting.needs_head]
    if not are_defaults and len(supported) < len(settings):
        raise UserError("this model has no diffusion head: use settings of the sampler ode only")
    return supported


def parse_setting(text: str) -> Setting:
    """Parse `SAMPLER` or `SAMPLER:KEY=VALUE,...`; the keys are fields of `GenerateOptions`.

    Raises:
        UserError: an unknown sampler or key (the nearest is suggested), a repeated key, a value out of range.
    """
    sampler, _, rest = text.partition(":")
    if sampler not in SAMPLERS:
        raise UserError(
            f"there is no sampler {sampler!r}{_suggestion(sampler, SAMPLERS)}; "
            f"choose from {', '.join(SAMPLERS)}"
        )
    keys = SAMPLERS[sampler]
    values: dict = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise UserError(f"{item!r} in {text!r} must be KEY=VALUE")
        if key not in keys:
            raise UserError(
                f"{sampler} has no option {key!r}{_suggestion(key, keys)}; it has {', '.join(keys)}"
            )
        if key in values:
            raise UserError(f"{key} occurs twice in {text!r}")
        values[key] = _parse_value(key, value)
    if sampler == "refine":
        values = {"refine": REFINE_SHARE} | values
    options = GenerateOptions(sampler=sampler, **values)
    options.check()
    return Setting(text, options)


def _parse_value(key: str, text: str) -> bool | int | float | str:
    hint = typing.get_type_hints(GenerateOptions)[key]  # "int" or "int | None"
    kind = next(iter(typing.get_args(hint)), hint)
    if kind is bool:
        if text not in ("true", "false"):
            raise UserError(f"{key} must be true or false, not {text!r}")
        return text == "true"
    try:
        return kind(text)
    except ValueError as error:
        wanted = {int: "a whole number", float: "a number"}[kind]
        raise UserError(f"{key} must be {wanted}, not {text!r}") from error


def _suggestion(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


@dataclass(frozen=True)
class EvaluationConfig:
    """What to evaluate, and how."""

    texts: str  # a JSONL file, see `dataset.read_items`
    limit: int | None = None  # only the first texts
    checkpoint: str | None = None  # None: the embedded model
    precision: str = "float32"
    settings: tuple[Setting, ...] = ()  # empty: DEFAULT_SETTINGS, as far as the model supports them
    wavs: str | None = None  # a folder of recordings to score instead of a model's speech
    voice: str | None = None  # of all texts; None: see `voices.choose_voices`
    ref_audio: str | None = None
    ref_text: str | None = None
    output: str | None = None  # a folder in which the speech is kept
    json: str | None = None  # the report's file
    asr: str | None = None  # a recognizer, see `recognition.recognizer`; None: no error rates
    references: tuple[str, ...] = ()  # for the similarity: a folder of recordings, VOICE_REFERENCE, or both
    dnsmos: bool = True
    prosody: bool = True
    threads: int = 0  # of the recognizer; 0: its default
    part: Part | None = None  # of the texts, in turn; see `parts.join`
    engine: str = "here"  # or "ray": in the workers of a Ray cluster

    @property
    def reference_folder(self) -> str | None:
        return next((name for name in self.references if name != VOICE_REFERENCE), None)
