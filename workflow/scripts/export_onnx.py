"""Script of the rule export_onnx."""

from finetone.script import Job

job = Job(snakemake)

from finetone.exporting.onnx_files import export

fitted = job.inputs["temperature"]
export(
    job.inputs["checkpoint"],
    job.inputs["tokens"],
    job.target,
    fitted=fitted or None,
    provenance=job.provenance,
)
