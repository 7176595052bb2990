"""The pauses around an utterance."""

from dataclasses import replace

import pytest
from checkpoints import tiny_config

from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import pause_id

CONFIG = tiny_config()


def test_a_vocabulary_without_a_space():
    config = replace(CONFIG, text=replace(CONFIG.text, vocab=tuple("abc")))
    with pytest.raises(UserError, match="no space"):
        pause_id(config)
