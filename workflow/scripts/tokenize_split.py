"""Script of the rule tokenize."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.data.tokenization import tokenize
from finetone.provenance import Provenance

data, model = Path(snakemake.input.data), Path(snakemake.input.model)
name, facts = snakemake.wildcards.split, files.read_json(data / "manifest.json")
files.check_folder(model, weights=False)
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
tokenize(
    files.split_of(data, name),
    model,
    facts["labels"],
    provenance.settings["max_length"],
    Path(snakemake.output[0]),
    made_from={"data": facts["splits"][name], "model": files.sha256(model / "manifest.json")},
    provenance=provenance,
)
