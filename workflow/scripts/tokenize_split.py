"""Door of the rule tokenize."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.data.tokens import tokenize

data = Path(snakemake.input.data)
tokenize(
    data / f"{snakemake.wildcards.split}.parquet",
    Path(snakemake.input.model),
    files.read_json(data / "manifest.json")["labels"],
    snakemake.params.max_length,
    Path(snakemake.output[0]),
)
