"""New texts, labelled by a method of the experiment.

The method is the one that the results recommend, unless `label:` names another. The rows of the
table stay as they are and get a label, its probability, and a mark where a text is unlike the
training texts. A killed job goes on where it was; `finetone label` does the same by hand.
"""


rule label_texts:
    input:
        unpack(source_of("labelled/{table}.csv")),
        results=advice,
        runs=runs_that_label(RUN_RECORDS),
        learned=learned_by,
        temperatures=runs_that_label(TEMPERATURE) if EXPERIMENT.has_dev else [],
        data=f"<exp>/data/{SOURCE}",
    output:
        "<exp>/labelled/{table}.csv",
    log:
        "<exp>/logs/label_texts/{table}.log",
    wildcard_constraints:
        table=any_of(config["label"]),
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("label_texts", 4)
    resources:
        **sized("label_texts"),
    params:
        settings=record("labelled/{table}.csv"),
        block=lambda wildcards: as_param(config["label"][wildcards.table]),
    message:
        "Label the texts of {wildcards.table}"
    script:
        "../scripts/label_texts.py"
