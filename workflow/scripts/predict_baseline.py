"""Script of predict_baseline and predict_probe, and of the same for dev rows, folds and curves."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.baselines.fit_predict import predict
from finetone.formats import run_record

data, split = job.inputs["data"], job.params.get("split", "test")
run_record.check(job.inputs["run"], "model")
predict(
    job.inputs["model"],
    rows=files.split_of(data, split),
    manifest=data / "manifest.json",
    dataset=data.name,
    method=job.wildcards.method,
    seed=job.seed,
    threads=job.threads,
    target=job.target,
    split=split,
    embeddings=job.inputs.get("embeddings"),
    held_out_by=job.inputs.get("rows"),
    provenance=job.provenance,
)
