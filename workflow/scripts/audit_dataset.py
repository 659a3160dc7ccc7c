"""Script of the rule audit_dataset."""

from finetone.script import Job

job = Job(snakemake)

from finetone.data.audit import audit_dataset

audit_dataset(job.inputs["data"] / "manifest.json", job.target, job.provenance)
