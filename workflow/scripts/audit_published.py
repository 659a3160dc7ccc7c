"""Door of the rule audit_published."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.compare.published import audit_table
from finetone.provenance import Provenance, record_csv

table = Path(snakemake.output.csv)
audit_table(
    Path(snakemake.params.folder),
    Path(snakemake.output.json),
    table,
    Provenance.of_job(snakemake.params.settings, snakemake.input),
)
record_csv(table, Provenance.of_job(snakemake.params.csv, snakemake.input))
