"""The model card: what a model was trained on, how good it is by item, what it cannot do."""

import json

import numpy as np
import polars as pl

from ons_assets.lakehouse.markdown import as_text
from ons_assets.prices.classification.decisions import ScopeModel

LIMITS = (
    "It knows the shops, items and words of its labels; a new shop or a renamed shelf needs new labels.",
    "Accuracy is that of cross-validation over groups of products, so that other packs of a product are not in both.",
    "Labels are taken as true; where people disagree, the latest counts.",
    "An item with few labels has an accuracy of few products: see the column `labelled`.",
)


def accuracy_by_item(model: ScopeModel) -> pl.DataFrame:
    """Return how good a model is by item, on products that it had not seen.

    Returns
    -------
    DataFrame
        ``item_id``, ``labelled`` (products), ``in_scope`` (share), ``accuracy``, ``accuracy_of_rules``, ``review``
        (share that would go to a person), ``accuracy_decided`` (of the others; null without any). The last row,
        "all", is over all items.
    """
    likely = pl.col("probability")
    judged = model.training.with_columns(
        right=(likely >= 0.5) == pl.col("in_scope"),
        rule_right=(pl.col("rule_probability") >= 0.5) == pl.col("in_scope"),
        review=pl.max_horizontal(likely, 1 - likely) < model.bound,
    )
    figures = [
        pl.len().alias("labelled"),
        pl.col("in_scope").mean(),
        pl.col("right").mean().alias("accuracy"),
        pl.col("rule_right").mean().alias("accuracy_of_rules"),
        pl.col("review").mean().alias("share_to_review"),
        pl.col("right").filter(~pl.col("review")).mean().alias("accuracy_decided"),
    ]
    items = judged.group_by("item_id").agg(figures).sort("item_id")
    return pl.concat([items, judged.select(pl.lit("all").alias("item_id"), *figures)])


def as_markdown(model: ScopeModel) -> str:
    """Return the card as a page."""
    rows = accuracy_by_item(model)
    first, last = (
        day.isoformat()
        for day in model.training.select(
            pl.col("labelled_at_utc").dt.date().min().alias("first"), pl.col("labelled_at_utc").dt.date().max()
        ).row(0)
    )
    people = model.training["labelled_by"].n_unique()
    lines = [
        f"# Model {model.model.version}: is this product the item?",
        "",
        "Extremely randomised trees over character n-grams of the name, its pack and percentages, the item, the shop "
        "and the verdict of the rules; votes calibrated by one temperature.",
        "",
        f"- trained on {len(model.training)} labelled products of {len(model.items)} items, "
        f"by {people} {'person' if people == 1 else 'people'}, {first} to {last}",
        f"- temperature {model.model.temperature:.2f}; Brier score {brier(model):.3f}",
        f"- below a confidence of {model.bound:.2f} a product goes to a person",
        "",
        "| " + " | ".join(rows.columns) + " |",
        "|" + "---|" * len(rows.columns),
        *("| " + " | ".join(_shown(value) for value in row) + " |" for row in rows.iter_rows()),
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in LIMITS),
        "",
    ]
    return "\n".join(lines)


def as_json(model: ScopeModel) -> str:
    """Return the card for programs."""
    return json.dumps(
        {
            "version": model.model.version,
            "temperature": model.model.temperature,
            "bound": model.bound,
            "brier": brier(model),
            "labels": len(model.training),
            "items": accuracy_by_item(model).to_dicts(),
            "limits": LIMITS,
        },
        indent=2,
    )


def brier(model: ScopeModel) -> float:
    """Return the mean squared error of the probabilities, on products that the trees had not seen."""
    truth = model.training["in_scope"].cast(pl.Float64).to_numpy()
    return float(np.mean((model.training["probability"].to_numpy() - truth) ** 2))


def _shown(value: object) -> str:
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else as_text(str(value))
