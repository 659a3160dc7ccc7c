"""Door of every table: calls `finetone.compare.tables.write_<table>` with the rule's own names."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.compare import tables

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
    inputs["texts"] = {path.name: path / "test.parquet" for path in inputs["texts"]}
outputs = {name: Path(value) for name, value in snakemake.output.items()}
params = dict(snakemake.params.items())
getattr(tables, f"write_{params.pop('table')}")(**inputs, **params, **outputs)
