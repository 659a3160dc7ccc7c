"""Door of the rule intermediate."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.models.squad import intermediate

target = Path(snakemake.output[0])
intermediate(
    snakemake.wildcards.model,
    snakemake.params.block,
    Path(snakemake.input.base),
    Path(snakemake.input.questions),
    target,
    state=target.parent / f".{target.name}.state",
    threads=snakemake.threads,
)
