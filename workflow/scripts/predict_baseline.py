"""Door of the rule predict_baseline."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.models import baselines

data = Path(snakemake.input.data)
baselines.predict(
    Path(snakemake.input.model),
    test=data / "test.parquet",
    manifest=data / "manifest.json",
    dataset=snakemake.wildcards.dataset,
    method=snakemake.wildcards.method,
    seed=int(snakemake.wildcards.seed),
    threads=snakemake.threads,
    target=Path(snakemake.output[0]),
)
