"""Script of the rules predict_ensemble and predict_ensemble_dev."""

from finetone.script import Job

job = Job(snakemake)

from finetone.baselines.ensemble import predict

predict(job.wildcards.method, job.inputs["predictions"], job.target, job.provenance)
