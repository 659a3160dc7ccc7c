"""Script of the rule label_texts."""

import json

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.identity import describe, own_files, refuse_others
from finetone.labelling.choice import choose
from finetone.labelling.label import label
from finetone.labelling.progress import SECONDS, Progress
from finetone.labelling.sources import file_of, table_in
from finetone.log import logger

block, folder = json.loads(job.params.block), job.target.parents[1]
file = file_of(f"label.{job.wildcards.table}", block)
source = {"kind": "file", "files": describe(own_files(block))}
label(
    choose(
        folder,
        block["method"],
        block["seed"],
        of=[*job.inputs["runs"], *job.inputs["temperatures"]],
    ),
    table_in(file, str(file), block["separator"], block["encoding"]),
    job.settings["text"],
    job.target,
    train=files.split_of(job.inputs["data"], "train"),
    threads=job.threads,
    progress=Progress(logger.info, SECONDS),
    provenance=job.provenance,
    source=source,
)
refuse_others("file", block, job.settings)
