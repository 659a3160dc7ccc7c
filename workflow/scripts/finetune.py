"""Script of the rule finetune."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.engine.finetune import RunIdentity, RunPaths, finetune
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.provenance import Provenance

run = Path(snakemake.output.run)
model = Path(snakemake.input.model)
files.check_folder(model)
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
settings = provenance.settings
finetune(
    model,
    Path(snakemake.input.train),
    RunPaths(
        history=Path(snakemake.output.history),
        run=run,
        checkpoint=Path(snakemake.output.checkpoint),
        epochs=Path(snakemake.output.epochs),
        state=run.parent / "state",
    ),
    RunIdentity(
        method=snakemake.wildcards.model,
        seed=int(snakemake.wildcards.seed),
        dataset=settings["dataset"],
        made_from={
            "train": files.sha256(snakemake.input.train),
            "model": files.sha256(model / "manifest.json"),
        },
        provenance=provenance,
    ),
    dev=Path(snakemake.input.dev[0]) if snakemake.input.dev else None,
    recipe=Recipe.of(settings["recipe"]),
    options=EngineOptions.of(settings["engine"]),
    threads=snakemake.threads,
)
