"""The kinds of methods beside fine-tuned models.

Importing this module imports none of them: the light kinds must work without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from finetone.baselines.baseline import Baseline


class Kind(NamedTuple):
    path: str  # of the class, in this package; "" if nothing is learned
    seeded: bool = False  # draws random numbers: one run per seed; all others have seed 0
    frozen: bool = False  # reads texts with a frozen model, which embeds them in jobs of its own
    averages: bool = False  # is made of the runs of another method
    has_loss: bool = False  # minimises a loss: class_weights and label_smoothing are for it, too
    tries: str = ""  # its key of which `tune:` tries values; a seeded one tries those of a training


KINDS = {
    "majority": Kind("majority.Majority"),
    "lexicon": Kind("lexicon.Lexicon"),
    "tfidf": Kind("tfidf.TfIdf", has_loss=True, tries="C"),
    "bilstm": Kind("bilstm.BiLSTM", seeded=True, has_loss=True),
    "textcnn": Kind("textcnn.TextCNN", seeded=True, has_loss=True),
    "probe": Kind("probe.Probe", frozen=True, has_loss=True),
    "ensemble": Kind("", averages=True),
}


def baseline(kind: str) -> "type[Baseline]":
    """The class of a kind, imported when it is needed."""
    module, name = KINDS[kind].path.split(".")
    found: Any = getattr(import_module(f"finetone.baselines.{module}"), name)
    return found
