"""Script of the rule tokenizer_statistics."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.data.tokenization import tokenizer_statistics
from finetone.provenance import Provenance

model, provenance = (
    Path(snakemake.input.model),
    Provenance.of_job(snakemake.params.settings, snakemake.input),
)
files.check_folder(model, weights=False)
statistics = tokenizer_statistics(
    files.split_of(Path(snakemake.input.data), "train"), model, provenance.settings["max_length"]
)
about = provenance.as_dict() | {"model": snakemake.wildcards.model}
files.write_json(snakemake.output[0], about | statistics)
