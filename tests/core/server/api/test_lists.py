"""`GET /v1/audio/options`: the declarations of the command line."""

from __future__ import annotations

import pytest

servers = pytest.importorskip("servers")

from nanospeech_core.sampling.option_fields import options_of
from nanospeech_core.sampling.options import SAMPLING, GenerateOptions
from nanospeech_core.server.speech_request import LIMITS


def test_each_option_is_as_the_command_line_declares_it(server, embedded):
    rows = server.client.get("/v1/audio/options").json()["options"]
    assert [row["name"] for row in rows] == [*SAMPLING, "lang", "lexicon"]
    declared = options_of(GenerateOptions)
    for row in rows:
        option = declared[row["name"]]
        assert (row["flag"], row["default"], row["help"]) == (option.flag, option.default, option.help)
        assert row["choices"] == list(option.choices)
        if row["name"] in LIMITS:
            assert row["most"] == LIMITS[row["name"]]
    named = {row["name"]: row for row in rows}
    assert named["temperature"]["type"] == "number" and named["temperature"]["most"] == 2
    assert named["seed"]["type"] == "integer" and named["seed"]["least"] == 0
    assert named["sampler"]["model_default"] == "masked"
    assert named["cfg"]["default"] is None and named["cfg"]["model_default"] == embedded.config.sampling.cfg


def test_every_value_in_the_range_is_accepted(server):
    for row in server.client.get("/v1/audio/options").json()["options"]:
        values = [*row["choices"], *(v for v in (row["least"], row["most"]) if v is not None)]
        for value in values:
            reader = {"sampler": row["samplers"][0]} if row["samplers"] else {}
            # refused only for its voice
            body = {"input": "Hi.", "voice": "nobody", **reader, row["name"]: value}
            assert server.error(400, server.speak(**body))["param"] == "voice", (row["name"], value)
