"""Script of the rule embed."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.engine.embed import embed

model = job.inputs["model"]
files.check_folder(model)
embed(
    model,
    job.inputs["tokens"],
    job.settings["pooling"],
    engine=job.settings["engine"],
    threads=job.threads,
    target=job.target,
    provenance=job.provenance,
)
