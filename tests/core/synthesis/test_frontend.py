"""From a text and the options to sentences in ids and a reference."""

from dataclasses import replace

import numpy as np
import pytest
from checkpoints import make_voice, tiny_config
from text_stages import phonemize

from nanospeech_core.audio import files as audio
from nanospeech_core.config import TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.synthesis.frontend import check_texts, prepare_text
from nanospeech_core.voices.reference import even_durations
from nanospeech_core.voices.store import save_voice

CONFIG = tiny_config()
CHARACTERS = replace(
    CONFIG,
    text=TextConfig("characters", tuple(" abcdefghijklmnopqrstuvwxyzGHT.,!?'"), "filler"),
    phone_duration=None,
)
TEXT = "This is the first of two sentences. Here comes the second one"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    save_voice(folder, make_voice("emma", "en-gb", "Good day.", "ɡˈʊd dˈeɪ."))
    return folder


def spoken(prepared, config=CONFIG) -> list[str]:
    return [
        "".join(config.text.vocab[i] for i in ids)
        for ids in (utterance.ids for utterance in prepared.utterances)
    ]


def test_sentences_stand_between_pauses(folder):
    prepared = prepare_text(TEXT, CONFIG, folder, GenerateOptions())
    first, second = "This is the first of two sentences.", "Here comes the second one"
    assert spoken(prepared) == [f" {phonemize(first)} ", f" {phonemize(second)} "]
    assert all(utterance.ids.dtype == np.int64 for utterance in prepared.utterances)


def test_the_voice_is_the_reference(folder):
    prepared = prepare_text(TEXT, CONFIG, folder, GenerateOptions(voice="emma"))
    assert "".join(CONFIG.text.vocab[i] for i in prepared.reference.ids) == " ɡˈʊd dˈeɪ. "
    assert prepared.reference.durations.sum() == len(prepared.reference.mel) == 188


def test_the_voice_gives_the_accent_by_default(folder):
    american, british = (phonemize("Nobody's car.", language) for language in ("en-us", "en-gb"))
    assert american != british
    for options, expected in (
        (GenerateOptions(voice="heart"), american),
        (GenerateOptions(voice="emma"), british),
        (GenerateOptions(voice="emma", lang="en-us"), american),
    ):
        assert spoken(prepare_text("Nobody's car.", CONFIG, folder, options)) == [f" {expected} "]


SPANISH = replace(CONFIG, text=replace(CONFIG.text, languages=("en", "zh", "es")))
REFUSED = 'this model does not speak Spanish ("es"): it was trained on English and Chinese'


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Hola", {"lang": "es"}),
        ("Hola", {"lang": "es", "voice": "emma"}),
        ('<speak xml:lang="es">Hola</speak>', {}),
        ('<speak>One. <lang xml:lang="es-MX">Hola.</lang></speak>', {}),
        ('<speak>One. <voice xml:lang="es">Hola.</voice></speak>', {}),
    ],
)
def test_a_language_that_the_model_was_not_trained_on_is_refused(folder, text, options):
    """Before any speech, in one sentence."""
    for prepare in (
        lambda: prepare_text(text, CONFIG, folder, GenerateOptions(**options)),
        lambda: check_texts([text], ["text 1"], CONFIG, folder, GenerateOptions(**options)),
    ):
        with pytest.raises(UserError) as error:
            prepare()
        assert str(error.value).endswith(REFUSED)
    assert prepare_text(text, SPANISH, folder, GenerateOptions(**options)).utterances


def test_spanish_is_recognized_where_the_model_speaks_it(folder, tmp_path):
    english, spanish = (phonemize("¿Qué hora es?", language) for language in ("en-us", "es"))
    assert spoken(prepare_text("¿Qué hora es?", CONFIG, folder, GenerateOptions())) == [f" {english} "]
    assert spoken(prepare_text("¿Qué hora es?", SPANISH, folder, GenerateOptions())) == [f" {spanish} "]
    save_voice(tmp_path, make_voice("dora", "es", "Hola.", "ˈola."))
    hello = {language: phonemize("Hola, buenos amigos", language) for language in ("en-us", "es")}
    for config, language in ((SPANISH, "es"), (CONFIG, "en-us")):  # in the voice's language, if it can
        prepared = prepare_text("Hola, buenos amigos", config, tmp_path, GenerateOptions(voice="dora"))
        assert spoken(prepared) == [f" {hello[language]} "]


def test_character_models_have_no_pauses(folder):
    prepared = prepare_text(TEXT, CHARACTERS, folder, GenerateOptions())
    assert spoken(prepared, CHARACTERS) == [
        "This is the first of two sentences.",
        "Here comes the second one",
    ]
    assert "".join(CHARACTERS.text.vocab[i] for i in prepared.reference.ids) == "Hello there. "


