"""Script of the rule audit_published."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.identity import files_in, refuse_changed
from finetone.provenance import Provenance, record_csv
from finetone.published.table_audit import audit_table

folder, table = Path(snakemake.params.folder), Path(snakemake.output.csv)
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
refuse_changed(files_in(folder), provenance.settings["content"])
audit_table(folder, Path(snakemake.output.json), table, provenance)
record_csv(table, Provenance.of_job(snakemake.params.csv, snakemake.input))
