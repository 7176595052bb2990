"""Which languages a corpus has, and which its model will speak."""

import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_torch.training.data.corpus import AudioLocation, IndexEntry
from nanospeech_torch.training.data.languages import check_languages


def utterance(key: str, language: str) -> IndexEntry:
    return IndexEntry(key, "v", "", np.zeros(1, np.int16), None, 24000, AudioLocation("x"), language)


def test_a_model_must_admit_the_languages_that_it_learns():
    """Else it would refuse to speak them afterwards."""
    items = [utterance(f"{language}{i}", language) for i in range(3) for language in ("es", "en", "")]
    check_languages(items, ("en", "es"))
    check_languages([utterance("a", "")], ("en", "zh"))
    with pytest.raises(UserError) as error:
        check_languages(items, ("en", "zh"))
    assert str(error.value) == (
        "the data has 3 utterances in Spanish, which the model would refuse to speak: "
        'set model.text.languages = ["en", "zh", "es"]'
    )
