"""Door of the rule tokenizer_statistics."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.data.tokens import tokenizer_statistics

statistics = tokenizer_statistics(
    Path(snakemake.input.data) / "train.parquet",
    Path(snakemake.input.model),
    snakemake.params.max_length,
)
files.write_json(snakemake.output[0], {"model": snakemake.wildcards.model, **statistics})
