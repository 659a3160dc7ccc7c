"""Script of the rule gather_ensemble."""

from finetone.script import Job

job = Job(snakemake)

from finetone.baselines.ensemble import gather

gather(job.wildcards.method, job.inputs["runs"], job.outputs["run"], job.provenance)
