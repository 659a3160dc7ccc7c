"""Hold a published table and its conclusions against our runs (report: {published: folder}).

The audit needs the published numbers alone; the rest compares them with what we measured.
"""

# Small files that come with a clone, newer than any result: their content decides about reruns, not
# their time.
PUBLISHED_FILES = sorted(map(str, files_in(Path(PUBLISHED)).values()))
CONTENT = {"content": {Path(file).name: sha256(file) for file in PUBLISHED_FILES}}
STATISTICS = expand("<exp>/tokenizers/{model}.json", model=MODELS)
MATCHED = {
    "runs": RUNS,
    "histories": HISTORIES,
    "runs_json": runs_of(RUN_RECORDS, MODELS),
}
GROUPS = {
    method: entry.get("group", {})
    for method, entry in {**config["models"], **config["baselines"]}.items()
}
JUDGED = CONTENT | CONFIDENCE | {"source": SOURCE}

add("published/audit.json", CONTENT, {})
add("tables/published.csv", CONTENT, {})
add("tables/tokenizers.csv", {}, {"statistics": STATISTICS})
add(
    "tables/claims.csv",
    JUDGED | SEEDS | FORMAT | {"groups": GROUPS},
    {
        "tables": TABLES,
        "tokenizers": "<exp>/tables/tokenizers.csv",
        "predictions": PREDICTIONS,
        "histories": HISTORIES,
        "data": f"<exp>/data/{SOURCE}",
        "speed": TIMINGS,
    },
)
add("tables/column_match.csv", JUDGED, MATCHED)
add("tables/parameters.csv", CONTENT, MATCHED)


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
        csv=reported_table("published", "Every published value and its flags", "Published table"),
    log:
        "<exp>/logs/audit_published.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        folder=lambda wildcards: PUBLISHED,
        settings=record("published/audit.json"),
        csv=record("tables/published.csv"),
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
    threads: sized("tokenize", threads=2)["threads"]
    resources:
        **sized("tokenize", mem_mb=4000, runtime=20),
    params:
        settings=record("tokenizers/{model}.json"),
    message:
        "Measure the vocabulary of {wildcards.model} on the training texts"
    script:
        "../scripts/tokenizer_statistics.py"


rule tokenizers_table:
    input:
        statistics=STATISTICS,
    output:
        reported_table("tokenizers", "Vocabularies", "Published table"),
    log:
        "<exp>/logs/tables/tokenizers.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("tables/tokenizers.csv"),
    message:
        "Table: vocabularies"
    script:
        "../scripts/tokenizers_table.py"


rule judge_claims:
    input:
        files=ancient(PUBLISHED_FILES),
        tables=TABLES,
        tokenizers="<exp>/tables/tokenizers.csv",
        predictions=PREDICTIONS,
        histories=HISTORIES,
        data=f"<exp>/data/{SOURCE}",
        speed=TIMINGS,
    output:
        reported_table("claims", "Claims and verdicts", "Published table"),
    log:
        "<exp>/logs/claims.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        folder=lambda wildcards: PUBLISHED,
        settings=record("tables/claims.csv"),
    message:
        "Judge the published claims by our runs"
    script:
        "../scripts/judge_claims.py"


rule match_published:
    input:
        **MATCHED,
        files=ancient(PUBLISHED_FILES),
    output:
        match=reported_table("column_match", "Test or training accuracy?", "Published table"),
        parameters=reported_table(
            "parameters", "Parameters, published and counted", "Published table"
        ),
    log:
        "<exp>/logs/match_published.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        folder=lambda wildcards: PUBLISHED,
        settings=record("tables/column_match.csv"),
        parameters=record("tables/parameters.csv"),
    message:
        "Set the published columns beside ours"
    script:
        "../scripts/match_published.py"
