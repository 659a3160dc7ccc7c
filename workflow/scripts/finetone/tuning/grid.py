"""Which settings each method tries: as many as every other, so that none wins by more tries.

A setting is tried on the dev split with one seed, before the seeds of the experiment run at the best
one. Models try the values of `tune:`. Methods whose scale is another try values around their own:
networks of the learning rate, TF-IDF of `C`. Where an entry gives `tune:` itself, it tries those.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from finetone.baselines.registry import KINDS

KEYS = ("epochs", "learning_rate", "batch_size")  # of a training, in the order of preference
FOLDER = "tuning"
STEP = 10**0.5  # between values around one's own
Values = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """One combination of values that a method tries.

    Attributes
    ----------
    name
        Of its folder: it holds the values, so that another value more renames none.
    values
        {key of the method's recipe, or of its entry: value}.
    epochs
        Of its training; 1 where a method has none.
    """

    name: str
    values: Values
    epochs: int

    @property
    def rungs(self) -> list[int]:
        """The epochs after which successive halving decides, before the last: 1, 2, 4 …"""
        return [2**power for power in range(self.epochs.bit_length()) if 2**power < self.epochs]


class Tuning:
    """What an experiment tries.

    Parameters
    ----------
    config
        A checked configuration.

    Attributes
    ----------
    settings
        {method: {name: setting}}, in the order in which the first of equally good ones is chosen;
        empty where nothing is tuned.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        block = config.get("tune", {})
        self.settings: dict[str, dict[str, Setting]] = {}
        self.seed: int = block.get("seed", 0)
        self.rows: float | None = block.get("rows")
        self.halving: bool = block.get("halving", False)
        for method in tunable(config) if block else ():
            tried = [_setting(config, method, values) for values in grid(config, method)]
            self.settings[method] = {setting.name: setting for setting in tried}

    def __bool__(self) -> bool:
        return bool(self.settings)

    def keys(self, method: str) -> list[str]:
        """The keys whose values are chosen for a method; none where it is not tuned."""
        tried = self.settings.get(method, {})
        return list(next(iter(tried.values())).values) if tried else []

    def stages(self, setting: Setting) -> list[int]:
        """The epochs up to which a setting is trained in turn, each in a job of its own."""
        return [*(setting.rungs if self.halving else []), setting.epochs]

    def trials(self, method: str, epoch: int | None = None) -> list[str]:
        """The files of all trials of a method after an epoch, or their last if they have fewer."""
        return [
            f"{FOLDER}/{method}/{name}/epoch{min(epoch or setting.epochs, setting.epochs)}.json"
            for name, setting in self.settings[method].items()
        ]

    def before(self, method: str, name: str, epoch: int) -> tuple[list[str], list[str]]:
        """What a stage up to `epoch` goes on from: the trial, and the decision; or none, and none."""
        rungs = [rung for rung in self.stages(self.settings[method][name]) if rung < epoch]
        folder = f"{FOLDER}/{method}/{name}"
        last = rungs[-1:]
        return (
            [f"{folder}/epoch{rung}.json" for rung in last],
            [f"{folder}/promoted{rung}.json" for rung in last],
        )

    def choice(self, method: str, *keys: str) -> list[str]:
        """The file with what was chosen for a method; none where no key, or none of `keys`, is."""
        tuned = set(self.keys(method))
        return [f"{FOLDER}/{method}.json"] if tuned and tuned & set(keys or tuned) else []

    @property
    def subsets(self) -> dict[str, Values]:
        """The row subset that trials learn from, by its name; none where they learn from all rows."""
        return {"tuning": {"rows": self.rows, "seed": self.seed}} if self and self.rows else {}


def is_decision(artifact: str) -> bool:
    """Whether an artifact counts by what it says, which is known only when it has been made."""
    folder, *rest = artifact.split("/")
    return folder == FOLDER and (len(rest) == 1 or rest[-1].startswith("promoted"))


def tunable(config: Mapping[str, Any]) -> list[str]:
    """The methods that have something to tune on the dev split."""
    tuned = [name for name, entry in config["baselines"].items() if keys_of(entry["kind"])]
    return [*config["models"], *tuned]


def keys_of(kind: str) -> tuple[str, ...]:
    """The keys that a kind of baseline can try values of."""
    about = KINDS[kind]
    return KEYS if about.seeded else (about.tries,) if about.tries else ()


def grid(config: Mapping[str, Any], method: str) -> Iterator[Values]:
    """All combinations of values that a method tries."""
    block = config["tune"]
    shared = {key: block[key] for key in KEYS if key in block}
    entry = {**config["models"], **config["baselines"]}[method]
    own = entry.get("tune", {})
    if method in config["models"]:
        values = shared | own
    elif key := KINDS[entry["kind"]].tries:
        number = prod(len(values) for values in shared.values())
        values = own or {key: around(entry[key], number)}
    else:
        if "learning_rate" in shared:
            several = around(entry["learning_rate"], len(shared["learning_rate"]))
            shared |= {"learning_rate": several}
        values = shared | own
    ordered = {key: sorted(values[key]) for key in dict.fromkeys([*KEYS, *values]) if key in values}
    for combination in product(*ordered.values()):
        yield dict(zip(ordered, combination, strict=True))


def around(value: float, number: int) -> list[float]:
    """So many values around one: it, √10 times it, a √10th of it, 10 times it …

    One more is one more: the others stay.
    """
    powers = [(place + 1) // 2 * (1 if place % 2 else -1) for place in range(number)]
    return [float(f"{value * STEP**power:.3g}") for power in powers]


def _setting(config: Mapping[str, Any], method: str, values: Values) -> Setting:
    name = "-".join(f"{key}{value}" for key, value in values.items())
    if method in config["models"]:
        usual = {**config["recipe"], **config["models"][method].get("recipe", {})}
    else:
        usual = config["baselines"][method]
    return Setting(name, values, values.get("epochs", usual.get("epochs", 1)))
