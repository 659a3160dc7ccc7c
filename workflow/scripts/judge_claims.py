"""Door of the rule judge_claims."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.compare.claims import write_claims

write_claims(
    Path(snakemake.params.folder) / "claims.yaml",
    Path(snakemake.input.tokenizers).parent,
    snakemake.params.groups,
    snakemake.params.source,
    Path(snakemake.output[0]),
    snakemake.params.confidence,
)
