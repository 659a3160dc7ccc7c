"""Door of the rule tokenizers_table."""

from pathlib import Path

import pandas as pd

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.compare.csvfile import write_csv

rows = [files.read_json(file) for file in snakemake.input.statistics]
write_csv(pd.DataFrame(rows).drop(columns="schema_version"), Path(snakemake.output[0]))
