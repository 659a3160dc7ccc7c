"""Look at the data before anything is learned from it.

Empty texts, duplicates, test rows that also stand in train, lengths, balance of labels.
"""


localrules:
    audit_dataset,


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
    conda:
        "../../envs/light.yaml"
    message:
        "Audit the dataset {wildcards.dataset}"
    script:
        "../scripts/audit_dataset.py"
