"""Script of the rules fit_baseline and train_network."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.baselines.fit_predict import fit
from finetone.identity import without
from finetone.provenance import Provenance

data = Path(snakemake.input.data)
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
fit(
    snakemake.wildcards.method,
    without(provenance.settings, "max_length", "engine"),
    train=files.split_of(data, "train"),
    manifest=data / "manifest.json",
    max_length=provenance.settings.get("max_length", 0),  # networks alone have one
    seed=int(snakemake.wildcards.seed),
    threads=snakemake.threads,
    engine=provenance.settings.get("engine", {}),
    run=Path(snakemake.output.run),
    provenance=provenance,
)
