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
PADDED = ["<exp>/speed/padded.json"] if MODELS else []
# Raised when these say more, as FORMAT is.
VERDICTS = {"format": 5}

CHOICES = CONTENT | {"choices": choices(config)}
BESIDE = {
    "published": "<exp>/tables/published.csv",
    "summary": SUMMARY,
    "efficiency": "<exp>/tables/efficiency.csv",
    "speed": TIMINGS,
    "padded": PADDED,
}
told(check_study, Path(PUBLISHED), CHOICES["choices"], METHODS)

add("published/audit.json", CONTENT, {})
add("published/study.json", CHOICES, {})
add("tables/deviations.csv", CHOICES, {})
add("tables/side_by_side.csv", JUDGED, BESIDE)
add("tables/published.csv", CONTENT, {})
add("tables/tokenizers.csv", VERDICTS, {"statistics": STATISTICS})
add(
    "tables/claims.csv",
    JUDGED | SEEDS | VERDICTS | {"groups": GROUPS},
    {
        "tables": TABLES,
        "tokenizers": "<exp>/tables/tokenizers.csv",
        "predictions": PREDICTIONS,
        "histories": HISTORIES,
        "data": f"<exp>/data/{SOURCE}",
        "speed": TIMINGS,
        "padded": PADDED,
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
    threads: SIZES.threads("tokenize", 2)
    resources:
        **sized("tokenize"),
    params:
        settings=record("tokenizers/{model}.json"),
    message:
        "Measure the vocabulary of {wildcards.model} on the training texts"
    script:
        "../scripts/tokenizer_statistics.py"


rule deviations_table:
    input:
        ancient(PUBLISHED_FILES),
    output:
        json="<exp>/published/study.json",
        deviations=reported_table(
            "deviations", "What the publication does not state", "Published table"
        ),
    log:
        "<exp>/logs/tables/deviations.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        folder=lambda wildcards: PUBLISHED,
        settings=record("published/study.json"),
        deviations=record("tables/deviations.csv"),
    message:
        "List all choices that the publication does not state"
    script:
        "../scripts/deviations_table.py"


rule side_by_side_table:
    input:
        **BESIDE,
        files=ancient(PUBLISHED_FILES),
    output:
        reported_table("side_by_side", "Every published number beside ours", "Published table"),
    log:
        "<exp>/logs/tables/side_by_side.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        folder=lambda wildcards: PUBLISHED,
        settings=record("tables/side_by_side.csv"),
    message:
        "Set every published number beside ours"
    script:
        "../scripts/side_by_side_table.py"


# Published times are of batches that are padded; ours are of whatever is fastest here.
rule speed_padded:
    input:
        models=expand("<exp>/models/{model}", model=TIMED),
        tokens=expand(f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow", model=TIMED),
        data=f"<exp>/data/{SOURCE}",
        tuned=in_exp(sum((TUNING.choice(model, "batch_size") for model in TIMED), [])),
    output:
        "<exp>/speed/padded.json",
    log:
        "<exp>/logs/speed_padded.log",
    conda:
        "../../envs/torch.yaml"
    threads: max(TIMED_THREADS, workflow.resource_settings.cores or 0)
    resources:
        **sized("speed"),
    params:
        settings=record("speed/padded.json"),
        threads=TIMED_THREADS,
    message:
        "Time training on padded batches, all models in turn"
    script:
        "../scripts/speed.py"


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
        padded=PADDED,
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
