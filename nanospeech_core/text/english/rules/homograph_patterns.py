"""Patterns of the words around a homograph, for the contexts in `homographs`.

Names in capitals are patterns of words; those of whole contexts end or begin with a space.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Context(NamedTuple):
    """Homographs, and the words around them that decide how they are read.

    Attributes:
        spoken: homographs in lower case -> their respellings.
        before: a pattern of what is before the homograph, up to it; in any case.
        after: a pattern of what follows it.
        unless: a pattern like `before`; where it matches, the context does not hold.
    """

    spoken: Mapping[str, str]
    before: str = "(?<!-)"
    after: str = r"(?!-)"
    unless: str = "(?!)"


DETERMINER = (
    r"(?:the|an?|my|your|his|her|our|their|its|this|that|these|those|each|every|another|one|some|no|any)"
)
REFLEXIVE = r" (?:my|your|him|her|it|our|them)sel(?:f|ves)\b"
OBJECT = (
    r"(?: (?:the|an?|my|your|his|her|our|their|its|it|them|him|us|me|this|these|those|every|each|another)\b|"
    rf"{REFLEXIVE})"
)
MORE_OBJECTS = rf"(?:{OBJECT}| (?:all|any|both|some|only|everything|no|one|two|three|plenty|more|less)\b)"
END = r"(?=[.,;:!?)]|$)"

ADVERB = (
    r"(?:also|always|often|never|ever|just|then|still|only|even|soon|now|once|first|later|sometimes|usually|"
    r"\w{3,}ly)"
)
MODAL = (
    r"(?:\b(?:can|could|will|would|shall|should|may|might|must|do|does|"
    r"did|"
    r"cannot|to|not)|n't|'ll|'d)"
)
BARE_VERB = (  # after these words and a subject, a verb has no ending: "Did he read it?", "I saw him read"
    rf"(?:{MODAL}|\b(?:let|make|made|makes|help|helped|helps|hear|heard|see|saw|watch|watched|have|had|"
    r"having|(?:lett|mak|help|watch|see|hear)ing))"
)
START = (  # of a sentence, or of a command in it
    r"""(?:^|[.;:!?—–]["')]* )["'(]*(?:(?:then|now|first|next|finally|just|simply|always|never),? )?"""
)
PLEASE = r"\bplease (?:(?:do not|don't|always|never|also|just|only) )?"
PLURAL = (  # "sensors", but not "was" or "famous"
    r"(?:\b(?!(?:is|was|has|does|this|his|its|as|us|thus|yes|says|always|perhaps|besides|towards|upwards)\b)"
    r"[A-Za-z]{2,}(?<!s)(?<!ou)s|\bpeople|\b(?:wo)?men|\bchildren|\b(?:those|that|they|we) all)"
)
NO_NAMES = (
    "[IA]|You|We|They|He|She|People|Please|Always|Never|Just|Then|And|Or|But|Can|Do|Did|To|Children|Must|Should|"
    "Could|"
    "Will|Would|May|Might|Not|Now|Who|Men|Women|Most|Many|Some|Few|All|Both|Let|Speed|Well|Also|First|Often|"
    "Next|Second|Don|Others|Today|Only|Human|Past|Other|Double|Private|Black|White|Real|Our|Their|Her|My|"
    "Your|"
    "More|The|Chinese|Japanese|French|British|English|Spanish|Dutch|Irish|How|Why|What|When|Where|If|That|"
    "Which|"
    "Once|Even|Still|Usually|Everyday|American|Young|Old|New|Two|Three|Nine|Have|Had|It|Use|Default|So|Yet|"
    "For|Out"
)
NAME = rf"(?-i:(?<![\w'])(?!(?:{NO_NAMES})\b)[A-Z][a-z]+(?<!s)(?<!ly))"
NOUN_FOLLOWS = (
    rf"\b(?:{DETERMINER}|of|in|on|to|for|with|\w+'s|own|old|new|good|great|last|first|other|public) "
)
PERSON = (
    "(?:teacher|man|woman|boy|girl|judge|mother|father|mom|dad|clerk|king|queen|priest|lawyer|doctor|"
    "president|"
    "officer|minister|captain|student|professor|magistrate|nurse|soldier|speaker|secretary|reporter|"
    "detective|"
    "inspector|lady|gentleman|wife|husband|brother|sister|son|daughter|uncle|aunt|cousin|grandmother|"
    "grandfather|grandma|grandpa|child|friend|neighbor|neighbour|person|author|actor|poet|editor|agent|"
    "sergeant|colonel|bishop|prince|princess|boss|girlfriend|boyfriend|guy|family|dog|cat)"
)
WRITING = (
    "(?:sign|label|letter|note|notice|message|caption|headline|inscription|poster|banner|plaque|card|"
    "telegram|"
    "placard|tag|text|email|title|postcard|sticker|statement)"
)
ROAD = (
    "(?:road|path|river|trail|street|lane|stream|track|staircase|stairs|stairway|valley|procession|"
    "creek|route)"
)
DIRECTION = (
    r" (?:around|round|down|through|along|between|among|across|past|about|(?:its|his|her|their|my|our) way)\b"
)
SHOP = (
    "(?:shops|stores|banks|schools|pubs|bars|museums|offices|markets|polls|gates|doors|restaurants|libraries)"
)
MUSCLE = "(?:hamstring|ligament|calf|muscle|knee|shoulder|achilles|groin|tendon|meniscus|retina|cartilage)"
CLOTH = (
    "(?:lining|fabric|sleeve|trousers|jeans|coat|shirt|dress|paper|curtain|canvas|sail|tent|roof|"
    "screen|net|sheet)"
)
METAL = (
    "(?:zinc|copper|tin|iron|silver|gold|mercury|arsenic|antimony|cadmium|steel|brass|bronze|nickel|chromium)"
)
LEAD_COMPOUND = (
    "(?:paints?|pipes?|piping|poisoning|roofs?|pencils?|sheets?|acid|oxide|ore|mines?|miners?|mining|"
    "bullets?|"
    "shot|weights?|crystal|glass|solder|batteries|battery|exposure|contamination|dust|apron|coffins?|balloon|"
    "casket|acetate|chloride|sulfide|nitrate|isotopes?|smelters?|sinkers?)"
)
LEAD_QUANTITY = (
    "(?:full|made|tons?|pounds?|ounces?|pieces?|lumps?|bars?|sheets?|traces|amounts?|levels?|grams|blocks?|"
    "bits?|"
    "coating|casing|kilos?|concentrations?)"
)
AFTER_MINUTE = (
    "(?:amounts?|traces?|quantit(?:y|ies)|particles?|details?|differences?|portions?|fragments?|organisms?|"
    "creatures?|doses?|crystals?|scale|examination|inspection|changes?|variations?|fractions?|specks?|"
    "insects?|"
    "proportions?|description|drops?|pieces?|observations?)"
)
BEFORE_CONTENT = (
    r"(?:\b(?:am|is|are|was|were|be|been|being|not|quite|perfectly|very|felt|feels?|seem(?:s|ed)?|rest|"
    r"remain(?:s|ed)?|more than|well|fully|so|look(?:s|ed)|appear(?:s|ed)|not|never)|'m|'re)"
)
PAST_VERB = (
    r"(?:\w{2,}(?<!ne)(?<!us)(?<!fe)ed|took|sat|stood|went|came|drew|wrote|got|found|held|brought|bought|"
    r"broke|"
    r"tore|rose|lay|ran|shook|bent)"
)
PAST_TIME = (
    r"(?:\b(?:yesterday|ago|this morning|earlier today|the other day|last (?:night|week|month|year|summer|"
    r"winter|spring|autumn|fall|\w+day)|when I was|as a (?:child|boy|girl|kid|teenager|student))(?![\w'-]))"
)
