"""A hub on this machine: what is fetched and kept, cut off, damaged or forbidden, and who gets the token."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nanospeech_core import hub, hub_files
from nanospeech_core.errors import UserError

COMMIT = "c" * 40
WEIGHTS = os.urandom(300_000)
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "voices/a b.txt": b"Hello.", "code.py": b"bad"}


def git_digest(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def row(name: str, data: bytes) -> dict:
    lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} if len(data) > 1000 else None
    return {"rfilename": name, "size": len(data), "blobId": git_digest(data), **({"lfs": lfs} if lfs else {})}


class Hub:
    """What a test may change, and what was asked: (path, range, token)."""

    def __init__(self):
        self.listing = {"sha": COMMIT, "siblings": [row(name, data) for name, data in FILES.items()]}
        self.errors: dict[str, tuple[int, str]] = {}  # start of a path -> status and X-Error-Code
        self.cut = 0  # so many answers more stop after 100,000 bytes
        self.ranges = True
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.moved: str | None = None  # where large files are

    def names(self) -> list[str]:
        return [path.rpartition("/")[2] for path, *_ in self.asked if "/resolve/" in path]


class Handler(BaseHTTPRequestHandler):
    def __init__(self, hub: Hub, *args):
        self.hub = hub
        super().__init__(*args)

    def log_message(self, *_):
        pass

    def do_GET(self):
        hub, range = self.hub, self.headers["Range"]
        hub.asked.append((self.path, range, self.headers["Authorization"]))
        for start, (status, code) in hub.errors.items():
            if self.path.startswith(start):
                return self.answer(status, b"no", {"X-Error-Code": code} if code else {})
        if self.path.startswith("/api/models/owner/old/"):
            return self.answer(308, b"", {"Location": self.path.replace("/old/", "/name/")})
        if self.path.startswith("/api/models/owner/name/revision/"):
            return self.answer(200, json.dumps(hub.listing).encode())
        name = re.sub(rf"^(/owner/name/resolve/{COMMIT})?/", "", self.path).replace("%20", " ")
        if hub.moved and self.path.endswith(".safetensors") and "/resolve/" in self.path:
            return self.answer(302, b"", {"Location": f"{hub.moved}/{name}"})
        data, start = FILES[name], 0
        if range and hub.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", range)[1])
        self.answer(206 if start else 200, data[start:], {})

    def answer(self, status: int, data: bytes, headers: dict = {}):  # noqa: B006
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if len(data) > 100_000 and self.hub.cut:
            self.hub.cut -= 1
            data = data[:100_000]
        self.wfile.write(data)


def serve(hub: Hub) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, hub))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


@pytest.fixture
def online(tmp_path, monkeypatch):
    """A hub with one repository, owner/name; the cache is empty."""
    for name in (
        "HF_TOKEN",
        "HF_TOKEN_PATH",
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "TRANSFORMERS_OFFLINE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    server = serve(hub := Hub())
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "home" / "hub" / "models--owner--name"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("revision", [None, "v1", "refs/pr/1", COMMIT])
def test_a_repository_is_fetched_once(online, root, revision):
    folder = hub.find_folder("owner/name", revision)
    assert folder == root / "snapshots" / COMMIT
    wanted = {name: data for name, data in FILES.items() if name != "code.py"}
    assert contents(folder) == wanted
    blobs = {path.name: path.read_bytes() for path in (root / "blobs").iterdir()}
    assert blobs == {
        hashlib.sha256(data).hexdigest() if data is WEIGHTS else git_digest(data): data
        for data in wanted.values()
    }
    assert all(path.is_symlink() for path in folder.rglob("*") if path.is_file())
    if revision != COMMIT:
        assert (root / "refs" / (revision or "main")).read_text() == COMMIT
    asked = len(online.asked)
    assert hub.find_folder("owner/name", revision) == folder
    assert len(online.asked) == asked + (revision != COMMIT)  # a branch may have moved: one question


def test_the_library_finds_it(online, root):
    """And the reverse: tests/unit/test_hub.py has the library's layout."""
    library = pytest.importorskip("huggingface_hub")
    folder = hub.find_folder("owner/name")
    found = library.snapshot_download("owner/name", cache_dir=root.parent, local_files_only=True)
    assert Path(found) == folder
    assert Path(library.hf_hub_download("owner/name", "config.json", cache_dir=root.parent)).samefile(
        folder / "config.json"
    )


