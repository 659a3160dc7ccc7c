"""How much memory a training needs at least, so that what cannot end well is not begun."""

from collections.abc import Iterable
from dataclasses import dataclass

from finetone.config import catalogue
from finetone.errors import UserError, listed

PER_PARAMETER = 16  # bytes: fp32 weight, gradient, and AdamW's two moments
PER_UNTRAINED = 4  # bytes: the weight alone
# Bytes per token, layer and unit of width that backward needs, in 16-bit and without the matrix of
# attention, which is computed anew (Korthikanti et al. 2022, Reducing Activation Recomputation in
# Large Transformer Models, eq. 1 and sec. 4.1).
PER_ACTIVATION = 34
SUGGESTED = 3  # models that would fit, in an error


@dataclass(frozen=True)
class Size:
    """What decides the memory of a training: parameters, layers and their width.

    `untrained` parameters may be left out of it: lookup tables, of which the engine trains only the
    rows of tokens that occur.
    """

    parameters: int
    layers: int
    hidden: int
    untrained: int = 0

    def bytes(self, tokens: int) -> int:
        """Least memory of a training step, in bytes, that reads so many tokens at once."""
        trained = self.parameters - self.untrained
        weights = PER_PARAMETER * trained + PER_UNTRAINED * self.untrained
        return weights + PER_ACTIVATION * tokens * self.layers * self.hidden


def size_of(entry: catalogue.Entry) -> Size:
    """The size of a model of the catalogue."""
    group = entry.block["group"]
    return Size(entry.parameters, group["layers"], group["hidden"])


def fitting(memory: int, tokens: int) -> Iterable[str]:
    """Names of the catalogue's models that `memory` bytes suffice for, the largest first."""
    models = catalogue.load().items()
    ordered = sorted(models, key=lambda item: -item[1].parameters)
    return (name for name, entry in ordered if size_of(entry).bytes(tokens) <= memory)


def refuse_large(name: str, size: Size, tokens: int, memory: int, device: str) -> None:
    """Check that a model can be trained in the memory of a device.

    Parameters
    ----------
    name
        Of the model.
    size
        Of the model.
    tokens
        That a step reads at once, at least.
    memory
        All that the device has, in bytes.
    device
        What it is called.

    Raises
    ------
    UserError
        Even the least that training takes is more; names models that would fit.
    """
    if (need := size.bytes(tokens)) <= memory:
        return
    others = list(fitting(memory, tokens))[:SUGGESTED]
    hint = f"smaller ones fit, such as {listed(others)}" if others else "use a larger machine"
    raise UserError(
        f"models.{name}: training its {size.parameters / 1e6:,.0f} million parameters takes at least "
        f"{need / 1e9:.1f} GB, but {device} has {memory / 1e9:.1f}; {hint} (finetone models)"
    )
