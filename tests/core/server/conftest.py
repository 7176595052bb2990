"""One server with the embedded model for the tests of a process."""

import pytest
from backends import Backend


@pytest.fixture(scope="session")
def embedded():
    """The embedded model, for what a server's answer should be."""
    pytest.importorskip("starlette", reason="needs the extra [serve]")
    return Backend("mlx").module("nanospeech").Nanospeech.from_pretrained()


@pytest.fixture(scope="session")
def server():
    servers = pytest.importorskip("servers")
    from nanospeech_core.server.service import Service

    load = Backend("mlx").module("nanospeech").Nanospeech.from_pretrained
    with servers.running(Service(load)) as one:
        yield one
