"""Script of every table: calls `table` of its module in finetone.tables with the rule's own names."""

from finetone.script import Job, by_run

job = Job(snakemake)

from finetone import files
from finetone.identity import without
from finetone.provenance import record_csv
from finetone.tables import write_table

inputs = job.inputs
if "histories" in inputs:
    inputs["histories"] = by_run(inputs["histories"])
if "texts" in inputs:  # data/<dataset>
    inputs["texts"] = {path.name: files.tested_split(path) for path in inputs["texts"]}
settings = without(job.settings, "format")
write_table(job.params.table, list(job.outputs.values()), **inputs, **settings)
for name, table in job.outputs.items():  # one of two tables may have its own record
    given = job.params.get(name)
    record_csv(table, job.provenance_of(given) if given else job.provenance)
