"""Hold a published table and its conclusions against our runs (report: {published: folder}).

The audit needs the published numbers alone; the rest compares them with what we measured.
"""


localrules:
    audit_published,
    tokenizers_table,
    judge_claims,
    match_published,
    draw_published,


rule audit_published:
    input:
        ancient(PUBLISHED_FILES),
    output:
        json=report(
            "<exp>/published/audit.json",
            caption="../report/published_audit.rst",
            category="Published table",
            labels={"table": "The audit as a whole"},
        ),
        csv=report(
            "<exp>/tables/published.csv",
            caption="../report/published_table.rst",
            category="Published table",
            labels={"table": "Every published value and its flags"},
        ),
    log:
        "<exp>/logs/audit_published.log",
    conda:
        "../../envs/light.yaml"
    params:
        folder=lambda wildcards: PUBLISHED,
        content=PUBLISHED_CONTENT,
    message:
        "Audit the published table"
    script:
        "../scripts/audit_published.py"


rule tokenizer_statistics:
    input:
        data=f"<exp>/data/{SOURCE}",
        model="<exp>/models/{model}",
    output:
        "<exp>/tokenizers/{model}.json",
    log:
        "<exp>/logs/tokenizer_statistics/{model}.log",
    conda:
        "../../envs/torch.yaml"
    threads: ask("tokenize", "threads")
    resources:
        mem_mb=ask("tokenize", "mem_mb"),
        runtime=ask("tokenize", "runtime"),
    params:
        max_length=config["max_length"],
    message:
        "Measure the vocabulary of {wildcards.model} on the training texts"
    script:
        "../scripts/tokenizer_statistics.py"


rule tokenizers_table:
    input:
        statistics=expand("<exp>/tokenizers/{model}.json", model=MODELS),
    output:
        report(
            "<exp>/tables/tokenizers.csv",
            caption="../report/tokenizers_table.rst",
            category="Published table",
            labels={"table": "Vocabularies"},
        ),
    log:
        "<exp>/logs/tables/tokenizers.log",
    conda:
        "../../envs/light.yaml"
    message:
        "Table: vocabularies"
    script:
        "../scripts/tokenizers_table.py"


rule judge_claims:
    input:
        files=ancient(PUBLISHED_FILES),
        tables=TABLES,
        tokenizers="<exp>/tables/tokenizers.csv",
    output:
        report(
            "<exp>/tables/claims.csv",
            caption="../report/claims_table.rst",
            category="Published table",
            labels={"table": "Claims and verdicts"},
        ),
    log:
        "<exp>/logs/claims.log",
    conda:
        "../../envs/light.yaml"
    params:
        folder=lambda wildcards: PUBLISHED,
        content=PUBLISHED_CONTENT,
        groups=lambda wildcards: {
            method: entry.get("group", {})
            for method, entry in {**config["models"], **config["baselines"]}.items()
        },
        source=SOURCE,
        confidence=config["compare"]["confidence"],
    message:
        "Judge the published claims by our runs"
    script:
        "../scripts/judge_claims.py"


rule match_published:
    input:
        files=ancient(PUBLISHED_FILES),
        runs="<exp>/tables/runs.csv",
        histories=runs_of("<exp>/runs/{model}/seed{seed}/history.parquet", MODELS),
        runs_json=runs_of("<exp>/runs/{model}/seed{seed}/run.json", MODELS),
    output:
        match=report(
            "<exp>/tables/column_match.csv",
            caption="../report/column_match_table.rst",
            category="Published table",
            labels={"table": "Test or training accuracy?"},
        ),
        parameters=report(
            "<exp>/tables/parameters.csv",
            caption="../report/parameters_table.rst",
            category="Published table",
            labels={"table": "Parameters, published and counted"},
        ),
    log:
        "<exp>/logs/match_published.log",
    conda:
        "../../envs/light.yaml"
    params:
        folder=lambda wildcards: PUBLISHED,
        content=PUBLISHED_CONTENT,
        source=SOURCE,
        confidence=config["compare"]["confidence"],
    message:
        "Set the published columns beside ours"
    script:
        "../scripts/match_published.py"


rule draw_published:
    input:
        published="<exp>/tables/published.csv",
        summary="<exp>/tables/summary.csv",
    output:
        report(
            "<exp>/figures/published.svg",
            caption="../report/published.rst",
            category="Figures",
            labels={"figure": "Published against ours"},
        ),
    log:
        "<exp>/logs/figures/published.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="bars",
        figure="published",
        dataset=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: published values against ours"
    script:
        "../scripts/draw.py"
