"""Words of one spelling and two pronunciations: where espeak-ng takes the wrong one, they are respelled.

espeak-ng looks at the word before: after "to" or "they" it reads a verb, else mostly a noun. `CONTEXTS` are
the words around a homograph that decide otherwise. A respelling is a word, or no word, that espeak-ng
pronounces like the reading, in both accents and with its stress.
"""

from __future__ import annotations

import functools
import itertools
import re

from ...readings.rules import alternatives
from .homograph_patterns import (
    ADVERB,
    AFTER_MINUTE,
    BARE_VERB,
    BEFORE_CONTENT,
    CLOTH,
    DETERMINER,
    DIRECTION,
    END,
    LEAD_COMPOUND,
    LEAD_QUANTITY,
    METAL,
    MODAL,
    MORE_OBJECTS,
    MUSCLE,
    NAME,
    NOUN_FOLLOWS,
    OBJECT,
    PAST_TIME,
    PAST_VERB,
    PERSON,
    PLEASE,
    PLURAL,
    REFLEXIVE,
    ROAD,
    SHOP,
    START,
    WRITING,
    Context,
)
from .numbers import Row

REACH = 80  # characters before a homograph that a context sees

VERBS = {
    "close": "cloze", "conduct": "conductt", "contract": "contractt", "estimate": "estimait",
    "increase": "inkrease", "perfect": "perfectt", "permit": "permitt", "present": "presennt",
    "project": "projectt", "record": "recorde", "separate": "seperate", "tear": "tare", "use": "uze",
    "wind": "wined",
}  # fmt: skip
MORE_OFTEN_ADJECTIVES = ("present", "perfect")
USUAL = {word: spoken for word, spoken in VERBS.items() if word not in MORE_OFTEN_ADJECTIVES}
THIRD_PERSONS = {"presents": "presennts", "records": "recordes", "permits": "permitts"}
EXCUSE, INSULT = {"excuse": "excuze", "excuses": "excuzes"}, {"insult": "insullt"}
READ, LEAD, WOUND, MINUTE = {"read": "red"}, {"lead": "led"}, {"wound": "wownd"}, {"minute": "my-newt"}
BOW, BOWS, TEAR = {"bow": "bough"}, {"bow": "bough", "bows": "boughs"}, {"tear": "tare", "tears": "tares"}
CONTENT, CLOSE, REFUSE = {"content": "contennt"}, {"close": "cloce"}, {"refuse": "reffuce"}
IMPORTS, INVALID = {"imports": "ympports"}, {"invalid": "innvolid"}
ADVERB_OR_NOT = rf"(?: {ADVERB})?"
AFTER_READ = r"(?= (?:about|aloud|out|on|from|in|through|over|at|of|to|so|as|books?)\b)"

