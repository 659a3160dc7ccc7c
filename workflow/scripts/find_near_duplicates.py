"""Script of the rule near_duplicates."""

from finetone.script import Job

job = Job(snakemake)

from finetone.data.near_duplicates import find

within_train = job.settings.get("within_train", False)
find(job.inputs["data"], job.target, within_train, job.provenance)
