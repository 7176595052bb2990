"""The studio's files: a fixed table, a policy, nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

servers = pytest.importorskip("servers")

from nanospeech_core.server.service import Service
from nanospeech_core.server.studio.page import FOLDER, PATHS

ASSETS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".js", ".css", ".html", ".svg"))


@pytest.mark.parametrize("path", PATHS)
def test_each_file_is_served_with_the_policy(server, path):
    response = server.client.get(path)
    name, media_type = PATHS[path]
    assert response.status_code == 200 and response.content == (FOLDER / name).read_bytes()
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    again = server.client.get(path, headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304 and again.content == b""


def test_the_table_has_all_files_and_nothing_else():
    assert {name for name, _ in PATHS.values()} == {path.name for path in ASSETS}


@pytest.mark.parametrize(
    "path",
    [
        "/studio/page.py",
        "/studio/",
        "/studio/../page.py",
        "/studio/%2e%2e/app.py",
        "/studio/none.js",
        "/index.html",
    ],
)
def test_other_names_are_not_there(server, path):
    server.error(404, server.client.get(path))
    server.error(405, server.client.post("/studio/main.js"))


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: path.name)
def test_a_file_is_short_and_loads_nothing_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    addresses = [
        a for a in re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text) if "w3.org/2000/svg" not in a
    ]
    assert addresses == []
    assert not re.search(r"\bon\w+=|style=\"|<script>|\beval\(|innerHTML", text)


def test_imports_between_scripts_are_served(server):
    for path in ASSETS:
        for name in re.findall(r'from "\./([\w.]+)"', path.read_text(encoding="utf-8")):
            assert f"/studio/{name}" in PATHS


def test_with_a_key_the_page_is_open_and_its_requests_are_not(embedded):
    with servers.running(Service(lambda: embedded), api_key="secret") as guarded:
        for path in PATHS:
            assert guarded.client.get(path).status_code == 200
        for path in ("/v1/audio/options", "/v1/audio/voices"):
            guarded.error(401, guarded.client.get(path))
        guarded.error(401, guarded.client.post("/v1/audio/reveals", json={"input": "Hi."}))
