"""Script of the rule time_export."""

from finetone.script import Job

job = Job(snakemake)

from finetone.exporting.measure import time_forms

time_forms(
    job.inputs["exported"],
    job.inputs["checkpoint"],
    job.inputs["tokens"],
    job.target,
    threads=min(job.threads, job.params.threads),  # it may hold more than it uses
    provenance=job.provenance,
)
