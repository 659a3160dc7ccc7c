"""Script of every figure: calls `draw_<figure>` of `finetone.plots` with the rule's own names."""

from importlib import import_module

from finetone.script import Job, by_run

job = Job(snakemake)

from finetone.identity import without
from finetone.plots import MODULES
from finetone.plots.drawing.style import Style
from finetone.provenance import seal

figure = job.params.figure
draw = getattr(import_module(f"finetone.plots.{MODULES[figure]}"), f"draw_{figure}")
style = Style(**job.settings["style"])
inputs = job.inputs
if figure == "learning":  # of several methods
    inputs["histories"] = by_run(inputs["histories"])
draw(**inputs, **without(job.settings, "style"), style=style, target=job.target)
seal(job.target, job.provenance)
