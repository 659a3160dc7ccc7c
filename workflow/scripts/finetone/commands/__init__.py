"""The commands of `finetone`, one module each: `add_arguments` to a parser, and `run`.

They import what is heavy (pandas, Snakemake) only when they run, so that `--help` answers at once.
"""
