"""Script of the rule results."""

from finetone.script import Job

job = Job(snakemake)

from finetone.report.results_json import write_results

write_results(
    {table.stem: table for table in job.inputs["tables"]},
    manifests=[data / "manifest.json" for data in job.inputs["data"]],
    runs=job.inputs["runs"],
    target=job.target,
    audit=job.optional("audit"),
    **job.settings,
    provenance=job.provenance,
)
