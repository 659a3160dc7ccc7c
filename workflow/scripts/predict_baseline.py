"""Script of the rules predict_baseline and predict_baseline_dev."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.baselines.fit_predict import predict
from finetone.formats import run_record
from finetone.provenance import Provenance

data = Path(snakemake.input.data)
split = snakemake.params.get("split", "test")
run_record.check(Path(snakemake.input.run), "model")
predict(
    Path(snakemake.input.model),
    rows=files.split_of(data, split),
    manifest=data / "manifest.json",
    dataset=data.name,
    method=snakemake.wildcards.method,
    seed=int(snakemake.wildcards.seed),
    threads=snakemake.threads,
    target=Path(snakemake.output[0]),
    split=split,
    provenance=Provenance.of_job(snakemake.params.settings, snakemake.input),
)