CONTEXTS = (
    # Verbs that espeak-ng reads as nouns or adjectives.
    Context(VERBS, PLEASE),
    Context(VERBS, r"\b(?:have|has|had|having) to "),
    Context(VERBS, START, MORE_OBJECTS),
    Context(USUAL, r"\b(?:and|or) ", OBJECT),
    Context({"use": "uze"}, r"^[\"'(]*", r" (?!of|by|and|or|is|was|in|for|at|as|with|to|from|on|cases?|"
            r"tax)[a-z]"),
    Context(VERBS, rf"{MODAL}(?: not)?(?: {ADVERB}){{1,2}} ", OBJECT),
    Context(USUAL, r"\b(?:I|[hw]e|she|you|they|who|it)'d "),
    Context(VERBS, r"\blet(?:'s| me| us| him| them) "),
    Context(VERBS, r"\b(?:help|make|let)s?(?: (?:me|us|you|him|her|it|them|people))? ", OBJECT),
    Context(VERBS, r"\b(?:helped|made)(?: (?:me|us|you|him|her|it|them|people))? ", OBJECT),
    Context(USUAL, rf"\b(?:not|cannot|{ADVERB}) ", OBJECT),
    Context(USUAL, rf"{PLURAL}{ADVERB_OR_NOT} ", OBJECT),
    Context(USUAL, rf"\b(?:did|does|[cw]ould|should|can) {NAME} ", OBJECT),
    Context(THIRD_PERSONS, r"\w ", r" (?:the|an?|his|her|its|their|our|your|my|him|them|us|me)\b",
            rf"(?:{NOUN_FOLLOWS}|\b(?:and|many|more|some|all|two|three|four) )"),
    Context({"uses": "uzes"}, r"\w ", OBJECT, rf"(?:{NOUN_FOLLOWS}|\b(?:and|many|more|some|all|two|three|"
            rf"four) )"),
    Context({"uses": "uzes"}, rf"(?:{NAME}|\b(?:who|which|every(?:one|body)|no ?(?:one|body))) ",
            r" (?!of|include|are|were|vary|and|for|in|on|at|to|by)[a-z]"),
    Context({"presents": "presennts"}, after=REFLEXIVE),
    Context({"close": "cloze"}, rf"\b{SHOP} ", r" (?:at|on|in|for|early|late|soon|down|before|around)\b"),
    Context({"object": "objeckt"}, rf"(?:{PLURAL}|\b(?:strongly|also|never|not|often)) ", r" to\b"),
    Context({"objects": "objeckts"}, rf"(?:{NAME}|\b(?:one|who|which)) ", r" to\b"),
    Context({"conduct": "conductt", "conducts": "conductts"}, after=r" (?:electricity|heat|current)\b"),
    Context({"estimate": "estimait", "estimates": "estimaits"}, rf"(?:{PLURAL}|{NAME}) ", r" that\b"),
    Context({"project": "projectt"}, r"(?:analyst|economist|expert|official|forecaster)s ",
            r" (?!team|on\b|in\b)[a-z]"),
    Context({"contract": "contractt"}, r"(?:\bmuscles|\bexpand(?:s|ed)?(?: [^.,;]{1,40})?,? (?:and|or)) "),
    Context({"contract": "contractt"}, after=r" (?:(?:as|when) (?:it|they)|the (?:disease|virus|"
            r"infection))\b"),
    Context({"rebel": "rebell"}, rf"(?:{PLURAL}|\b(?:often|and|or|not|never)) ", r" against\b"),
    Context({"desert": "dessert"}, r"\b(?:soldiers|men|troops|sailors|voters) ", OBJECT),
    Context(EXCUSE, r"(?:\b(?:to|I|you|we|they|he|she|who|please|will|would|can|could|must|might|may|not|"
            r"cannot)|n't|'ll|'d) "),
    Context(EXCUSE, after=r" (?:me|us|him|them)\b", unless=NOUN_FOLLOWS),
    Context(EXCUSE, rf"(?:{START}|\b(?:and|or) )", OBJECT),
    Context(INSULT, rf"(?:{MODAL}|\b(?:I|you|we|they|who|please|never|ever|and|or)) ",
            rf"(?:{OBJECT}| (?:you|people|women|men|any(?:one|body)|every(?:one|body)|someone|others|"
            rf"[A-Z]\w+)\b)"),
    Context({"wind": "wined"}, r"(?:\b(?:please|to|and|or|they|we|I|you|will|would|could|might|can|may)|n't|"
            r"'ll) ", r" (?:down|back)\b"),
    Context({"winds": "wineds"}, rf"\b(?:{ROAD}|which|that) ", rf"(?:{DIRECTION}| up\b)"),
    Context({"tear": "tare"}, r"\b(?:and|or|not|just|people) ",
            r" (?:up|down|off|apart|out|open|into|through)\b"),
    Context(BOW, rf"(?:{PLURAL}|\b(?:and|or|must|please|never|not)) ", r" (?:to|before|down|out)\b"),
    Context({"lives": "livs"}, rf"(?:{NAME}|\b(?:[a-z]*(?:one|body)|(?:my|your|his|her|our|their|the|an?|"
            rf"that)(?: \w+)? {PERSON})) ", r"(?=[.,;?!]| (?:in|at|on|with|next|near|alone|by|here|there|"
            r"above|across|far|just|somewhere|nearby|a|only|not|up|down|outside|upstairs|downstairs|under|"
            r"over|for|close)\b)"),
    # The past of verbs.
    Context(READ, rf"\b(?:he|she){ADVERB_OR_NOT} ", unless=rf"{BARE_VERB}(?: not)? (?:he|"
            rf"she){ADVERB_OR_NOT} "),
    Context(READ, rf"^[\"']?{NAME}{ADVERB_OR_NOT} ", OBJECT),
    Context(READ, rf"(?<=[\w,] ){NAME}{ADVERB_OR_NOT} ", rf"(?:{OBJECT}|{AFTER_READ}|{END})",
            rf"(?:{BARE_VERB}|\b(?:and|or)) (?-i:[A-Z])\w+{ADVERB_OR_NOT} "),
    Context(READ, r"\b(?:mr|mrs|ms|dr)\.? \w+ ", unless=rf"{BARE_VERB} \w+\.? \w+ "),
    Context(READ, rf"\b{DETERMINER}(?: \w+)? (?:{PERSON}|{WRITING}){ADVERB_OR_NOT} ",
            unless=rf"{BARE_VERB}(?: {DETERMINER})?(?: \w+){{1,2}}{ADVERB_OR_NOT} "),
    Context(READ, r"\b(?:it|that|which|the \w+) ", r"(?::|,? [\"“‘'])", rf"{BARE_VERB}(?: \w+)? \w+ "),
    Context(READ, r"\b(?:have|had)(?:n't)? (?:I|you|we|they|he|she) (?:ever|never|already|just|also|even) "),
    Context(READ, r"\b(?:if|wish|after|until|once|though)(?: only)? (?:I|he|she|we|they|you)'d (?:only |"
            r"just )?"),
    Context(READ, r"\b(?:I|[hw]e|she|they)'d (?:already|recently) "),
    Context(READ, r"\b(?:be|been|gets?|getting)(?: \w+ly| often| always| also)? "),
    Context(READ, r"\bwell-"),
    Context(READ, rf"\b(?:I|we|they){ADVERB_OR_NOT} ", rf"[^.;?!]{{0,80}}{PAST_TIME}",
            rf"{BARE_VERB} (?:I|we|they){ADVERB_OR_NOT} "),
    Context(READ, rf"{PAST_TIME},? (?:I|we|they){ADVERB_OR_NOT} "),
    Context(READ, r"\b(?:I|we) (?:once|recently|first|later|finally) ", unless=rf"{BARE_VERB} (?:I|we) \w+ "),
    Context(READ, r"\bI ", r" (?:somewhere|in (?:the|a) \w+ that|that (?:he|she|they|the|there|in|some|most|"
            r"it))\b", rf"{BARE_VERB} I "),
    Context(READ, r"\bI ", r" your (?:email|letter|message|text|post|article|comment|note|report|"
            r"review)s?\b(?![^.;?!]{0,60}\b(?:every|each|always|often|daily)\b)",
            rf"(?:{BARE_VERB}|\b(?:when|whenever|if|time|until|before|as)) I "),
    Context(READ, rf"\b{PAST_VERB}(?: (?!(?:to|can|could|would|will|should|may|might|must|and|or|not|let|"
            rf"make)\b)" r"[\w']+){0,8},? and "),
    Context(WOUND, r"\b(?:he|she|it|I|who|which)(?: then| slowly| carefully| quickly| finally| once)? ",
            r"(?! (?:each|people|others|up)\b)[ .,;]", rf"{BARE_VERB} (?:he|she|it|I)(?: \w+)? "),
    Context(WOUND, rf"(?:\b(?:we|they|was|were|been|is|are|being|has|had|have|and|that|{ROAD})|ly) ",
            rf"(?:{DIRECTION}| (?:tight|tightly|the (?:clock|watch|rope))\b)", rf"{BARE_VERB} (?:we|they) "),
    Context(WOUND, rf"\b{ROAD} ", r" up\b"),
    Context(WOUND, r"ly ", OBJECT, rf"{MODAL} \w+ly "),
    Context({"dove": "doave"}, rf"(?:\b(?:he|she|I|we|they|it|who|keeper|goalkeeper|diver|swimmer|and|then)|"
            rf"{NAME}) ", r" (?:into|off|to (?:the|his|her)|under|behind|down|from|out|onto|through|for|in|"
            r"head|back|over|toward)"),
    # Nouns.
    Context(LEAD, after=rf" {LEAD_COMPOUND}\b", unless=r"\b(?:to|will|would|can|could|that|who|which|they|we|"
            r"you) "),
    Context(LEAD, after=r"-(?:free|acid|based|lined|glazed|covered|coated|colou?red|gr[ae]y|poisoned)\b"),
    Context(LEAD, rf"\b{LEAD_QUANTITY} of ", r"(?! (?:time|role|over|in the (?:race|polls)))"),
    Context(LEAD, rf"\b(?:molten|melted|like|heavy as|contain(?:s|ed|ing)?|white|(?:weighted|lined|filled|"
            rf"covered|sealed) with|{METAL}(?:,|,? and|,? or)?) ",
            r"(?=[.,;:!?)]|$| (?:and|or|is|was|in|into|from)\b)"),
    Context(LEAD, after=rf"(?:,|,? and|,? or) {METAL}\b", unless=rf"\b(?:to|will|can|{DETERMINER}) "),
    Context(LEAD, r"^[\"']?", r" (?:is|was) (?:an? |very |so )?(?:heavy|toxic|poison|soft|dense|metal|"
            r"element|cheap)"),
    Context(BOWS, after=r" of (?:the|an?|his|her|our|their) (?:\w+ )?(?:ship|boat|vessel|canoe|yacht)\b"),
    Context(BOWS, r"\b(?:over|off|across) (?:the|her|its|our|their) ", END),
    Context(BOW, r"\b(?:port|starboard|ship's|boat's|vessel's|stern (?:to|and|or)(?: the)?) "),
    Context(BOWS, after=r"(?: wave| thruster|,? (?:and|to|or) (?:the )?stern)\b"),
    Context(BOW, r"\b(?:(?:takes?|took|taking|makes?|made|making) (?:his|her|their|an?)|"
            r"with an?) (?:(?:deep|low|slight|little|polite|stiff|small|formal|final|quick|grave|graceful|"
            r"courtly) )?", r"(?!-)(?! (?:and arrow|of|on|tie|window|in (?:his|her)))"),
    Context(BOW, r"\b(?:deep|low|slight|polite|stiff|formal|courteous|courtly|grave|profound|ceremonious) ",
            r"(?=[.,;!?]|$| (?:to|as|he|she|from|before)\b)"),
    Context(TEAR, r"\w ", rf" (?:in|to|of) (?:his|her|the|my|its|a|your) (?:\w+ )?(?:{MUSCLE}|{CLOTH})\b"),
    Context(TEAR, rf"\b{MUSCLE} "),
    Context({"use": "yuce"}, r"\bput(?:s|ting)?(?: \w+){0,3} to ",
            r"(?=[.,;!?]|$| (?:in|by|as|for|on|again|at)\b)"),
    Context(IMPORTS, r"(?:^[\"'(]*|\b(?:the|these|those|our|their|its|no|[a-z]+'s|of|on|in|for|from|and|"
            r"cheap|cheaper|oil|food|steel|foreign|\w+(?:ese|ean|ian|ican|ish)|total|more|fewer|net|illegal|"
            r"gas|car|grain|all|against|by) )", r"(?! (?:its|his|her|a|an|the|it|them)\b)"),
    Context(IMPORTS, after=r" (?:of|have|are|were|rose|fell|grew|will|would|and exports)\b"),
    Context(REFUSE, r"\b(?:(?:full|heaps?|piles?|mountains?|bags?|tons?|masses) of|household|kitchen|garden|"
            r"street|industrial|town|rotting) "),
    Context(REFUSE, after=r" (?:collection|collectors?|heaps?|dumps?|bins?|bags?|disposal)\b"),
    Context({"produce": "produese"}, r"\b(?:fresh|local|organic|farm|homegrown|dairy|agricultural) ",
            r"(?! (?:a|an|the|their|his|her|its|\d)\b)"),
    Context(INVALID, r"\b(?:an|poor|helpless|chronic|confirmed|permanent) ",
            r"(?=[.;!?]|$|'s\b| (?:who|for|since|wife|mother|father|husband|son|daughter|sister|brother|"
            r"chair)\b)"),
    Context(INVALID, r", an ", r","),
    # Adjectives and adverbs.
    Context(MINUTE, after=rf" {AFTER_MINUTE}\b", unless=r"(?:\b(?:one|two|three|four|five|ten|fifteen|twenty|"
            r"thirty|last|per) |-)"),
    Context(MINUTE, r"\b(?:are|were|so|very|too|quite|extremely|rather|infinitely|more|exceedingly) ",
            rf"(?:{END}| (?:and|that|in|compared|as)\b)", r"\b(?:the|this|that|these|one) \w+ "),
    Context(CONTENT, rf"{BEFORE_CONTENT} ", r" (?:to|with|in (?:his|her|their|my|the)|merely|just|simply)\b"),
    Context(CONTENT, r"\b(?:(?:felt|feels?|seem(?:s|ed)?|perfectly|quite|very|remain(?:s|ed)?|heart's|am|"
            r"be) )", rf"(?:{END}| (?:and|at|there|here)\b)"),
    Context(CONTENT, after=REFLEXIVE),
    Context(CLOSE, r"\b(?:hold|holding|held|keep|kept|keeping|keeps|bring|drew|draw|pull|pulled) (?:it|you|"
            r"them|him|her|me|us|each other) ", rf"(?:{END}| (?:to|and|against|as|at|until|for|in)\b)"),
    Context(CLOSE, r"\bto ", r" (?:friends?|relatives|family|quarters|range|proximity|ties|allies|to)\b"),
)  # fmt: skip


