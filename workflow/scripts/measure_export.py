"""Script of the rule measure_export."""

from finetone.script import Job

job = Job(snakemake)

from finetone.exporting.measure import measure

targets = {form: job.outputs[form] for form in ("fp32", "int8")}
measure(
    job.inputs["exported"],
    job.inputs["checkpoint"],
    job.inputs["tokens"],
    targets,
    job.outputs["speed"],
    threads=min(job.threads, job.params.threads),  # it may hold more than it uses
    provenance={
        "fp32": job.provenance,
        "int8": job.provenance_of(job.params.int8),
        "speed": job.provenance_of(job.params.speed),
    },
)
