"""Script of the rule download_dataset."""

import json

from finetone.script import Job

job = Job(snakemake)

from finetone.data.download import prepare

prepare(
    job.wildcards.dataset,
    json.loads(job.params.block),
    job.target,
    wheel=job.inputs.get("wheel"),
    provenance=job.provenance,
)