def find_context(text: str, start: int, end: int) -> Context | None:
    """The first context that the homograph text[start:end] stands in; None: it is not respelled."""
    if text[start].isupper() and not _before(START).search(text[:start]):
        return None  # in a name or a title
    reach = max(0, start - REACH)
    for context in _contexts(text[start:end].lower()):
        if (
            _after(context.after).match(text, end)
            and _before(context.before).search(text, reach, start)
            and not _before(context.unless).search(text, reach, start)
        ):
            return context
    return None


@functools.cache
def _contexts(word: str) -> tuple[Context, ...]:
    return tuple(context for context in CONTEXTS if word in context.spoken)


@functools.cache
def _before(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?:{pattern})$", re.IGNORECASE)


@functools.cache
def _after(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _respell(accent: str, match: re.Match[str]) -> str | None:
    context = find_context(match.string, *match.span())
    if context is None:
        return None
    spoken = context.spoken[match[0].lower()]
    return spoken.capitalize() if match[0][0].isupper() else spoken


HOMOGRAPHS = sorted(set(itertools.chain.from_iterable(context.spoken for context in CONTEXTS)))
ROWS: tuple[Row, ...] = (
    ("homograph", rf"(?<![\w'@/.])(?i:{alternatives(HOMOGRAPHS)})(?![\w@/(]|'\w|\.\w)", _respell),
)