def test_durations_are_used_only_where_they_are_of_the_symbols(folder):
    voice = make_voice("odd", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.")
    uneven = (0.5, *(1.5 / 13,) * 13)
    (folder / "odd").mkdir()
    save_voice(folder / "odd", replace(voice, durations=uneven))
    frames = prepare_text("Hi.", CONFIG, folder / "odd", GenerateOptions()).reference.durations
    assert frames[0] == 47
    smaller = tuple(symbol for symbol in CONFIG.text.vocab if symbol != "ʊ")
    timed_characters = replace(CHARACTERS.text, alignment="durations")
    with pytest.warns(UserWarning, match="ʊ"):
        prepared = prepare_text(
            "Hi.",
            replace(CONFIG, text=replace(CONFIG.text, vocab=smaller)),
            folder / "odd",
            GenerateOptions(),
        )
    assert (prepared.reference.durations == even_durations(188, 13)).all()
    prepared = prepare_text("Hi.", replace(CONFIG, text=timed_characters), folder / "odd", GenerateOptions())
    assert (prepared.reference.durations == even_durations(188, 14)).all()


@pytest.mark.parametrize("text", ["Hi.", "a", "I", "No!", "1"])
def test_very_short_texts(folder, text):
    (utterance,) = prepare_text(text, CONFIG, folder, GenerateOptions()).utterances
    assert len(utterance.ids) >= 3


def test_a_recording_in_place_of_a_voice(tmp_path):
    audio.write(tmp_path / "me.wav", make_voice("me", "en-us", "", "").audio)
    options = GenerateOptions(ref_audio=str(tmp_path / "me.wav"), ref_text="It is me.", lang="en-gb")
    prepared = prepare_text("Hello.", CONFIG, None, options)
    phonemes = phonemize("It is me.", "en-gb")
    assert "".join(CONFIG.text.vocab[i] for i in prepared.reference.ids) == f" {phonemes} "
    assert (
        prepared.reference.durations == even_durations(len(prepared.reference.mel), len(phonemes) + 2)
    ).all()


@pytest.fixture(scope="module")
def bilingual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bilingual")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    save_voice(folder, make_voice("emma", "en-gb", "Good day.", "ɡˈʊd dˈeɪ."))
    for name in ("yunxi", "xiaoxiao"):
        save_voice(folder, make_voice(name, "zh", "你好。", "ni↓xau↓."))
    return folder


def test_numbers_are_read_in_the_language(bilingual):
    options = (GenerateOptions(), GenerateOptions(lang="zh"), GenerateOptions(voice="yunxi"))
    english, chinese, voice = (spoken(prepare_text("12:30", CONFIG, bilingual, o)) for o in options)
    assert english == [f" {phonemize('twelve thirty')} "]
    assert chinese == voice == [f" {phonemize('十二点三十分', 'zh')} "]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "empty"),
        ("...", {}, "nothing to speak"),
        ("\U0001f600 \U0001f680", {}, "nothing to speak"),
        ("a\0b", {}, "control character"),
        ("a" * 100_001, {}, "at most 100,000"),
        ("Hi.", {"voice": "nobody"}, "the voices are emma, heart"),
        ("Hi.", {"ref_audio": "no.wav", "ref_text": "Hi."}, "No such file"),
    ],
)
def test_what_cannot_be_spoken(folder, text, options, message):
    with pytest.raises(UserError, match=message):
        prepare_text(text, CONFIG, folder, GenerateOptions(**options))


LONG = "one two three four five six seven eight nine ten " * 6 + "and the end"


@pytest.mark.parametrize(
    ("text", "continues"),
    [
        (TEXT, [False, False]),
        (LONG + ".", [True, False]),
        (LONG + ". " + TEXT, [True, False, False, False]),
        (LONG.replace(" six", ",\nsix"), [True, False]),
        (
            "They are " + "1984, " * 20 + "and that is all.",
            [True, True, False],
        ),  # spelled out: 500 characters
        (f"Well [pause 0.3] {LONG}.", [True, False]),
        (f"A heading without a mark\n\n{LONG}", [False, True, False]),
        (f"{LONG[:150]}\n\n{LONG[:150]}", [False, False]),  # two paragraphs
        (f"[pause 1] {LONG} [pause 1] {TEXT}", [True, False, False]),
        ("今天天气很好我们一起去公园玩" * 8, [True, False]),
    ],
)
def test_which_sentences_are_cut_only_for_their_length(folder, text, continues):
    prepared = prepare_text(text, CONFIG, folder, GenerateOptions())
    assert [utterance.continues for utterance in prepared.utterances] == continues
    assert not any(u.context_before or u.context_after for u in prepared.utterances)


def test_models_without_durations_have_no_joints(folder):
    prepared = prepare_text(LONG + LONG[:150], CHARACTERS, folder, GenerateOptions())
    assert [utterance.continues for utterance in prepared.utterances] == [False, False]  # of 300 characters


@pytest.mark.parametrize(
    "text", ["I was thinking{} maybe we should go.", "I do not know{}", "我想{}我们还是回家吧。"]
)
def test_ellipses_have_the_same_symbols(folder, text):
    spellings = [
        spoken(prepare_text(text.format(dots), CONFIG, folder, GenerateOptions()))
        for dots in ("...", "…", ". . .", "......", "……")
    ]
    assert all(symbols == spellings[0] for symbols in spellings) and spellings[0][0].count("... ") == 1


def test_characters_keep_their_ellipses(folder):
    with pytest.warns(UserWarning, match="…"):
        prepared = prepare_text("hello… there", CHARACTERS, folder, GenerateOptions())
    assert spoken(prepared, CHARACTERS) == ["hello there"]
