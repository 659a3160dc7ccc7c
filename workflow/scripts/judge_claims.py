"""Script of the rule judge_claims."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.claims.judging import write_claims
from finetone.claims.our_facts import read_facts
from finetone.identity import files_in, refuse_changed
from finetone.provenance import Provenance, record_csv

provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
settings, target = provenance.settings, Path(snakemake.output[0])
folder = Path(snakemake.params.folder)
refuse_changed(files_in(folder), settings["content"])
facts = read_facts(
    Path(snakemake.input.tokenizers).parent,
    map(Path, snakemake.input.predictions),
    settings["groups"],
    settings["source"],
    settings["deterministic"],
    settings["seed_sd"],
    settings["confidence"],
    {
        (path.parts[-3], int(path.parts[-2].removeprefix("seed"))): path
        for path in map(Path, snakemake.input.histories)
    },
    Path(snakemake.input.data),
    Path(snakemake.input.speed),
)
write_claims(folder / "claims.yaml", facts, target, settings["confidence"])
record_csv(target, provenance)
