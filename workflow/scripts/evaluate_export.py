"""Script of the rule evaluate_export."""

from finetone.script import Job

job = Job(snakemake)

from finetone.exporting.measure import evaluate

evaluate(
    job.inputs["exported"],
    job.wildcards.form,
    job.inputs["run"],
    job.inputs["tokens"],
    job.target,
    threads=job.threads,
    provenance=job.provenance,
)
