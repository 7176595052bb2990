"""What the report of a part says beside its results, so that the parts can be joined."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ...cluster.parts import Part
from ..dataset import TextItem

OWN = ("part", "json", "output", "engine")  # of the config, what may differ between parts


def part_fields(
    part: Part, config: Any, items: Sequence[TextItem], systems: Sequence[Any], references: dict[str, dict]
) -> dict:
    """The fields of a part.

    Args:
        config: the `EvaluationConfig`.
        items: the texts of all parts.
        systems: what speaks (`evaluate.System`), by all settings.
        references: the `score_reference` of each recording to compare with, by the text's id.
    """
    command = {key: value for key, value in asdict(config).items() if key not in OWN}
    return {
        "part": [part.number, part.count],
        "command": json.loads(json.dumps(command)),  # as it will be read
        "all_texts": [asdict(item) for item in items],
        "systems": [system.name for system in systems],
        "references": {id: without_embedding(found) for id, found in references.items()},
    }


def without_embedding(scores: dict) -> dict:
    """The numbers of a `score_reference`."""
    return {key: value for key, value in scores.items() if key != "embedding"}
