"""Script of the rule predict_baseline."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.baselines.fit_predict import predict
from finetone.formats import run_record
from finetone.provenance import Provenance

data = Path(snakemake.input.data)
run_record.check(Path(snakemake.input.run), "model")
predict(
    Path(snakemake.input.model),
    test=files.split_of(data, "test"),
    manifest=data / "manifest.json",
    dataset=snakemake.wildcards.dataset,
    method=snakemake.wildcards.method,
    seed=int(snakemake.wildcards.seed),
    threads=snakemake.threads,
    target=Path(snakemake.output[0]),
    provenance=Provenance.of_job(snakemake.params.settings, snakemake.input),
)
