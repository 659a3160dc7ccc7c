"""Door of the rule match_published."""

from collections import defaultdict
from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.compare.published_match import write_column_match, write_parameters

folder = Path(snakemake.params.folder)
histories = defaultdict(list)
for path in map(Path, snakemake.input.histories):  # runs/<model>/seed<k>/history.parquet
    histories[path.parts[-3]].append(path)
write_column_match(
    folder,
    Path(snakemake.input.runs),
    histories,
    snakemake.params.source,
    Path(snakemake.output.match),
    snakemake.params.confidence,
)
write_parameters(
    folder, [Path(p) for p in snakemake.input.runs_json], Path(snakemake.output.parameters)
)
