"""Script of the rule fit_temperature."""

from finetone.script import Job

job = Job(snakemake)

from finetone.tuning.calibrate import fit_temperature

fit_temperature(job.inputs["dev"], job.target, job.provenance)
