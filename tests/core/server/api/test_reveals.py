"""`POST /v1/audio/reveals`: the plan and the mels are those of the model."""

from __future__ import annotations

import base64

import numpy as np
import pytest

servers = pytest.importorskip("servers")

TEXT = "The kettle is on."


def reveals(server, **body):
    return server.client.post("/v1/audio/reveals", json={"input": TEXT, "voice": "heart", **body})


@pytest.mark.parametrize("stream", [False, True])
def test_each_token_is_revealed_once(server, stream):
    body = reveals(server, stream=stream, num_iter=4, seed=2).json()
    (segment,) = body["segments"]
    parts = [iteration["tokens"] for iteration in segment["iterations"]]
    assert sorted(sum(parts, [])) == list(range(segment["tokens"]))
    if stream:  # from left to right
        assert all(max(a) < min(b) for a, b in zip(parts, parts[1:], strict=False))
    else:
        assert len(parts) == 4 and len(parts[0]) < len(parts[-1])
    assert segment["text"] == TEXT and segment["token_seconds"] == pytest.approx(4 * 256 / 24000)


def test_the_last_mel_is_that_of_the_speech(server, embedded):
    body = reveals(server, num_iter=4, seed=2).json()
    (segment,) = body["segments"]
    shape, (low, high) = (segment["frames"], segment["bins"]), body["levels"]
    mels = [
        np.frombuffer(base64.b64decode(each["mel"]), np.uint8).reshape(shape)
        for each in segment["iterations"]
    ]
    patch = segment["frames"] // segment["tokens"]
    for iteration, before, after in zip(segment["iterations"], mels, mels[1:], strict=False):
        for token in iteration["tokens"]:  # what is revealed stays
            frames = slice(token * patch, (token + 1) * patch)
            assert np.array_equal(before[frames], after[frames])
    wave = embedded.generate(TEXT, voice="heart", num_iter=4, seed=2)
    from nanospeech_core.audio.mel import log_mel

    heard = log_mel(wave)
    shown = mels[-1] / 255 * (high - low) + low
    loud = [np.exp(mel).sum(axis=1) for mel in (heard, shown)]
    correlation = np.correlate(loud[0] - loud[0].mean(), loud[1] - loud[1].mean(), "full").max()
    assert correlation / (np.std(loud[0]) * np.std(loud[1]) * min(map(len, loud))) > 0.8


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"sampler": "ode"}, "sampler"),
        ({"sampler": "refine"}, "sampler"),
        ({"input": "x " * 300}, "input"),
        ({"input": ""}, "input"),
        ({"stream": 1}, "stream"),
        ({"voice": "nobody"}, "voice"),
        ({"num_iter": 1000}, "num_iter"),
        ({"response_format": "mp3"}, "response_format"),
    ],
    ids=str,
)
def test_wrong_fields_are_named(server, fields, param):
    assert server.error(400, reveals(server, **fields))["param"] == param
