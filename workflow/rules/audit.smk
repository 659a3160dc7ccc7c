"""Look at the data before anything is learned from it.

Empty texts, duplicates, test rows that also stand in train, lengths, balance of labels.
"""


rule audit_dataset:
    input:
        data="<exp>/data/{dataset}",
    output:
        report(
            "<exp>/audit/{dataset}.json",
            caption="../report/audit.rst",
            category="Data",
            labels={"audit": "{dataset}"},
        ),
    log:
        "<exp>/logs/audit_dataset/{dataset}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("audit/{dataset}.json"),
    message:
        "Audit the dataset {wildcards.dataset}"
    script:
        "../scripts/audit_dataset.py"
