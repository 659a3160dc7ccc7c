"""Which languages texts are in: by script, and where that is Latin by each language's commonest words.

Enough to tell which pretrained models have read the language; no more is claimed.
"""

import re
from collections import Counter
from collections.abc import Mapping

NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch",
    "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tr": "Turkish", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
# A language stands for its script: what matters is which models have read it.
SCRIPTS = {
    "ja": re.compile("[\u3041-\u30ff]"),
    "zh": re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"),
    "ko": re.compile("[\uac00-\ud7a3]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "he": re.compile("[\u05d0-\u05ea]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "bn": re.compile("[\u0980-\u09ff]"),
    "th": re.compile("[\u0e01-\u0e5b]"),
}
LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
WORD = re.compile(r"[^\W\d_]+")
# The commonest words that few of the other languages have.
COMMON = {
    "en": "the and of to is was it this that with for you not are but have my they be as",
    "de": "der die und das ist nicht ich ein eine zu mit den sehr auch es war für auf sich wie",
    "fr": "le les et est pas une des je il que dans pour très vous ce au sur avec plus nous",
    "es": "el los y es una por muy con para las lo como pero más del este está todo al su",
    "it": "il di che è non una per molto sono gli della con ma anche questo più mi ho ci ed",
    "pt": "não um uma os do da muito com para mais em é foi por mas eu ao bem na no",
    "nl": "het een en van niet dat ik zijn maar voor met heel ook deze aan erg wel wat nog er",
    "sv": "och det är att jag inte som en på för med mycket den men har till av så var bra",
    "da": "og det er jeg ikke at en på til meget med for den men har af som der godt var",
    "fi": "ja on ei se että oli hyvä mutta kun niin ole olen tämä myös erittäin kuin hyvin vain mitä nyt",
    "pl": "i nie jest się na to w z że jak bardzo do ale po tym był dla już mi za",
    "cs": "je jsou se na že jsme v jsem velmi ale jako s by za pro není byl tak jen mi",
    "tr": "bir ve bu çok da de için ama ne gibi değil daha var ben güzel en iyi o ile her",
    "id": "yang dan di ini tidak untuk dengan saya itu sangat ada dari ke bisa juga sudah akan karena tapi lebih",
    "vi": "và là của không có cho một được rất với này những tôi đã trong phim như các nhưng người",
}  # fmt: skip
WORDS = {language: set(words.split()) for language, words in COMMON.items()}
LOOKED = 2000  # characters of a text
SHARE = 0.1  # of the texts that a language must have to count


def language_of(text: str) -> str | None:
    """The code of a text's language; None if nothing tells it.

    Parameters
    ----------
    text
        Its first characters decide.
    """
    text = text[:LOOKED]
    latin = len(LATIN.findall(text))
    found = {language: len(letters.findall(text)) for language, letters in SCRIPTS.items()}
    if 10 * found["ja"] > found["zh"]:  # Japanese is written with Chinese characters, too
        found["ja"] += found.pop("zh")
    script = max(found, key=lambda language: found[language])
    if 3 * found[script] > latin:  # one Chinese character says as much as several letters
        return script
    words = WORD.findall(text.lower())
    votes = {language: sum(word in known for word in words) for language, known in WORDS.items()}
    first, second = sorted(votes.values())[:-3:-1]
    if first == second or first < max(1, len(words) / 25):
        return None
    return max(votes, key=lambda language: votes[language])


def main_languages(texts: Mapping[str | None, int]) -> list[str]:
    """Languages that a fair share of the texts are in, the commonest first.

    Parameters
    ----------
    texts
        {language: texts}; those that say nothing (None) count for none.

    Returns
    -------
    list of str
        English where nothing is told: short texts of few words.
    """
    told = Counter({language: count for language, count in texts.items() if language})
    least = SHARE * told.total()
    found = [language for language, count in told.most_common() if count >= least]
    return found or ["en"]


def named(languages: list[str]) -> str:
    """Languages in words."""
    return ", ".join(NAMES.get(language, language) for language in languages)
