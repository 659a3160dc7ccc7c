"""Script of the rule side_by_side_table."""

from finetone.script import Job

job = Job(snakemake)

from finetone.formats.csv_table import write_csv
from finetone.provenance import record_csv
from finetone.published.reading import read_published
from finetone.reproduction.side_by_side import side_by_side
from finetone.reproduction.study_file import read_study

folder, settings = job.published(), job.settings
transfer = read_published(folder).setup.transfer
found = side_by_side(
    folder,
    job.inputs["published"],
    job.inputs["summary"],
    job.inputs["efficiency"],
    job.inputs["speed"],
    job.optional("padded"),
    source=settings["source"],
    transfer=transfer.dataset if transfer else "",
    reference=read_study(folder).reference,
    confidence=settings["confidence"],
)
write_csv(found, job.target)
record_csv(job.target, job.provenance)
