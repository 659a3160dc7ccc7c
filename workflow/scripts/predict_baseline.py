"""Script of the rule predict_baseline."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.baselines.fit_predict import predict
from finetone.formats import run_record

data = job.inputs["data"]
run_record.check(job.inputs["run"], "model")
predict(
    job.inputs["model"],
    test=files.split_of(data, "test"),
    manifest=data / "manifest.json",
    dataset=job.wildcards.dataset,
    method=job.wildcards.method,
    seed=job.seed,
    threads=job.threads,
    target=job.target,
    provenance=job.provenance,
)
