"""espeak-ng by ctypes: the phonemes of before, in threads and forks too, and what can be broken about it."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import espeakng_loader
import pytest
from text_stages import phonemize

from nanospeech_core.errors import UserError
from nanospeech_core.text import languages
from nanospeech_core.text.espeak import phonemizer
from nanospeech_core.text.traced import TracedText

ROOT = Path(languages.__file__).parents[2]

# Written down from phonemizer-fork 3.3.2 with the same espeak-ng, but with the spaces of quotes: marks and
# their spaces, words in other languages, a part without sounds (one space goes), lines.
READ = [
    ("Hello, world!", "həlˈoʊ, wˈɜːld!", "həlˈəʊ, wˈɜːld!"),
    (
        "I can't dance, the tomato's in the bath.",
        "aɪ kˈænt dˈæns, ðə təmˈeɪɾoʊz ɪnðə bˈæθ.",
        "aɪ kˈɑːnt dˈans, ðə təmˈɑːtəʊz ɪnðə bˈaθ.",
    ),
    (
        '"Robinson, Side," said Philip: \'"Well."\'',
        '"ɹˈɑːbɪnsən, sˈaɪd," sˈɛd fˈɪlɪp: "wˈɛl."',
        '"ɹˈɒbɪnsən, sˈaɪd," sˈɛd fˈɪlɪp: "wˈɛl."',
    ),
    ('But after this — -"', 'bˌʌt ˈæftɚ ðˈɪs —"', 'bˌʌt ˈaftə ðˈɪs —"'),
    (
        "(The café of Dvořák) … [déjà vu] {no}",
        "(ðə kæfˈeɪ ʌv dˈiːvɔːɹˈɑːk) … dˌeɪʒɑː vˈuː nˈoʊ",
        "(ðə kafˈeɪ ɒv dˈiːvɔːɹˈɑːk) … dˌeɪʒɑː vˈuː nˈəʊ",
    ),
    (
        "«Où est la gare?» ¿Qué? “Yes”; no: it—is",
        "ˈuː ˌiːˌɛstˈiː lˌæ ɡˈɛɹ? kwˈeɪ? “jˈɛs”; nˈoʊ: ɪt—ɪz",
        "ˈuː ˌiːˌɛstˈiː lˌa ɡˈeə? kwˈeɪ? “jˈɛs”; nˈəʊ: ɪt—ɪz",
    ),
    ("— the of a, I was there.", "— ðɪ əvə, aɪ wʌz ðˈɛɹ.", "— ðɪ əvə, aɪ wɒz ðˈeə."),
    ("one\n two\t three", "wˈʌn tˈuː θɹˈiː", "wˈɒn tˈuː θɹˈiː"),
    (
        "coup d'état сказал hello",
        "kˈuːp dɪtˈæt ˈɛs kˈææ ˈææ zˈɛː ˈææ ˈɛl həlˈoʊ",
        "kˈuːp dɪtˈat ˈɛs kˈaː ˈaː zˈɛː ˈaː ˈɛl həlˈəʊ",
    ),
    ("Wait...what?!", "wˈeɪt...wˌʌt?!", "wˈeɪt...wˌɒt?!"),
]


@pytest.mark.parametrize(("text", "american", "british"), READ, ids=[text[:12] for text, *_ in READ])
def test_both_accents_alternately(text, american, british):
    for _ in range(2):
        assert phonemize(text, "en-us") == american
        assert phonemize(text, "en-gb") == british


def read(text: str) -> str:
    return phonemizer.phonemize(TracedText.of(text), "gmw/en-US").text


@pytest.mark.parametrize(
    ("text", "symbols"), [("", ""), (" ", ""), ("-", ""), ("...", "..."), (" — — ", "— —"), ("- , -", " ,")]
)
def test_what_has_no_words(text, symbols):
    assert read(text) == symbols


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("'Stop!' he cried.", "stˈɑːp! hiː kɹˈaɪd."),
        ("‘Stop!’ he cried.", "stˈɑːp! hiː kɹˈaɪd."),
        ("Is it 'now?' or 'then?'", "ɪz ɪt nˈaʊ? ɔːɹ ðˈɛn?"),
        ("'Well,' he said.", "wˈɛl, hiː sˈɛd."),
        ("He left.' Then", "hiː lˈɛft. ðˈɛn"),
        ("Go!'", "ɡˈoʊ!"),
        ("one—'two'", "wˌʌn—tˈuː"),
        ("the dogs' bones", "ðə dˈɑːɡz bˈoʊnz"),
    ],
)
def test_the_space_after_a_closing_quote_stays(text, symbols):
    assert read(text) == symbols


def test_what_is_no_text_is_passed_over():
    assert read("one\0two") == "wˈʌn tˈuː"
    assert read("one \udcff two") == "wˌʌn tˈuː"  # as "one ? two", without a pause


@pytest.mark.slow
def test_threads_get_what_one_gets():
    alone = {(text, "en-us"): american for text, american, _ in READ}
    alone |= {(text, "en-gb"): british for text, _, british in READ}
    barrier, wrong = threading.Barrier(4), []

    def work(number: int) -> None:
        cases = [*alone.items()]
        cases = cases[5 * number :] + cases[: 5 * number]
        barrier.wait(30)
        for _ in range(100):
            wrong.extend(case for case, symbols in cases if phonemize(*case) != symbols)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert not wrong


def _read_in_child(answers) -> None:
    answers.put([(phonemize(text, "en-us"), phonemize(text, "en-gb")) for text, *_ in READ])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS's own libraries do not survive a fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forks_while_another_thread_reads():
    """A child has only the thread that forked; a lock of another thread would stay locked for ever."""
    context, stop = multiprocessing.get_context("fork"), threading.Event()

    def read() -> None:
        while not stop.is_set():
            phonemize(READ[2][0], "en-gb")

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(10):
            answers = context.SimpleQueue()
            child = context.Process(target=_read_in_child, args=(answers,))
            child.start()
            child.join(30)
            assert child.exitcode == 0
            assert answers.get() == [(american, british) for _, american, british in READ]
    finally:
        stop.set()
        thread.join()


def deep_copy(folder: Path) -> Path:
    """A folder to import espeakng_loader from whose data has a path that is too long for espeak-ng."""
    deep = folder / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    (deep / "espeakng_loader").symlink_to(Path(espeakng_loader.__file__).parent, target_is_directory=True)
    return deep


SPEAK_AND_WAIT = """
import sys; sys.path[:0] = sys.argv[1:]
import espeakng_loader
from nanospeech_core.text.languages import phonemize
from nanospeech_core.text.traced import TracedText
text = TracedText.of("Hello.")
print([phonemize(text, language).text for language in ("en-us", "en-gb", "en-us")], flush=True)
print(len(espeakng_loader.get_data_path()) > 159, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("deep", [False, True], ids=["short", "long"])
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="a link is needed without /proc")
def test_a_killed_process_leaves_nothing_behind(tmp_path, deep):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    path = [str(deep_copy(tmp_path))] if deep else []
    process = subprocess.Popen(
        [sys.executable, "-c", SPEAK_AND_WAIT, *path],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "['həlˈoʊ.', 'həlˈəʊ.', 'həlˈoʊ.']\n"
    assert process.stdout.readline() == f"{deep}\n" and not os.listdir(temporary)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM and not os.listdir(temporary)


def forget() -> None:
    """Back to a process that has not spoken: espeak-ng must not be started twice without an end between."""
    if phonemizer._library.cache_info().currsize:
        phonemizer._library().espeak_Terminate()
    phonemizer._library.cache_clear()


@pytest.fixture
def fresh():
    forget()
    yield
    forget()


@pytest.fixture
def short_folder():
    """A temporary folder with a short path; pytest's own is too long on macOS."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_a_long_path_where_open_folders_have_no_names(tmp_path, monkeypatch, fresh, short_folder):
    deep = str(deep_copy(tmp_path) / "espeakng_loader" / "espeak-ng-data")
    temporary = short_folder
    monkeypatch.setattr(os.path, "isdir", lambda path: False)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: deep)
    assert phonemize("Hello.", "en-gb") == "həlˈəʊ."
    (folder,) = temporary.iterdir()
    assert os.path.samefile(folder / "espeak-ng-data", deep)
    forget()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(
        UserError, match="no link to it can be created .*: install into a folder with a shorter"
    ):
        phonemize("Hello.")


def test_it_is_not_installed(monkeypatch, fresh):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    for _ in range(2):  # what failed is tried again
        with pytest.raises(UserError, match="phonemes need espeak-ng: pip install espeakng-loader"):
            phonemize("Hello.", "en-gb")
    monkeypatch.undo()
    assert phonemize("Hello.", "en-gb") == "həlˈəʊ."


def broken(monkeypatch, tmp_path: Path, what: str) -> None:
    if what == "no data":  # as the loader has it
        monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: exec('raise RuntimeError("data path")'))
    elif what == "some data":
        (tmp_path / "phontab").touch()
        monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    elif what == "no library":
        monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "none.so"))
    elif what == "text for a library":
        (tmp_path / "text.so").write_text("text")
        monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "text.so"))
    elif what == "another library":
        monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: None)
    else:
        monkeypatch.setitem(languages.TABLE, "en-us", languages._english("en-us", "gmw/en-none", ()))


BROKEN = ["no data", "some data", "no library", "text for a library", "another library", "no voice"]


@pytest.mark.parametrize("what", BROKEN)
def test_it_is_broken(monkeypatch, tmp_path, fresh, what, capfd):
    broken(monkeypatch, tmp_path, what)
    with pytest.raises(
        UserError, match="^espeak-ng .*: pip install --force-reinstall espeakng-loader$|; pip"
    ):
        phonemize("Hello.", "en-us")
    assert capfd.readouterr().err == ""


def test_the_library_is_loaded_once(monkeypatch, fresh):
    loaded = []
    monkeypatch.setattr(ctypes, "CDLL", lambda path, load=ctypes.CDLL: loaded.append(path) or load(path))
    for language in ("en-us", "en-gb", "en-us"):
        phonemize("Hello.", language)
    assert loaded == [espeakng_loader.get_library_path()]
