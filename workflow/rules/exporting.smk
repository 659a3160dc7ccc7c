"""Models for production: ONNX files, with weights of 32 bits and of 8, and what that costs.

Each form predicts the test rows as the original did, so that its accuracy is compared with the
original's on the same rows; original and forms are timed in turn, on the CPU, as all methods are.
"""

EXPORTED_MODELS = config["export"]
FORMS = ["fp32", "int8"]
FORM = "<exp>/export_predictions/{model}/{form}.parquet"
FORMS_OF = {
    "predictions": [
        f"<exp>/predictions/{SOURCE}/{model}/seed{EXPERIMENT.first_seed_of(model)}.parquet"
        for model in EXPORTED_MODELS
    ],
    "forms": expand(FORM, model=EXPORTED_MODELS, form=FORMS, allow_missing=True),
    "speeds": expand("<exp>/export_speed/{model}.json", model=EXPORTED_MODELS),
    "exported": expand("<exp>/export/{model}", model=EXPORTED_MODELS),
}
EXPORTS_TABLE = ["<exp>/tables/exports.csv"] if EXPORTED_MODELS else []
if EXPORTED_MODELS:
    add("tables/exports.csv", CONFIDENCE, FORMS_OF)


rule export_onnx:
    input:
        checkpoint=of_first_run("<exp>/runs/{method}/seed{seed}/checkpoint"),
        run=of_first_run(RUN_RECORDS),
        temperature=of_first_run(TEMPERATURE) if EXPERIMENT.has_dev else [],
        tokens=f"<exp>/tokens/{SOURCE}/test/{{model}}.arrow",
    output:
        directory("<exp>/export/{model}"),
    log:
        "<exp>/logs/export_onnx/{model}.log",
    conda:
        "../../envs/export.yaml"
    threads: SIZES.threads("export_onnx", 2)
    resources:
        **sized("export_onnx"),
    params:
        settings=record("export/{model}"),
    message:
        "Export {wildcards.model} in the ONNX format"
    script:
        "../scripts/export_onnx.py"


rule evaluate_export:
    input:
        exported="<exp>/export/{model}",
        run=of_first_run(RUN_RECORDS),
        tokens=f"<exp>/tokens/{SOURCE}/test/{{model}}.arrow",
    output:
        "<exp>/export_predictions/{model}/{form}.parquet",
    log:
        "<exp>/logs/evaluate_export/{model}-{form}.log",
    wildcard_constraints:
        form=any_of(FORMS),
    conda:
        "../../envs/export.yaml"
    threads: SIZES.threads("export_onnx", 2)
    resources:
        **sized("export_onnx"),
    params:
        settings=record("export_predictions/{model}/{form}.parquet"),
    message:
        "Evaluate the {wildcards.form} form of {wildcards.model}"
    script:
        "../scripts/evaluate_export.py"


rule time_export:
    input:
        exported="<exp>/export/{model}",
        checkpoint=of_first_run("<exp>/runs/{method}/seed{seed}/checkpoint"),
        run=of_first_run(RUN_RECORDS),
        tokens=f"<exp>/tokens/{SOURCE}/test/{{model}}.arrow",
    output:
        "<exp>/export_speed/{model}.json",
    log:
        "<exp>/logs/time_export/{model}.log",
    conda:
        "../../envs/export.yaml"
    threads: max(TIMED_THREADS, workflow.resource_settings.cores or 0)
    resources:
        **sized("export_onnx"),
    params:
        settings=record("export_speed/{model}.json"),
        threads=TIMED_THREADS,
    message:
        "Time the exported forms of {wildcards.model} in turn with the original"
    script:
        "../scripts/time_export.py"


rule exports_table:
    input:
        **FORMS_OF,
    output:
        target=reported_table("exports", "Exported models: accuracy, size and speed"),
    log:
        "<exp>/logs/tables/exports.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        table="exports_table",
        settings=record("tables/exports.csv"),
    message:
        "Table: exported models"
    script:
        "../scripts/write_table.py"
