"""Script of the rule tokenize."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.data.tokenization import tokenize

data, model, split = job.inputs["data"], job.inputs["model"], job.wildcards.split
facts = files.read_json(data / "manifest.json")
files.check_folder(model, weights=False)
tokenize(
    files.split_of(data, split),
    model,
    facts["labels"],
    job.settings["max_length"],
    job.target,
    made_from={"data": facts["splits"][split], "model": files.sha256(model / "manifest.json")},
    provenance=job.provenance,
)
