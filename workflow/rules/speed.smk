"""Time every model on the same device with the same batches.

The job asks for as many threads as the fine-tuning does by default; on a machine with no more
cores than that it runs alone, as a timing should.
"""


rule speed:
    input:
        model="<exp>/models/{model}",
        tokens=f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow",
    output:
        "<exp>/speed/{model}.json",
    log:
        "<exp>/logs/speed/{model}.log",
    conda:
        "../../envs/torch.yaml"
    threads: resource("speed", "threads")
    resources:
        gpu=resource("speed", "gpu"),
        mem_mb=resource("speed", "mem_mb"),
        runtime=resource("speed", "runtime"),
    params:
        settings=record("speed/{model}.json"),
    message:
        "Time {wildcards.model}"
    script:
        "../scripts/speed.py"
