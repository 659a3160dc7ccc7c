"""Door of every figure: calls `finetone.plots.<module>.draw_<figure>` with the rule's own names."""

from importlib import import_module
from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.plots.style import Style

params = dict(snakemake.params.items())
draw = getattr(
    import_module(f"finetone.plots.{params.pop('module')}"), f"draw_{params.pop('figure')}"
)
style = Style(**params.pop("style"))
inputs = {
    name: Path(value) if isinstance(value, str) else [Path(v) for v in value]
    for name, value in snakemake.input.items()
}
draw(**inputs, **params, style=style, target=Path(snakemake.output[0]))
