"""Script of every figure: calls `draw_<figure>` of `finetone.plots` with the rule's own names."""

from importlib import import_module
from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.plots import MODULES
from finetone.plots.style import Style
from finetone.provenance import Provenance, seal

figure = snakemake.params.figure
draw = getattr(import_module(f"finetone.plots.{MODULES[figure]}"), f"draw_{figure}")
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
settings = {**provenance.settings}
style = Style(**settings.pop("style"))
inputs = {
    name: Path(value) if isinstance(value, str) else [Path(v) for v in value]
    for name, value in snakemake.input.items()
}
target = Path(snakemake.output[0])
draw(**inputs, **settings, style=style, target=target)
seal(target, provenance)
