"""Names that rules look for: rulers, people called like their fathers, states of America and their cities."""

from __future__ import annotations

import re

# A Roman numeral after one of these is an ordinal number.
RULERS = (
    "Abbas|Adrian|Afonso|Ahmed|Albert|Alexander|Alexios|Alexis|Alfonso|Alfred|Amadeus|"
    "Amenhotep|Antiochus|Artaxerxes|Augustus|Baldwin|Basil|Bayezid|Beatrix|Bela|Benedict|"
    "Boleslaw|Boniface|Boris|Carlos|Casimir|Catherine|Celestine|Charles|Christian|Christina|"
    "Clement|Cnut|Canute|Constans|Constantine|Constantius|Cyrus|Darius|David|Donald|Duncan|"
    "Edgar|Edmund|Edward|Elizabeth|Emmanuel|Emanuel|Eric|Erik|Ethelred|Eugene|Felipe|"
    "Ferdinand|Fernando|Francis|Franz|Frederick|Friedrich|George|Gregory|Gustav|Gustavus|"
    "Haakon|Hadrian|Harald|Harold|Hassan|Henri|Henry|Honorius|Hussein|Innocent|Isaac|Isabella|"
    "Ivan|James|John|Joseph|Juan|Juliana|Julius|Justin|Justinian|Kamehameha|Kenneth|Khosrow|"
    "Ladislaus|Leo|Leopold|Louis|Lucius|Ludwig|Magnus|Malcolm|Manuel|Margaret|Margrethe|"
    "Martin|Mary|Maximilian|Mehmed|Michael|Mithridates|Mohammed|Murad|Napoleon|Nicholas|"
    "Nikolaus|Olaf|Olav|Osman|Otto|Paschal|Paul|Pedro|Peter|Philip|Philippe|Pius|Ptolemy|"
    "Rama|Rameses|Ramesses|Ramses|Richard|Robert|Romanos|Rudolf|Sancho|Sargon|Selim|Seti|"
    "Shapur|Sigismund|Sixtus|Stanislaus|Stephen|Suleiman|Sweyn|Theodosius|Thutmose|Umberto|"
    "Urban|Valdemar|Valentinian|Vasily|Victoria|Vladislaus|Wenceslaus|Wilhelm|Wilhelmina|Willem|"
    "William|Xerxes"
)
# "Henry I" before one of these is a king; elsewhere "I" is the writer.
REIGNS = (
    r"(?: (?:of|is|has|who|whose|died|ruled|reigned|became|succeeded|married|founded|conquered|invaded"
    r"|abdicated)\b"
    r"| was (?!\w+ing\b)| had (?:no|an?|the|been|only|two|three|many|\w+ (?:sons?|daughters?|children))\b"
    r"| \(|\)|\.?$)"
)
# First names of people who are called like their fathers: "John Smith III".
HEIRS = (
    "Albert|Alexander|Andrew|Arthur|Benjamin|Charles|Cornelius|Daniel|David|Douglas|Edward|"
    "Francis|Frank|Frederick|George|Harold|Henry|Hunter|James|John|Joseph|Loudon|Louis|"
    "Martin|Michael|Patrick|Paul|Peter|Richard|Robert|Samuel|Stephen|Theodore|Thomas|Thurston|"
    "Walter|William"
)
# The codes of the United States Postal Service.
STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho",
    "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina",
    "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania",
    "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas",
    "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia",
    "WI": "Wisconsin", "WY": "Wyoming", "PR": "Puerto Rico",
}  # fmt: skip
# These are also words or degrees, and common after a name: "Bob, OK", "Ann Lee, MD", "Marketing, PR".
AMBIGUOUS = frozenset("AL AR CO CT DE HI ID IN MA MD ME MI MS MT OH OK OR PA PR VA".split())
CITIES = frozenset(  # of these states
    name.replace("_", " ")
    for name in (
        "Akron Albany Alexandria Allentown Annapolis Ann_Arbor Arlington Aspen Augusta Baltimore Bangor "
        "Bend Bethesda Biloxi Birmingham Bloomington Boise Boston Boulder Bozeman Cambridge Charlottesville "
        "Cincinnati Cleveland Columbus Dayton Denver Detroit Dover Erie Eugene Evansville Flint Fort_Wayne "
        "Gary Gettysburg Grand_Rapids Harrisburg Hartford Honolulu Huntsville Indianapolis Kalamazoo "
        "Lancaster Lansing Little_Rock Missoula Mobile Montgomery New_Haven Norfolk Norman Oklahoma_City "
        "Philadelphia Pittsburgh Portland Pueblo Reading Richmond Rockville Roanoke Salem San_Juan Scranton "
        "Somerville South_Bend Springfield Stamford Toledo Tulsa Wilmington Worcester"
    ).split()
)
_NAME = r"(?:[A-Z][\w'-]*\.? )*[A-Z][\w'-]*[a-z]"
_CITY = re.compile(rf"(?:^|[^\w'-])(?P<city>{_NAME}), ?$")
_PLACED = re.compile(
    r"\b(?:in|from|to|near|of|at|for|via|around|outside|through|leaving|leave|visit(?:ed|ing)?|reach(?:ed)?)"
    rf" {_NAME}, ?$"
)
_STREET_ADDRESS = re.compile(
    r"\b\d{1,5} (?:[NSEW]\.? )?(?:\w+\.? ){1,4}?(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Dr"
    r"|Lane|Ln|Way|Court|Ct|Place|Pl|Highway|Hwy)\b\.?(?:,? (?:[A-Z#]|\d)[\w'.-]*){0,5},? $"
)


_LISTED = re.compile(rf", (?:{'|'.join(STATES.keys() - AMBIGUOUS)})[;,]? (?:(?:and|or|to) )?{_NAME}, ?$")


def find_state(before: str, code: str) -> str | None:
    """The state that a code means after some text; None: it may be a word ("Ask Bob, OK").

    That is after an address; after a city and a comma; and if the code is also a word, after a city that is
    known or follows a word such as "in" or another city with its state.
    """
    if _STREET_ADDRESS.search(before):
        return STATES[code]
    city = _CITY.search(before)
    if city is None:
        return None
    if code in AMBIGUOUS and not (_PLACED.search(before) or _LISTED.search(before)):
        parts = city["city"].split()
        if not any(" ".join(parts[-count:]) in CITIES for count in (1, 2)):
            return None
    return STATES[code]
