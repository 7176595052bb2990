"""The samples of a report: audio and plots are in the page."""

import base64
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from reports import FULL, PNG, make, write_log, write_samples

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_torch.report import gallery

soundfile = pytest.importorskip("soundfile")


ROOT = Path(__file__).parents[3]


def test_audio_and_plots_are_in_the_page(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    write_samples(run, 1000, (0.7, 1.3))
    write_samples(run, 2000, (0.9,))
    made = make(run)
    assert [element[2] for element in made.all("h4")] == ["spoken at 2000", "spoken at 1000"]
    assert [element[2] for element in made.all("summary")] == ["step 1,000"]
    lengths = []
    for _, attributes, _ in made.all("audio"):
        kind, _, data = attributes["src"].partition(";base64,")
        assert kind == "data:audio/mpeg" and "controls" in attributes
        wave, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
        assert rate == SAMPLE_RATE and 0.3 < np.abs(wave).max() < 0.7
        lengths.append(len(wave) / rate)
    np.testing.assert_allclose(lengths, [0.9, 0.7, 1.3], atol=0.06)  # an MP3 is padded to complete blocks
    assert len(made.all("img")) == 2
    assert "cfg 1" in made.elements[made.elements.index(made.all("audio")[0]) - 1][2]


def test_a_plot_is_still_the_same_picture(tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((40, 60, 4), dtype=np.uint8)
    pixels[:20, :, 0] = 255
    pixels[:, :30, 3] = 255
    image.fromarray(pixels).save(tmp_path / "p.png")
    kind, _, data = gallery.image_source(tmp_path / "p.png").partition(";base64,")
    assert kind == "data:image/webp"
    with image.open(io.BytesIO(base64.b64decode(data))) as picture:
        seen = np.asarray(picture.convert("RGBA")).astype(int)
    assert seen.shape == pixels.shape and np.array_equal(seen[..., 3], pixels[..., 3])
    assert np.abs(seen[5, 5] - (255, 0, 0, 255)).max() < 12 and np.abs(seen[35, 5, :3]).max() < 12


def test_a_plot_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "p.png").write_bytes(PNG)
    assert (
        gallery.image_source(tmp_path / "p.png") == "data:image/png;base64," + base64.b64encode(PNG).decode()
    )


@pytest.mark.parametrize(
    ("limit", "steps"), [(0, []), (1, [9]), (2, [9, 0]), (4, [9, 6, 3, 0]), (99, list(range(9, -1, -1)))]
)
def test_samples_are_spread_over_the_run_newest_first(limit, steps):
    assert gallery.spread([(step, Path()) for step in range(10)], limit) == [(step, Path()) for step in steps]
    assert gallery.spread([], limit) == []


def test_the_page_counts_the_samples_that_it_leaves_out(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    for step in (500, 1000, 1500, 2000):
        write_samples(run, step, (0.2,))
    (run / "samples" / ".step-00002500.part").mkdir()  # of a killed run
    (run / "samples" / "step-00003000").mkdir()  # empty
    made = make(run, max_samples=2)
    assert [element[2] for element in made.all("h4")] == ["spoken at 2000", "spoken at 500"]
    assert any("2 of 4 steps" in element[2] for element in made.all("p"))
    assert make(run, max_samples=0).all("audio") == []


def test_damaged_samples_do_not_hide_the_others(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    write_samples(run, 1000, (0.2,))
    damaged = write_samples(run, 1500, (0.2, 0.4))
    (damaged / "0.wav").write_bytes(b"RIFF")
    (damaged / "p.png").write_bytes(b"\x89PNG")
    (write_samples(run, 2000) / "samples.json").write_text('{"half')
    made = make(run)
    assert [element[2] for element in made.all("h4")] == ["spoken at 1500", "spoken at 1000"]
    assert len(made.all("audio")) == 2
    assert any(element[2] == "samples.json cannot be read" for element in made.all("p"))


def test_a_file_outside_the_folder_is_not_taken_in(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    audio.write(tmp_path / "secret.wav", np.zeros(SAMPLE_RATE, dtype=np.float32))
    clip = {"file": "../../../secret.wav", "caption": "", "settings": {}}
    write_samples(run, 2000, (0.2,), audio=[clip], plots=[{"file": str(ROOT / "x.png"), "caption": ""}])
    made = make(run)
    assert made.all("audio") == made.all("img") == [] and made.all("h4")
