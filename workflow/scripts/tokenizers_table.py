"""Script of the rule tokenizers_table."""

from finetone.script import Job

job = Job(snakemake)

import pandas as pd

from finetone import files
from finetone.formats.csv_table import write_csv
from finetone.provenance import record_csv

COLUMNS = ["model", "tokens_per_word", "vocabulary_coverage", "unknown_rate", "truncated"]
COLUMNS += ["mean_tokens"]
rows = [files.read_json(file) for file in job.inputs["statistics"]]
write_csv(pd.DataFrame(rows, columns=COLUMNS), job.target)
record_csv(job.target, job.provenance)
