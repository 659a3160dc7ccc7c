"""Script of the rule download_model."""

import json

from finetone.script import Job

job = Job(snakemake)

from finetone.models.prepare import prepare

prepare(
    job.wildcards.model,
    json.loads(job.params.block),
    job.target,
    wheels=job.inputs.get("wheels", ()),
    like=job.inputs.get("like"),
    labels=job.settings["classes"],
    provenance=job.provenance,
)
