"""Script of the rule audit_published."""

from pathlib import Path

from finetone.script import Job

job = Job(snakemake)

from finetone.identity import files_in, refuse_changed
from finetone.provenance import record_csv
from finetone.published.table_audit import audit_table

folder, table = Path(job.params.folder), job.outputs["csv"]
refuse_changed(files_in(folder), job.settings["content"])
audit_table(folder, job.outputs["json"], table, job.provenance)
record_csv(table, job.provenance_of(job.params.csv))