def test_without_links_files_are_copies(online, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(Path, "symlink_to", refuse)
    folder = hub.find_folder("owner/name")
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    asked = len(online.asked)
    assert hub.find_folder("owner/name") == folder and len(online.asked) == asked + 1


@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_cut_off_goes_on(online, ranges):
    online.cut, online.ranges = 2, ranges
    folder = hub.find_folder("owner/name")
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    ranges = [range for path, range, _ in online.asked if path.endswith("model.safetensors")]
    assert ranges == [None, "bytes=100000-", "bytes=200000-" if online.ranges else "bytes=100000-"]


def test_the_next_try_goes_on(online, root):
    online.cut = 99
    online.ranges = False  # or it would come piece by piece
    with pytest.raises(
        UserError, match=r"the hub cannot be reached to fetch it \(the connection was cut off\)"
    ):
        hub.find_folder("owner/name@v2")
    (part,) = (root / "blobs").glob("*.part")
    assert part.stat().st_size == 100_000 and not list(root.glob("refs/*"))
    online.cut, online.ranges, online.asked = 0, True, []
    assert (hub.find_folder("owner/name@v2") / "model.safetensors").read_bytes() == WEIGHTS
    assert [range for path, range, _ in online.asked if path.endswith(".safetensors")] == ["bytes=100000-"]
    assert not list((root / "blobs").glob("*.part"))


def test_a_damaged_file_is_not_kept(online, root):
    online.listing["siblings"][1]["lfs"]["sha256"] = "0" * 64
    with pytest.raises(
        UserError, match="could not be fetched from the hub: model.safetensors arrived damaged"
    ):
        hub.find_folder("owner/name")
    assert {path.read_bytes() for path in (root / "blobs").iterdir()} == {b"{}"}


def test_a_full_disk(online, monkeypatch):
    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hub_files, "_continue", fill)
    with pytest.raises(UserError, match="could not be fetched from the hub: No space left on device$"):
        hub.find_folder("owner/name")


def test_a_certificate_is_not_the_network(online, monkeypatch):
    """What is wrong with it is told; here the hub speaks no TLS at all."""
    monkeypatch.setenv("HF_ENDPOINT", os.environ["HF_ENDPOINT"].replace("http:", "https:"))
    with pytest.raises(UserError, match=r"cannot be reached to fetch it \(\[SSL.*\)$"):
        hub.find_folder("owner/name")


def test_two_at_once_fetch_each_file_once(online):
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(hub.find_folder, ["owner/name"] * 4))
    assert [contents(folder)["model.safetensors"] for folder in folders] == [WEIGHTS]
    assert sorted(online.names()) == ["a%20b.txt", "config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (401, "GatedRepo", "owner/name is gated: accept its terms on the hub, and set HF_TOKEN"),
        (403, "GatedRepo", "owner/name is gated: "),
        (401, "RepoNotFound", "owner/name is neither a folder here nor a repository on the hub"),
        (401, "", "owner/name is neither a folder here nor"),
        (404, "RevisionNotFound", "owner/name has no revision v1 on the hub"),
        (403, "", "owner/name is .* could not be fetched from the hub: it answers 403 Forbidden"),
        (503, "", r"owner/name is .* cannot be reached to fetch it \(it answers 503 Service Unavailable\)"),
    ],
)
@pytest.mark.parametrize("where", ["/api/", "/owner/name/resolve/"])
def test_what_the_hub_refuses_is_one_sentence(online, status, code, sentence, where):
    online.errors[where] = (status, code)
    with pytest.raises(UserError, match=f"^{sentence}") as told:
        hub.find_folder("owner/name", "v1")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hub_that_is_down_leaves_the_cache(online, status):
    folder = hub.find_folder("owner/name")
    online.errors["/"] = (status, "")
    assert hub.find_folder("owner/name") == folder


