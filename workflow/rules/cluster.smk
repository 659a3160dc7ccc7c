"""A cluster: no job requests more than its nodes give, and what Slurm says of a job is shown."""

from pathlib import Path

from snakemake.logging import logger

from finetone import attempts
from finetone.scheduling import nodes, slurm


def requests(attempts):
    """What each job to come requests of a cluster, at each of its attempts.

    The steps of one job run one after the other: the profile counts one `step` at a time.
    """
    jobs = {}
    for job in our_jobs():
        if job.rule.name not in workflow._localrules and not job.rule.norun:
            jobs.setdefault(workflow.dag.get_job_group(job) or job, []).append(job)
    for steps in jobs.values():
        for attempt in range(1, attempts + 1):
            found = []
            for job in steps:
                job.attempt = attempt
                found.append({**job.resources, "threads": job.threads})
                job.attempt = 1
            together = {key: value for step in found for key, value in step.items()}
            for key in ("mem_mb", "threads", "gpu"):
                together[key] = max(step.get(key, 0) for step in found)
            yield together | {"runtime": sum(step.get("runtime", 0) for step in found)}


def fit_to_cluster(attempts):
    """Have no job request more than a node gives; what cannot run is an error, before any is sent.

    Returns what nodes give, and the requests that differ.
    """
    partitions = {request.get("slurm_partition") for request in requests(1)}
    SIZES.nodes, SIZES.running = nodes.of_partitions(partitions or {None}), True
    SIZES.refuse()
    for each in our_rules():
        for key, most in (("_cores", SIZES.nodes.threads), ("gpu", SIZES.nodes.gpus)):
            amount = each.resources.get(key)
            if not amount.is_evaluable() and (amount.value or 0) > most:
                each.resources[key] = most
    return SIZES.nodes, nodes.refuse_requests(requests(attempts))


def show_rejections(executor):
    """Have a job that Slurm does not take say so in Slurm's words; of a group Snakemake tells none."""

    def report_job_error(job_info, msg=None, handle=executor.report_job_error, **named):
        job = job_info.job
        reason, final = slurm.rejection(msg)
        if reason:
            logger.error(f"Slurm rejects the job of {job.name}: {reason}")
        if final:
            for log in job.log:
                attempts.refuse(Path(log))
        handle(job_info, msg=msg, **named)

    executor.report_job_error = report_job_error
