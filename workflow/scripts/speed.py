"""Door of the rule speed."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.engine.speed import measure

measure(
    Path(snakemake.input.model),
    Path(snakemake.input.tokens),
    batch_size=snakemake.params.batch_size,
    engine=snakemake.params.engine,
    threads=snakemake.threads,
    method=snakemake.wildcards.model,
    target=Path(snakemake.output[0]),
)
