"""Script of the rule finetune."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.engine.finetune import finetune
from finetone.provenance import Provenance

run = Path(snakemake.output.run)
model = Path(snakemake.input.model)
files.check_folder(model)
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
settings = provenance.settings
finetune(
    model,
    Path(snakemake.input.train),
    dev=Path(snakemake.input.dev[0]) if snakemake.input.dev else None,
    recipe=settings["recipe"],
    engine=settings["engine"],
    seed=int(snakemake.wildcards.seed),
    method=snakemake.wildcards.model,
    dataset=settings["dataset"],
    history=Path(snakemake.output.history),
    run=run,
    checkpoint=Path(snakemake.output.checkpoint),
    epochs=Path(snakemake.output.epochs),
    state=run.parent / "state",
    threads=snakemake.threads,
    made_from={
        "train": files.sha256(snakemake.input.train),
        "model": files.sha256(model / "manifest.json"),
    },
    provenance=provenance,
)
