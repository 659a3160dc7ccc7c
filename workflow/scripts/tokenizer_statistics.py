"""Script of the rule tokenizer_statistics."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.data.tokenization import tokenizer_statistics

data, model = job.inputs["data"], job.inputs["model"]
files.check_folder(model, weights=False)
train = files.split_of(data, "train")
statistics = tokenizer_statistics(train, model, job.settings["max_length"])
about = job.provenance.as_dict() | {"model": job.wildcards.model}
files.write_json(job.target, about | statistics)
