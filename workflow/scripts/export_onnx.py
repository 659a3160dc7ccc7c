"""Script of the rule export_onnx."""

from finetone.script import Job

job = Job(snakemake)

from finetone.exporting.onnx_files import export

export(
    job.inputs["checkpoint"],
    job.inputs["tokens"],
    job.target,
    fitted=job.optional("temperature"),
    provenance=job.provenance,
)
