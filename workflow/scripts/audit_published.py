"""Door of the rule audit_published."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.compare.published import audit_table

audit_table(Path(snakemake.params.folder), Path(snakemake.output.json), Path(snakemake.output.csv))
