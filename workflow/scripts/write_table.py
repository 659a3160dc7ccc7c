"""Script of every table: calls `table` of its module in finetone.tables with the rule's own names."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.identity import without
from finetone.provenance import Provenance, record_csv
from finetone.tables import write_table

inputs = {
    name: Path(value) if isinstance(value, str) else [Path(v) for v in value]
    for name, value in snakemake.input.items()
}
if "histories" in inputs:  # runs/<method>/seed<k>/history.parquet
    inputs["histories"] = {
        (path.parts[-3], int(path.parts[-2].removeprefix("seed"))): path
        for path in inputs["histories"]
    }
if "texts" in inputs:  # data/<dataset>
    inputs["texts"] = {path.name: files.split_of(path, "test") for path in inputs["texts"]}
outputs = {name: Path(value) for name, value in snakemake.output.items()}
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
settings = without(provenance.settings, "format")
write_table(snakemake.params.table, list(outputs.values()), **inputs, **settings)
for name, table in outputs.items():  # one of two tables may have its own record
    given = snakemake.params.get(name)
    record_csv(table, Provenance.of_job(given, snakemake.input) if given else provenance)
