"""The vocabulary of phoneme models: IPA in the symbols of Kokoro-82M (Apache-2.0), our corpus's teacher."""

# IPA with stress and tone marks, punctuation and the space. The order matters: an id is an index.
SYMBOLS = tuple(
    ';:,.!?—…"()“” \u0303ʣʥʦʨᵝ\uab67AIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋ'
    "ɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
)
SILENT = frozenset(';:,.!?—…"()“” ')  # symbols without a sound
STRESS = frozenset("ˈˌ")
