"""Script of the rule download_dataset."""

import json

from finetone.script import Job

job = Job(snakemake)

from finetone.data.download import prepare

prepare(
    job.wildcards.dataset,
    json.loads(job.params.block),
    job.target,
    wheels=job.inputs.get("wheels", ()),
    provenance=job.provenance,
)
