"""The languages of a corpus: a model refuses to speak those that its config does not name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nanospeech_core.errors import UserError
from nanospeech_core.text.languages import language_name

from .corpus import IndexEntry


def check_languages(entries: Sequence[IndexEntry], spoken: Sequence[str]) -> None:
    """Raise UserError for a language of the utterances that the model will not admit to speak.

    spoken: the model's, `config.TextConfig.languages`.
    """
    counts = Counter(entry.language for entry in entries if entry.language)
    if lacking := [code for code in counts if code not in spoken]:
        named = ", ".join(f"{counts[code]} utterances in {language_name(code)}" for code in lacking)
        values = ", ".join(f'"{code}"' for code in (*spoken, *lacking))
        raise UserError(
            f"the data has {named}, which the model would refuse to speak: "
            f"set model.text.languages = [{values}]"
        )