@pytest.mark.parametrize("listing", [[], {}, {"sha": COMMIT}, {"sha": COMMIT, "siblings": [{"size": 1}]}])
def test_what_is_no_hub(online, listing):
    online.listing = listing
    with pytest.raises(UserError, match=r"cannot be reached to fetch it \(it gave no list of files\)"):
        hub.find_folder("owner/name")


@pytest.mark.parametrize("name", ["../x.json", "/tmp/x.json", "a/../../x.json", "./x.json"])
def test_no_file_lies_outside(online, tmp_path, name):
    online.listing["siblings"].append(row(name, b"{}"))
    with pytest.raises(UserError, match="would lie outside its folder"):
        hub.find_folder("owner/name")
    assert not list(tmp_path.rglob("x.json"))


@pytest.mark.parametrize("revision", ["../main", "/etc/passwd", "a/../b"])
def test_no_revision_lies_outside(online, monkeypatch, revision):
    with pytest.raises(UserError, match="has no revision"):
        hub.find_folder("owner/name", revision)
    assert not online.asked
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="HF_HUB_OFFLINE forbids"):
        hub.find_folder("owner/name", revision)


@pytest.mark.parametrize("how", ["environment", "file"])
def test_the_token_is_for_the_hub_alone(online, monkeypatch, tmp_path, how):
    """A renamed repository is the hub's own redirection; the servers of large files are not the hub."""
    if how == "environment":
        monkeypatch.setenv("HF_TOKEN", "hf_secret\n")
    else:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "token").write_text("hf_secret\n")
    server = serve(elsewhere := Hub())
    online.moved = f"http://127.0.0.1:{server.server_port}"
    hub_files.fetch_files("owner/name", None, ["*.safetensors", "*.json"])
    with hub_files._open(f"{hub_files._endpoint()}/api/models/owner/old/revision/main") as response:
        assert json.load(response)["sha"] == COMMIT
    server.shutdown()
    server.server_close()
    assert {token for _, _, token in online.asked} == {"Bearer hf_secret"}
    assert elsewhere.asked == [("/model.safetensors", None, None)]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HF_TOKEN", "小", "the hub's token .* is no token"),
        ("HF_TOKEN", "a\nb", "the hub's token .* is no token"),
        ("HF_ENDPOINT", "nonsense", "HF_ENDPOINT is no address: nonsense"),
        ("HF_ENDPOINT", "nonsense://x", "unknown url type: nonsense"),
        ("HF_ENDPOINT", "http://127.0.0.1:1", "is the network up?"),
        ("HF_HUB_CACHE", "/dev/null/cache", "could not be fetched from the hub: Not a directory"),
    ],
)
def test_what_the_environment_says_wrongly(online, monkeypatch, name, value, sentence):
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=sentence):
        hub.find_folder("owner/name")


def test_no_home(online, monkeypatch):
    monkeypatch.delenv("HF_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", str)
    with pytest.raises(UserError, match="no home folder to keep what the hub gives: say where in HF_HOME"):
        hub.find_folder("owner/name")


def test_where_the_cache_is(tmp_path, monkeypatch):
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/h")
    name = "models--a--b"
    assert hub_files._root("a/b") == Path("/h/.cache/huggingface/hub", name)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert hub_files._root("a/b") == Path("/x/huggingface/hub", name)
    monkeypatch.setenv("HF_HOME", "~/hf")
    assert hub_files._root("a/b") == Path("/h/hf/hub", name)
    monkeypatch.setenv("HF_HUB_CACHE", "~/c")
    assert hub_files._root("a/b") == Path("/h/c", name)


def test_the_librarys_packages_are_not_needed(online, root):
    """What the plain install has: the loader works where huggingface_hub cannot be imported."""
    code = "import sys; sys.modules['huggingface_hub'] = None\n"
    code += "from nanospeech_core.hub import find_folder; print(find_folder('owner/name'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(hub.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == (f"{root / 'snapshots' / COMMIT}\n", "")
