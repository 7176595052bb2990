"""Where Spanish sentences end."""

import pytest

from nanospeech_core.text.markdown.sentence_stream import SentenceSplitter
from nanospeech_core.text.sentences import split_sentences
from nanospeech_core.text.traced import TracedText

TEXTS = [
    ["Llegó a las 8:30 p. m.", "Después cenó con la Sra. López."],
    ["Viven en EE. UU. desde 1990.", "Ayer volvieron a EE. UU.", "El viaje fue largo."],
    ["J. L. Borges nació en 1899.", "La vitamina C.", "Es buena."],
    ["Compró pan, etc.", "Luego se fue a Pérez S. A. de Madrid."],
    ["Véase el art. 5 y la pág. 7.", "No quiero la p.", "Así que no."],
    ["El 3 de ene. de 2020 llovió.", "Murió en el 44 a. C. en Roma."],
    ["Son las 21:05 h. y llueve.", "Son las 21:05 h.", "Llueve mucho."],
    ["¿Qué dices?", "¡No puede ser!", "Sí... tal vez.", "Bien."],
    ["«¿Vienes?»", "Dijo que sí."],
    ["Vinieron p. ej. Ana y D. Luis.", "Nadie más."],
]


@pytest.mark.parametrize("sentences", TEXTS, ids=lambda sentences: sentences[0])
def test_sentences(sentences):
    pieces = split_sentences(TracedText.of(" ".join(sentences)), "es", min_characters=1)
    assert [piece.written.text for piece in pieces] == sentences


@pytest.mark.parametrize("sentences", TEXTS, ids=lambda sentences: sentences[0])
def test_a_stream_ends_the_same_sentences(sentences):
    """Letter by letter: what follows a full stop is not known yet."""
    splitter, found = SentenceSplitter("es"), []
    for letter in " ".join(sentences):
        found += splitter.feed(letter)
    found += splitter.finish()
    assert " ".join(" ".join(found).split()) == " ".join(sentences)
    ends = [sentence.split()[-1] for sentence in sentences]
    assert {text.split()[-1] for text in found} <= set(ends), found
