"""The body of a request for speech, checked: OpenAI's fields, and the options of this package."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..config import ModelConfig
from ..errors import UserError
from ..pipeline import make_options
from ..sampling.option_fields import options_of
from ..sampling.options import SAMPLING, GenerateOptions
from ..sampling.samplers import check_sampler_reads, sampler_of, unread_options
from ..text.checks import check_text
from ..text.languages import LANGUAGES, find_code
from .encoders import FORMATS
from .errors import ApiError

MODEL = "nanospeech-mar"
MODELS = (MODEL, "tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # OpenAI's, for clients that know no other
MAX_LEXICON = 1000  # entries
STREAM_FORMATS = ("audio", "sse")
# At most; larger values would let one client keep the model busy.
LIMITS = {"num_iter": 64, "diffusion_steps": 64, "steps": 128}
OPTIONS = (*SAMPLING, "lang", "lexicon")
FIELDS = (
    *("input", "model", "voice", "instructions", "response_format", "stream_format", "timestamps"),
    *OPTIONS,
)


@dataclass(frozen=True)
class SpeechRequest:
    """What a client asks for.

    Attributes:
        text: to be spoken.
        voice: its name, not yet looked up; None: the model's first for the language.
        audio_format: one of `FORMATS`.
        sse: audio as server-sent events.
        streamed: the client reads audio while it is generated. A WAV that is not streamed has its length in
            its header.
        timestamps: also the times of words.
        options: further arguments of `Pipeline.speak`.
        standalone: False: a part of something longer, see `Pipeline.speak`.
    """

    text: str
    voice: str | None
    audio_format: str = "pcm"
    sse: bool = False
    streamed: bool = True
    timestamps: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    standalone: bool = True


def read_json(data: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises ApiError if it is none."""

    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is not JSON")

    try:
        body = json.loads(data, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"the body is not JSON: {str(error)[:100]}") from error
    if not isinstance(body, dict):
        raise ApiError("the body must be a JSON object")
    return body


def read_speech_request(body: Mapping[str, Any], max_characters: int) -> SpeechRequest:
    """The request in a body.

    Raises:
        ApiError: a field is missing, unknown, of another type, or out of range.
    """
    check_fields(body, FIELDS)
    check_model(body.get("model"))
    audio_format = _choice(body, "response_format", tuple(FORMATS)) or "mp3"
    stream_format = _choice(body, "stream_format", STREAM_FORMATS)
    if not isinstance(body.get("instructions"), (str, type(None))):
        raise ApiError("instructions must be a string", param="instructions")
    timestamps = body.get("timestamps", False)
    if not isinstance(timestamps, bool):
        raise ApiError("timestamps must be true or false", param="timestamps")
    if timestamps and stream_format != "sse":
        raise ApiError(
            'timestamps needs stream_format "sse", or POST to /v1/audio/speech/timestamps', param="timestamps"
        )
    return SpeechRequest(
        text=read_input(body, max_characters),
        voice=read_voice(body.get("voice")),
        audio_format=audio_format,
        sse=stream_format == "sse",
        streamed=stream_format is not None or audio_format != "wav",
        timestamps=timestamps,
        options=read_options({name: body[name] for name in OPTIONS if name in body}),
    )


def check_fields(body: Collection[str], known: Sequence[str]) -> None:
    """Raise ApiError for a field that is not known."""
    for name in body:
        if name not in known:
            message = f"unknown field {name!r:.60}: the fields are {', '.join(known)}"
            raise ApiError(message, param=name[:60])


def check_model(model: object) -> None:
    """Raise ApiError if a request names a model that is not here."""
    if model is None:
        return
    if not isinstance(model, str):
        raise ApiError("model must be a string", param="model")
    if model not in MODELS and not model.startswith("gpt-4o-mini-tts-"):  # with a date
        message = f'there is no model "{model:.60}"; the models are {", ".join(MODELS)}'
        raise ApiError(message, 404, "model", "model_not_found")


def read_input(body: Mapping[str, Any], max_characters: int) -> str:
    """The text to be spoken. Raises ApiError."""
    text = body.get("input")
    if not isinstance(text, str):
        raise ApiError("input must be a string, the text to speak", param="input")
    if len(text) > max_characters:
        message = f"input has {len(text):,} characters; at most {max_characters:,} are allowed: split it"
        raise ApiError(message, param="input", code="string_above_max_length")
    try:
        return check_text(text, "input")
    except UserError as error:
        raise ApiError(str(error), param="input") from error


def read_voice(voice: object) -> str | None:
    """The name of a voice, from a string or {"id": name}. Raises ApiError."""
    if isinstance(voice, Mapping) and set(voice) == {"id"}:
        voice = voice["id"]
    if voice is not None and not isinstance(voice, str):
        raise ApiError('voice must be a name, or {"id": a name}', param="voice")
    return voice or None


def read_options(body: Mapping[str, Any]) -> dict[str, Any]:
    """The options of this package, checked; those that are null are left out. Raises ApiError."""
    check_fields(body, OPTIONS)
    declared = options_of(GenerateOptions)
    options = {name: value for name, value in body.items() if value is not None}
    if isinstance(options.get("lang"), str):
        options["lang"] = find_code(options["lang"]) or options["lang"]
        if options["lang"] not in LANGUAGES:
            raise ApiError(f"lang must be one of {', '.join(LANGUAGES)}", param="lang")
    for name, value in options.items():
        if name == "lexicon":
            _check_lexicon(value)
            continue
        try:
            declared[name].check(value)
        except UserError as error:
            raise ApiError(_as_field(str(error), declared[name].flag, name), param=name) from error
        if name in LIMITS and value > LIMITS[name]:
            raise ApiError(f"{name} must be at most {LIMITS[name]} here", param=name)
    try:
        make_options(**options)
    except UserError as error:
        raise ApiError(str(error)) from error
    return options


def check_reads(options: Mapping[str, Any], config: ModelConfig) -> None:
    """Raise ApiError for an option that the sampler does not read. options: of `read_options`."""
    chosen = make_options(**options)
    sampler, named = sampler_of(chosen, config), chosen.named_sampler() is not None
    for name in unread_options([*options], sampler):
        try:
            check_sampler_reads([name], sampler, named)
        except UserError as error:
            message = str(error).replace("--sampler", "sampler")
            raise ApiError(
                _as_field(message, options_of(GenerateOptions)[name].flag, name), param=name
            ) from error


def _check_lexicon(value: object) -> None:
    """Raise ApiError unless it is {word: phonemes}: the name of a file is never taken from a request."""
    entries = list(value.items()) if isinstance(value, Mapping) else [("", "")]
    if len(entries) > MAX_LEXICON or not all(
        isinstance(p, str) and p.strip() and w.strip() for w, p in entries
    ):
        message = f"lexicon must be an object of words and their phonemes, with at most {MAX_LEXICON} words"
        raise ApiError(message, param="lexicon")


def _as_field(message: str, flag: str, name: str) -> str:
    return message.replace(flag, name, 1)


def _choice(body: Mapping[str, Any], name: str, choices: Collection[str]) -> str | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or value not in choices):
        raise ApiError(f"{name} must be one of {', '.join(choices)}", param=name)
    return value
