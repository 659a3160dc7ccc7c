"""Door of the rule predict_baseline."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.models import baselines

data, run = Path(snakemake.input.data), snakemake.input.run
files.unchanged(run, {"model": files.read_json(run)["checkpoint"]})
baselines.predict(
    Path(snakemake.input.model),
    test=files.split_of(data, "test"),
    manifest=data / "manifest.json",
    dataset=snakemake.wildcards.dataset,
    method=snakemake.wildcards.method,
    seed=int(snakemake.wildcards.seed),
    threads=snakemake.threads,
    target=Path(snakemake.output[0]),
)
