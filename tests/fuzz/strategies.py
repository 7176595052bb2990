"""Random inputs: what users write, and what breaks programs."""

from __future__ import annotations

import io

import numpy as np
import soundfile
from hypothesis import strategies as st

PIECES = [
    "Dr. Smith", "e.g.", "U.S.", "No. 5", "5 km", "$5.50", "€1.234,56", "10:30 p.m.",
    "2024-05-01", "3/4", "1984", "https://a.b/c?d=e", "a@b.co", "...", "…", ". . .", "—", "'",
    "“", "”", "(", ")", "[", "]", "{", "}", "<", ">", "&amp;", "[pause 0.1]", "[pause",
    "[voice: emma]", "[voice: Emma]", "[voice: default]", "[voice: emma", "[voice emma]",
    "［voice：emma］", "[rate: 0.7]", "[rate: 4]", "[rate: default]", "[ RATE : ２ ]", "[rate:",
    "[a](/q", "[b](http://x)", "Zubazub",
    "***", "# ", "- ", "1. ", "\n", "\n\n", "\t", "\r\n", "\u2028", "\u00a0", "\u200b", "\u00ad",
    "\ufeff", "你好", "2024年5月1日", "￥50元", "3:2", "重庆", "。", "！", "，", "……", "（", "「", "々", "兙",
    "𠮷", "שלום", "مرحبا", "Привет", "ñandú", "é", "ﬁ", "Ｐｙ", "𝐛𝐨𝐥𝐝", "😊", "👩‍👩‍👧", "🇩🇪", "½",
    "²", "№", "™", "°C", "a", "I", "the", "of the", "word", "WORD", "COVID-19", "x" * 60,
    "9" * 40, "0", "-1", "1e-5", "NaN", "null",
]  # fmt: skip
REFUSED = [  # what no text may have
    "[pause x]", "[pause 61]", "[a](/təˈ/)", "[](//)", "[voice:]", "[voice: nobody]", "[rate: x]",
    "[rate: 9]", "[rate: nan]", "[rate: 0]", "[rate:]",
]  # fmt: skip


def texts(max_size: int = 300) -> st.SearchStrategy[str]:
    """Texts: of what people write, of any character, of one thing again and again."""
    piece = st.sampled_from(PIECES) | st.text(max_size=5)
    pieces = st.lists(piece, max_size=40) | st.lists(piece | st.sampled_from(REFUSED), max_size=40)
    spaces = st.sampled_from(["", " ", " ", " ", "\n"])
    joined = st.tuples(pieces, spaces).map(lambda parts: parts[1].join(parts[0]))
    repeated = st.tuples(st.sampled_from(PIECES + REFUSED), st.integers(1, 400)).map(
        lambda pair: pair[0] * pair[1]
    )
    return (joined | st.text(max_size=max_size) | repeated).map(lambda text: text[:max_size])


_KINDS = ["characters", "cardinal", "ordinal", "digits", "date", "time", "telephone", "fraction", "x"]
_TAGS = [
    "<p>", "</p>", "<s>", "</s>", "<break/>", '<break time="300ms"/>', '<break strength="x"/>', "<emphasis>",
    "</emphasis>", '<prosody rate="80%">', '<prosody rate="+50%" pitch="high">', "</prosody>",
    '<voice name="emma">', "</voice>", '<lang xml:lang="zh">', "</lang>", '<phoneme ph="tˈuː">',
    "<phoneme ph='Ж'>", "</phoneme>", '<sub alias="World 5 km">', "<sub alias=''>", "</sub>",
    *(f'<say-as interpret-as="{kind}" format="mdy">' for kind in _KINDS), "</say-as>", "<!-- -->",
    "<![CDATA[", "]]>", "<?a b?>", "<audio src=''/>", "<x:y>", "</x:y>", "<foo>", "<", "&", "&lt;",
    "&#x4f60;", "&#x85;", "&nbsp;", "</speak>", "<speak>",
]  # fmt: skip
_WHOLE = [
    "p",
    "s",
    "emphasis",
    "prosody rate='0.9'",
    "prosody rate='-5%'",
    "voice name='emma'",
    "lang xml:lang='zh'",
]


