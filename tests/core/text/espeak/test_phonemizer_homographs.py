"""Words of one spelling and two pronunciations that espeak-ng reads right: the figure in docs/speak.md."""

import json
import re
from pathlib import Path

from text_stages import phonemize

SENTENCES = Path(__file__).parents[1] / "data" / "homographs.jsonl"  # "phonemes": a pattern of the right ones


def test_homographs_in_sentences():
    rows = [json.loads(line) for line in SENTENCES.read_text("utf-8").splitlines()]
    right = sum(re.search(row["phonemes"], phonemize(row["text"], "en-us")) is not None for row in rows)
    assert (right, len(rows), len({row["word"] for row in rows})) == (79, 102, 33)
