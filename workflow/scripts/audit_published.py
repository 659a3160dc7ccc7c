"""Script of the rule audit_published."""

from finetone.script import Job

job = Job(snakemake)

from finetone.provenance import record_csv
from finetone.published.table_audit import audit_table

table = job.outputs["csv"]
audit_table(job.published(), job.outputs["json"], table, job.provenance)
record_csv(table, job.provenance_of(job.params.csv))
