"""Script of the rules fit_baseline, train_network, fit_probe, and of the same on a subset."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.baselines.fit_predict import fit
from finetone.identity import without
from finetone.tuning.choosing import chosen

data = job.inputs["data"]
tuned = chosen(job.optional("tuned"))
fit(
    job.wildcards.method,
    without(job.settings, "max_length", "engine", "tuned") | tuned,
    train=files.split_of(data, "train"),
    manifest=data / "manifest.json",
    max_length=job.settings.get("max_length", 0),  # networks alone have one
    seed=job.seed,
    threads=job.threads,
    engine=job.settings.get("engine", {}),
    run=job.outputs["run"],
    embeddings=job.inputs.get("embeddings"),
    encoder=job.inputs.get("encoder"),
    rows=job.inputs.get("rows"),
    tuned=tuned,
    provenance=job.provenance,
)
