"""The samples of a run in HTML, with audio and plots inside the page, the newest step first."""

from __future__ import annotations

import base64
import io
import json
from html import escape
from pathlib import Path

import numpy as np

from .history import Run


def samples(run: Run, limit: int) -> str:
    """The section of the page. It has `limit` steps; all but the newest are collapsed."""
    selected = spread(run.samples, limit)
    if not selected:
        return ""
    parts = [f"<h2>Samples <small>step {selected[0][0]:,}</small></h2>", step_samples(selected[0][1])]
    for step, folder in selected[1:]:
        parts.append(f"<details><summary>step {step:,}</summary>{step_samples(folder)}</details>")
    if len(run.samples) > len(selected):
        parts.append(
            f'<p class="muted">{len(selected)} of {len(run.samples)} steps with samples are shown; '
            "the others are in the run's folder samples.</p>"
        )
    return "".join(parts)


def spread(folders: list[tuple[int, Path]], limit: int) -> list[tuple[int, Path]]:
    """`limit` folders: the newest first, then others at equal distances back to the oldest."""
    count = min(limit, len(folders))
    places = np.linspace(len(folders) - 1, 0, count).round().astype(int) if count > 1 else [-1] * count
    return [folders[place] for place in places]


def step_samples(folder: Path) -> str:
    """The entries of a folder written by training/monitoring/samples.py, or a note if it is damaged."""
    try:
        entries = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
        return "".join(article(item, folder) for item in entries)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return '<p class="muted">samples.json cannot be read</p>'


def article(item: dict, folder: Path) -> str:
    """One entry: its text, audio and plots."""
    heading = item["text"] or item["title"]
    about = "".join(
        f'<p class="muted">{escape(part)}</p>'
        for part in (item["title"] if item["text"] else "", item["note"])
        if part
    )
    clips = "".join(
        f"<figure><figcaption>{escape(clip['caption'])}<small>{escape(format_settings(clip['settings']))}</small>"
        f'</figcaption><audio controls preload="metadata" src="{source}"></audio></figure>'
        for clip in item["audio"]
        for source in [audio_source(folder / Path(clip["file"]).name)]
        if source
    )
    plots = "".join(
        f'<figure><figcaption>{escape(plot["caption"])}</figcaption><img alt="{escape(plot["caption"])}" '
        f'src="{source}"></figure>'
        for plot in item["plots"]
        for source in [image_source(folder / Path(plot["file"]).name)]
        if source
    )
    return (
        f'<article class="sample"><h4>{escape(heading)}</h4>{about}'
        + (f'<div class="clips">{clips}</div>' if clips else "")
        + (f'<div class="plots">{plots}</div>' if plots else "")
        + "</article>"
    )


def format_settings(settings: dict) -> str:
    """Settings as text: "num iter 12, cfg 1"."""
    return ", ".join(
        f"{key.replace('_', ' ')} {f'{value:g}' if isinstance(value, float) else value}"
        for key, value in settings.items()
    )


def audio_source(path: Path) -> str:
    """Audio as a data: URL of MP3, which every browser plays, at a sixth of the size; "" if it is broken."""
    import soundfile

    try:
        wave, rate = soundfile.read(path, dtype="float32")
        buffer = io.BytesIO()
        soundfile.write(buffer, wave, rate, format="MP3")
    except (soundfile.SoundFileError, OSError, ValueError):
        return ""
    return data_url("audio/mpeg", buffer.getvalue())


def image_source(path: Path) -> str:
    """A plot as a data: URL: WebP, a tenth of the size, if Pillow is installed (matplotlib needs it)."""
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    try:
        from PIL import Image

        buffer = io.BytesIO()
        with Image.open(io.BytesIO(content)) as image:
            image.save(buffer, "WEBP", quality=82)
        return data_url("image/webp", buffer.getvalue())
    except ImportError:
        return data_url("image/png", content)
    except (OSError, ValueError):  # a damaged picture; a Pillow without WebP
        return data_url("image/png", content) if content.startswith(b"\x89PNG") else ""


def data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
