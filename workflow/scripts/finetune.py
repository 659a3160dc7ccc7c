"""Door of the rule finetune."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.engine.finetune import finetune

run = Path(snakemake.output.run)
model = Path(snakemake.input.model)
files.unchanged(model / "manifest.json", files.read_json(model / "manifest.json")["files"])
finetune(
    model,
    Path(snakemake.input.train),
    dev=Path(snakemake.input.dev[0]) if snakemake.input.dev else None,
    recipe=snakemake.params.recipe,
    engine=snakemake.params.engine,
    seed=int(snakemake.wildcards.seed),
    method=snakemake.wildcards.model,
    dataset=snakemake.params.dataset,
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
)
