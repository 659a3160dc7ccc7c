"""How methods look: one title, one colour and one marker each, the same in every picture."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetone.plots.drawing.fitting import one_line

# Eight colours found by maximising the smallest OKLab distance between any two of them, in normal
# vision and under simulated deuteranopia, protanopia and tritanopia (Machado et al. 2009), among
# colours with a contrast of at least 2.7 : 1 to white. A test measures both properties again.
PALETTE = ("#004bd9", "#9f2b03", "#07916a", "#ec5bb7", "#8ea80b", "#0ba4ff", "#311d74", "#6d4783")
MORE = ("#7a5c00", "#b00058", "#4f6d7a", "#5a3e2b")  # where more methods have no families
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "p")

INK = "#20262d"
MUTED = "#68727d"
RULE = "#b9c0c7"
GRID = "#e7eaed"
LOSS = "#1f4fc4"  # the original study's left axis
ACCURACY = "#c4252c"  # and its right axis


@dataclass(frozen=True)
class Style:
    """How methods look and are called; changing it only redraws pictures.

    Attributes
    ----------
    titles, colours
        By method; where missing, its name and a default colour.
    order
        The methods of the experiment, up to the last one shown. It decides default colours and
        markers, so that a method looks the same in the picture of some methods as in that of
        all.
    families
        Of the methods in `order`, where there are more methods than colours: those of a family
        have one colour and differ by their marks. "" has none, and is grey.
    dataset_titles
        By dataset.
    language
        Of the labels.
    """

    titles: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    order: Sequence[str] = ()
    dataset_titles: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    families: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        methods: Iterable[str] | None = None,
        datasets: Iterable[str] | None = None,
    ) -> "Style":
        """The style of a picture, from the checked configuration of its experiment.

        Parameters
        ----------
        config
            The checked configuration.
        methods, datasets
            Those that the picture shows; all if not given. It holds nothing about any other, so
            that a new title or colour redraws only where it can be seen.
        """
        entries = {**config["models"], **config.get("baselines", {})}
        order = list(entries)
        shown = order if methods is None else list(methods)
        titled = config["datasets"] if datasets is None else datasets
        known = order[: max(map(order.index, shown), default=-1) + 1]
        sizes = Counter(map(_family, entries.values()))
        # else colours do, or colours and marks would not tell all apart
        by_family = len(order) > len(PALETTE) >= len({*sizes} - {""}) > 1
        by_family = by_family and max(sizes.values()) <= len(MARKERS)
        return cls(
            titles={name: entries[name].get("title", name) for name in shown},
            colours={name: entries[name]["colour"] for name in shown if "colour" in entries[name]},
            order=known,
            families={name: _family(entries[name]) for name in known} if by_family else {},
            dataset_titles={name: config["datasets"][name].get("title", name) for name in titled},
            language=config.get("report", {}).get("language", "en"),
        )

    def title(self, method: str) -> str:
        """Title of a method, on one line."""
        return one_line(self.titles.get(method, "")) or method

    def dataset(self, name: str) -> str:
        """Title of a dataset, on one line."""
        return one_line(self.dataset_titles.get(name, "")) or name

    def colour(self, method: str) -> str:
        """Colour of a method, as "#rrggbb"."""
        if method in self.colours:
            return self.colours[method].lower()
        if method not in self.families:
            colours = PALETTE + MORE
            return colours[self._place(method) % len(colours)]
        named = [name for name in dict.fromkeys(self.families.values()) if name]
        own = self.families[method]
        return PALETTE[named.index(own)] if own else MUTED

    def marker(self, method: str) -> str:
        """Marker of a method, for matplotlib."""
        if method in self.families:
            own = self.families[method]
            family = [name for name, other in self.families.items() if other == own]
            return MARKERS[family.index(method)]
        place = self._place(method)
        # markers are shifted after each round of colours, so that no pair (colour, marker) repeats
        return MARKERS[(place + 3 * (place // len(PALETTE))) % len(MARKERS)]

    def sorted(self, methods: Sequence[str]) -> list[str]:
        """Methods in the experiment's order; unknown ones last, by name."""
        return sorted(set(methods), key=lambda method: (self._place(method), method))

    def _place(self, method: str) -> int:
        order = list(self.order)
        return order.index(method) if method in order else len(order)


def _family(entry: Mapping[str, Any]) -> str:
    """The family of a method; methods without one have "" in common."""
    return str(entry.get("group", {}).get("family", ""))


def shade(colour: str) -> str:
    """Darken a colour ("#rrggbb") towards ink, for small text."""
    parts = ((int(c[i : i + 2], 16) for c in (colour, INK)) for i in (1, 3, 5))
    return "#" + "".join(f"{(own + ink) // 2:02x}" for own, ink in parts)
