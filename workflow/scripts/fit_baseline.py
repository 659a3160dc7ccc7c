"""Script of the rules fit_baseline, train_network and fit_probe."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.baselines.fit_predict import fit
from finetone.identity import without

data = job.inputs["data"]
fit(
    job.wildcards.method,
    without(job.settings, "max_length", "engine"),
    train=files.split_of(data, "train"),
    manifest=data / "manifest.json",
    max_length=job.settings.get("max_length", 0),  # networks alone have one
    seed=job.seed,
    threads=job.threads,
    engine=job.settings.get("engine", {}),
    run=job.outputs["run"],
    embeddings=job.inputs.get("embeddings"),
    encoder=job.inputs.get("encoder"),
    provenance=job.provenance,
)
