"""Script of the rules promote_trial and choose_setting."""

from finetone.script import Job

job = Job(snakemake)

from finetone.tuning.choosing import choose, promote

trials, settings = job.inputs["trials"], job.settings
if trial := job.wildcards.get("trial"):
    rung = int(job.wildcards.epoch)
    promote(trial, trials, settings["metric"], rung, job.target, job.provenance)
else:
    choose(
        job.wildcards.method,
        trials,
        settings["metric"],
        job.target,
        best_epoch=settings["best_epoch"],
        provenance=job.provenance,
    )
