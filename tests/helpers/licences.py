"""Licences of what the plain install brings: `python tests/helpers/licences.py` writes docs/licences.md.

It is made of the metadata of what is installed here, from this package's dependencies and those of its extra
`cpu` on; run it where they are installed. What the metadata lack stands in `INSIDE` and `ELSEWHERE`.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "licences.md"
HEAD = "| package | licence | what is inside |\n| --- | --- | --- |\n"
# Libraries in wheels, by those wheels' own notices, and licences that the metadata lack.
INSIDE = {
    "espeakng-loader": ("GPL-3.0-or-later", "espeak-ng, a library and its data: English phonemes"),
    "soundfile": (
        "BSD-3-Clause",
        "libsndfile (LGPL-2.1-or-later), LAME and mpg123 (LGPL), FLAC, Ogg, Opus",
    ),
    "soxr": ("LGPL-2.1-or-later", "libsoxr"),
    "sounddevice": ("MIT", "on macOS PortAudio (MIT)"),
    "safetensors": ("Apache-2.0", ""),
    "numpy": (
        "BSD-3-Clause and others",
        "OpenBLAS (BSD-3-Clause), libgfortran (GPL-3.0 with the GCC exception)",
    ),
    "scipy-openblas32": (
        "BSD-2-Clause",
        "OpenBLAS (BSD-3-Clause), libgfortran (GPL-3.0 with the GCC exception)",
    ),
    "rjieba": ("MIT", "jieba-rs and its dictionary (MIT)"),
    "tqdm": ("MPL-2.0 and MIT", ""),
}
# What another system or Python brings, beside or in place of what is here.
ELSEWHERE = {
    "mlx-metal": ("MIT", "macOS: MLX's library and its Metal kernels"),
    "mlx-cuda-12, mlx-cuda-13": (
        "MIT",
        "Linux with NVIDIA, with NVIDIA's CUDA libraries (proprietary)",
    ),
}
FAMILIES = ("GPL", "LGPL", "MPL", "Apache", "BSD", "MIT", "PSF", "ISC", "Unlicense", "0BSD", "Zlib")


def installed(extras: tuple[str, ...] = ("cpu",)) -> dict[str, metadata.Distribution]:
    """What this package requires here, and what that requires, by canonical name."""
    found: dict[str, metadata.Distribution] = {}
    left = [("nanospeech-mar", extras)]
    seen = set()
    while left:
        name, wanted = left.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        distribution = metadata.distribution(name)
        found[canonicalize_name(name)] = distribution
        for line in distribution.requires or ():
            need = Requirement(line)
            environments = [{"extra": extra} for extra in ("", *wanted)]
            if need.marker is None or any(need.marker.evaluate(own) for own in environments):
                left.append((need.name, tuple(sorted(need.extras))))
    del found["nanospeech-mar"]
    return found


def declared(distribution: metadata.Distribution) -> str:
    """The licence by the metadata: an expression, or the old fields, shortened."""
    fields = distribution.metadata
    if fields.get("License-Expression"):
        return fields["License-Expression"].replace(" AND ", " and ").replace(" OR ", " or ")
    marks = [c.rpartition(" :: ")[2] for c in fields.get_all("Classifier") or () if c.startswith("License")]
    text = next(iter((fields.get("License") or "").strip().splitlines()), "")
    known = " ".join((text, *marks))
    for pattern, name in (
        (r"LGPL|Lesser", "LGPL"),
        (r"GPL|GNU GENERAL", "GPL-3.0-or-later"),
        (r"MPL", "MPL-2.0"),
        (r"BSD 2|BSD-2", "BSD-2-Clause"),
        (r"BSD", "BSD-3-Clause"),
        (r"Apache", "Apache-2.0"),
        (r"MIT", "MIT"),
    ):
        if re.search(pattern, known):
            return name
    return text


def families(licence: str) -> set[str]:
    """Of which kind the licences are that a text names."""
    return {name for name in FAMILIES if re.search(rf"(?<![A-Z0]){name}", licence)}


def rows() -> dict[str, tuple[str, str]]:
    """Package -> licence and what is inside, those that oblige most first."""
    result = dict(ELSEWHERE)
    for name, distribution in installed().items():
        result[name] = INSIDE.get(name, (declared(distribution), ""))

    def rank(item: tuple[str, tuple[str, str]]) -> tuple[int, str]:
        kinds = families(item[1][0] + " " + item[1][1].replace("GPL-3.0 with the GCC exception", ""))
        return next(i for i, kind in enumerate((*FAMILIES[:3], "")) if not kind or kind in kinds), item[0]

    return dict(sorted(result.items(), key=rank))


def table() -> str:
    return HEAD + "".join(f"| {name} | {lic} | {inside} |\n" for name, (lic, inside) in rows().items())


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    begin = page.index(HEAD)
    end = page.index("\n\n", begin) + 1
    PAGE.write_text(page[:begin] + table() + page[end:], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
