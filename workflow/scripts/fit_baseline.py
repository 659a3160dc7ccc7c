"""Door of the rules fit_baseline and train_network."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.models import baselines

data = Path(snakemake.input.data)
run = Path(snakemake.output.run)
history = snakemake.output.get("history")
baselines.fit(
    snakemake.wildcards.method,
    snakemake.params.block,
    train=files.split_of(data, "train"),
    manifest=data / "manifest.json",
    max_length=snakemake.params.max_length,
    seed=int(snakemake.wildcards.seed),
    threads=snakemake.threads,
    engine=snakemake.params.get("engine", {}),
    model=Path(snakemake.output.model),
    run=run,
    history=Path(history) if history else None,
    state=run.parent / "state",
)
