"""One thing to check: how grave it is, its number, the key that changes it, and its sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from finetone.plots.drawing.language import words
from finetone.plots.drawing.style import Style

NAMED = 3  # methods before "and n more"


@dataclass(frozen=True)
class Check:
    """Something that a reader of the results should know first.

    Attributes
    ----------
    name
        Of the check, and of its sentence in words/<language>.yaml.
    level
        A `warning` may change the answer; a `note` is worth knowing.
    number
        What was found: a share, a count, a difference.
    config_key
        The key of the configuration that changes it; "" if there is none.
    facts
        What the sentence says, formatted.
    methods
        That it is about, the most affected first; the sentence has them as {methods}.
    dataset
        That it is about; the sentence has it as {dataset}.
    """

    name: str
    level: Literal["warning", "note"]
    number: float
    config_key: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    methods: Sequence[str] = ()
    dataset: str = ""

    def sentence(self, language: str, style: Style | None = None) -> str:
        """The sentence in a language, with methods and datasets as `style` calls them."""
        labels, style = words(Path(__file__).parent / "words", language), style or Style()
        names = [style.title(method) for method in self.methods[:NAMED]]
        more = len(self.methods) - NAMED
        listed = labels["comma"].join(names) + (labels["more"].format(n=more) if more > 0 else "")
        facts = {key: text.replace(" %", labels["percent"]) for key, text in self.facts.items()}
        if "split" in facts:
            facts["split"] = labels[f"split_{facts['split']}"]
        return labels[self.name].format(
            **facts, methods=listed, dataset=style.dataset(self.dataset)
        )
