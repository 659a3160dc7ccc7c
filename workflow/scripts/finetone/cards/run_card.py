"""The model card of a kept checkpoint: how it was made, and its limits."""

from finetone.cards.card_parts import code, front_matter, hardware, labels, limits, origin
from finetone.formats.model_source import ModelSource
from finetone.formats.run_record import RunRecord
from finetone.numbers import setting


def card(run: RunRecord, *, source: ModelSource, max_length: int) -> str:
    """Write the model card (Markdown) of a checkpoint.

    Names that users choose are inline code, so that none of them is read as markup.

    Parameters
    ----------
    run
        Record of the run.
    source
        The `source` of the base model's manifest.json; empty if there is none.
    max_length
        Number of tokens that texts are cut to.
    """
    recipe = "\n".join(f"| {key} | {setting(value)} |" for key, value in run.recipe.items())
    dataset = code(run.dataset) if run.dataset else "a labelled dataset"
    return "\n".join(
        [
            *front_matter("transformers", source, base_model_relation="finetune"),
            f"# {code(run.method)} fine-tuned on {dataset}",
            "",
            f"Sequence classification, labels {labels(run)}. Base model: {origin(source)}. "
            f"Seed {run.seed}.",
            f"Trained on {run.rows} rows in {run.steps} steps. {_kept(run)}",
            "",
            "| recipe | |",
            "|---|---|",
            recipe,
            "",
            hardware(run),
            "",
            *limits(max_length),
        ]
    )


def _kept(run: RunRecord) -> str:
    """Which epoch was kept, and why."""
    if not run.dev_scores or run.recipe["choose_epoch"] != "dev":
        return f"The last of {run.epochs} epochs was kept."
    metric = run.recipe.get("choose_by", "accuracy").replace("_", " ")
    scores = ", ".join(f"{value:.4f}" for value in run.dev_scores)
    return (
        f"Epoch {run.kept_epoch} of {run.epochs} was kept because it is best on the dev split "
        f"({metric} per epoch: {scores})."
    )
