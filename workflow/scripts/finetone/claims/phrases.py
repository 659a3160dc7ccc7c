"""What is said of claims, in the words of a language (`words/<language>.yaml`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from finetone.published.phrases import LANGUAGES, words

WORDS = Path(__file__).parent / "words"
GIVEN = "given"  # of a phrase that is written down in each language elsewhere
MILLION = 1e6


@dataclass(frozen=True)
class Phrase:
    """A sentence, or a part of one, that can be said in every language.

    Attributes
    ----------
    key
        Of its words; "" says nothing.
    facts
        What is filled in: texts, numbers, other phrases, or lists of these.
    """

    key: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.key)

    def text(self, language: str) -> str:
        """The phrase in a language."""
        if not self:
            return ""
        if self.key == GIVEN:
            return str(self.facts[language])
        known = words(language, WORDS)
        return known[self.key].format(
            **{name: _said(fact, language, known["comma"]) for name, fact in self.facts.items()}
        )


NOTHING = Phrase()


def phrase(key: str, **facts: Any) -> Phrase:
    """A phrase by the key of its words."""
    return Phrase(key, facts)


def given(sentence: str | Mapping[str, str]) -> Phrase:
    """A sentence of a user's, in English or in every language."""
    if isinstance(sentence, str):
        return Phrase(GIVEN, dict.fromkeys(LANGUAGES, sentence))
    return Phrase(GIVEN, sentence)


def metric(name: str) -> Phrase:
    """The name of a metric, or of a fact about a model (`group.<fact>`)."""
    key = name.replace("group.", "fact_") if name.startswith("group.") else f"metric_{name}"
    return Phrase(key) if key in words("en", WORDS) else given(name.removeprefix("group."))


def place(epoch: int | str, dataset: str | None) -> Phrase:
    """Where a number was measured, if that has to be said."""
    of_epoch = NOTHING if epoch == "kept" else phrase("in_epoch", epoch=epoch)
    return phrase(
        "place", epoch=of_epoch, dataset=phrase("on_dataset", dataset=dataset) if dataset else ""
    )


def number(value: float, unit: str) -> str:
    """A number without its unit: shares in percent, counts of parameters in millions.

    Parameters
    ----------
    value
        A share of "%" or "points" is a fraction.
    unit
        As `Outcome` has it.
    """
    if unit in ("%", "points"):
        # 6.255 points are held as a little less or more: such halves are rounded away from 0
        text = f"{100 * value * (1 + 1e-12):.2f}".rstrip("0").rstrip(".")
    elif MILLION <= abs(value) < inf:
        text = f"{value / MILLION:.4g} M"
    else:
        text = f"{value:.4g}"
    return text.replace("-", "−") if text != "-0" else "0"


def unit_of(unit: str) -> Phrase:
    """A unit after a number; nothing where it has none."""
    return phrase(f"unit_{unit}") if f"unit_{unit}" in words("en", WORDS) else NOTHING


def _said(fact: Any, language: str, comma: str) -> Any:
    if isinstance(fact, Phrase):
        return fact.text(language)
    if isinstance(fact, (list, tuple)):
        return comma.join(str(_said(each, language, comma)) for each in fact)
    return fact
