"""Words of one spelling and two pronunciations: how many are read right, and how respellings sound."""

import json
import re
from pathlib import Path

import pytest
from text_stages import phonemize

from nanospeech_core.text.english.rules.homographs import CONTEXTS
from nanospeech_core.text.espeak import phonemizer
from nanospeech_core.text.traced import TracedText

DATA = Path(__file__).parents[1] / "data"  # in each row, "phonemes" is a pattern of the right ones
# A context, whose word espeak-ng reads right, and the respelling; or a word of the same sound.
SOUNDS = """
to bow=bough he_bows=boughs to close=cloze to conduct=conductt he_conducts=conductts to content=contennt
to contract=contractt to dove=doave to estimate=estimait he_estimates=estimaits to increase=inkrease
to object=objeckt he_objects=objeckts to perfect=perfectt to permit=permitt he_permits=permitts
to present=presennt he_presents=presennts the produce=produese to project=projectt to rebel=rebell
to record=recorde he_records=recordes the refuse=reffuce to separate=seperate to tear=tare he_tears=tares
to use=uze he_uses=uzes the use=yuce to wind=wined he_winds=wineds he_lives=livs a close=cloce
a led=led a red=red
"""


def by_espeak_alone(text: str) -> str:
    return phonemizer.phonemize(TracedText.of(text), "gmw/en-US").text


@pytest.mark.parametrize(
    ("name", "alone", "right", "sentences"),
    [
        ("homographs", 79, 101, 102),
        ("homographs_development", 67, 100, 100),  # the rules were written by these
        ("homographs_held_out", 73, 90, 100),  # measured once, after the rules
    ],
)
def test_homographs_in_sentences(name, alone, right, sentences):
    rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]

    def count(read) -> int:
        return sum(re.search(row["phonemes"], read(row["text"])) is not None for row in rows)

    assert (count(by_espeak_alone), count(phonemize), len(rows)) == (alone, right, sentences)
    assert len({row["word"] for row in rows}) == 33


@pytest.mark.parametrize("accent", ["en-us", "en-gb"])
def test_respellings_sound_like_the_word(accent):
    pairs = re.findall(r"(\w+)[ _](\w+)=(\S+)", SOUNDS)
    for before, word, spoken in pairs:
        expected = phonemize(f"{before} {word}", accent).split(" ")[1]
        assert phonemize(spoken, accent) == expected, spoken


@pytest.mark.parametrize(
    ("spoken", "american", "british"),
    [
        ("dessert", "dɪzˈɜːt", "dɪzˈɜːt"),
        ("excuze", "ɛkskjˈuːz", "ɛkskjˈuːz"),
        ("excuzes", "ɛkskjˈuːzᵻz", "ɛkskjˈuːzɪz"),
        ("innvolid", "ˈɪnvəlˌɪd", "ˈɪnvəlˌɪd"),
        ("insullt", "ɪnsˈʌlt", "ɪnsˈʌlt"),
        ("my-newt", "maɪnˈuːt", "maɪnjˈuːt"),
        ("wownd", "wˈaʊnd", "wˈaʊnd"),
        ("ympports", "ˈɪmpɔːɹts", "ˈɪmpɔːts"),
    ],
)
def test_respellings_of_what_espeak_never_reads(spoken, american, british):
    assert (phonemize(spoken, "en-us"), phonemize(spoken, "en-gb")) == (american, british)


def test_every_respelling_is_tested():
    tested = {match[1] for match in re.finditer(r"=(\S+)", SOUNDS)}
    assert len({spoken for context in CONTEXTS for spoken in context.spoken.values()} - tested) == 8
