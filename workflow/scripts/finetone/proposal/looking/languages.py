"""Which languages texts are in: by script, and where that is Latin by each language's commonest words.

Enough to tell which pretrained models have read the language; no more is claimed.
"""

import re
from collections import Counter
from collections.abc import Mapping

from finetone.proposal.looking.words import load

NAMES = {code: about["name"] for code, about in load()["languages"].items()}
WORDS = {
    c: set(about["words"].split()) for c, about in load()["languages"].items() if "words" in about
}
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
