"""Script of the rule speed."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.engine.speed import measure

model, tokens = job.inputs["model"], job.inputs["tokens"]
files.check_folder(model)
measure(
    model,
    tokens,
    batch_size=job.settings["batch_size"],
    engine=job.settings["engine"],
    threads=job.threads,
    method=job.wildcards.model,
    target=job.target,
    made_from={"tokens": files.sha256(tokens), "model": files.sha256(model / "manifest.json")},
    provenance=job.provenance,
)
