"""Messages are one line, whatever they quote."""

import pickle

from nanospeech_core.errors import UserError


def test_a_message_is_one_line():
    assert str(UserError('there is no voice "a\r\n\x1b[31mb"')) == 'there is no voice "a [31mb"'
    assert str(UserError("é — ½ 你好")) == "é — ½ 你好"


def test_it_can_be_sent_between_processes():
    assert str(pickle.loads(pickle.dumps(UserError("a b")))) == "a b"