@st.composite
def ssml(draw: st.DrawFn, max_size: int = 2000) -> str:
    """Texts in SSML: elements inside each other as they should be, or tags in any order."""
    words = st.sampled_from(PIECES) | st.text(max_size=5)
    plain = words.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;"))
    leaf = plain | st.sampled_from(["<break/>", "<break time='0.2s'/>", "<phoneme ph='tˈuː'>2</phoneme>"])
    leaf |= st.tuples(st.sampled_from(["sub alias='a b'", "sub alias='5 km'"]), plain).map(
        lambda pair: f"<{pair[0]}>{pair[1]}</sub>"
    )
    kinds = st.sampled_from(_KINDS)
    leaf |= st.tuples(kinds, plain).map(lambda p: f"<say-as interpret-as='{p[0]}'>{p[1]}</say-as>")

    def inside(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        content = st.lists(parts, max_size=5).map(" ".join)
        element = st.tuples(st.sampled_from(_WHOLE), content)
        return element.map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0].split()[0]}>")

    whole = st.lists(st.recursive(leaf, inside, max_leaves=20), max_size=8).map(" ".join)
    tags = st.lists(st.sampled_from(_TAGS) | words, max_size=30).map("".join)
    return f"<speak>{draw(whole | tags)[:max_size]}</speak>"


def broken(data: bytes) -> st.SearchStrategy[bytes]:
    """The bytes of a file, damaged: cut off, bits flipped, bytes inserted, a part zeroed."""
    if not data:
        return st.binary(max_size=20)
    places = st.integers(0, len(data) - 1)

    def flip(changes: list[tuple[int, int]]) -> bytes:
        flipped = bytearray(data)
        for place, bit in changes:
            flipped[place] ^= 1 << bit
        return bytes(flipped)

    return (
        places.map(lambda end: data[:end])
        | st.lists(st.tuples(places, st.integers(0, 7)), min_size=1, max_size=8).map(flip)
        | st.tuples(places, st.binary(max_size=20)).map(lambda p: data[: p[0]] + p[1] + data[p[0] :])
        | st.tuples(places, st.integers(1, 200)).map(
            lambda p: data[: p[0]] + bytes(p[1]) + data[p[0] + p[1] :]
        )
    )


@st.composite
def recordings(draw: st.DrawFn) -> tuple[bytes, str]:
    """An audio file and its suffix: any rate, channels, length and sound, perhaps damaged."""
    suffix, subtype = draw(
        st.sampled_from(
            [("wav", "PCM_16"), ("wav", "PCM_U8"), ("wav", "FLOAT"), ("wav", "DOUBLE"), ("flac", "PCM_24")]
        )
    )
    rate = draw(st.sampled_from([8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000, 192_000]))
    channels = draw(st.integers(1, 8))
    samples = draw(st.sampled_from([0, 1, 100]) | st.integers(0, 4 * rate))
    kind = draw(st.sampled_from(["speech", "noise", "silence", "tone", "dc", "nan", "loud"]))
    seed = draw(st.integers(0, 99))
    rng, time = np.random.default_rng(seed), np.arange(samples) / rate
    envelope = 0.3 * (np.sin(2 * np.pi * 3 * time) > -0.3)
    wave = {
        "speech": envelope * np.sign(np.sin(2 * np.pi * 150 * time)) + 0.003 * rng.standard_normal(samples),
        "noise": 0.1 * rng.standard_normal(samples),
        "silence": np.zeros(samples),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * time),
        "dc": np.full(samples, 0.4) + envelope * 0.1,
        "nan": np.where(rng.random(samples) < 0.1, np.nan, 0.1),
        "loud": 50 * rng.standard_normal(samples),
    }[kind]
    if kind in ("nan", "loud") and subtype.startswith("PCM"):
        wave = np.nan_to_num(np.clip(wave, -1, 1))
    file = io.BytesIO()
    data = np.repeat(wave[:, None], channels, axis=1)
    soundfile.write(file, data, rate, subtype, format=suffix)
    whole = file.getvalue()
    return draw(st.just(whole) | broken(whole)), suffix


NUMBERS = st.sampled_from(
    ["nan", "inf", "-inf", "-1", "0", "0.5", "1", "2", "1e308", "1e-308", "9" * 30, "", " ", "x", "½", "１"]
)
