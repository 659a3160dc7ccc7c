"""Script of the rule tokenizers_table."""

from pathlib import Path

import pandas as pd

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.formats.csv_table import write_csv
from finetone.provenance import Provenance, record_csv

COLUMNS = ["model", "tokens_per_word", "unknown_rate", "truncated", "mean_tokens"]
rows = [files.read_json(file) for file in snakemake.input.statistics]
target = Path(snakemake.output[0])
write_csv(pd.DataFrame(rows, columns=COLUMNS), target)
record_csv(target, Provenance.of_job(snakemake.params.settings, snakemake.input))
