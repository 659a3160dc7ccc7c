"""What `finetone run` shows while Snakemake runs: one line per job and one for all, or plain lines."""
