"""Decide of every product whether it is the item: a label beats the model, the model beats the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_assets.parameters.prices import ClassificationParameters
from ons_assets.prices.classification import labels as product_labels
from ons_assets.prices.classification import rules as item_rules
from ons_assets.prices.classification.active_learning import review_order
from ons_assets.prices.classification.evaluation import NEVER, confidence_for
from ons_assets.prices.classification.labels import PRODUCT
from ons_assets.prices.classification.model import TrainedModel, train
from ons_assets.prices.packs import stem

IN, OUT = "in scope", "out of scope"
DECIDED_BY = ("label", "model", "rule", "nothing")
QUEUE_COLUMNS = (
    "retailer",
    "item_id",
    "item",
    "product",
    "price",
    "quotes",
    "probability",
    "reason",
    "in_scope",
    "labelled_by",
    "labelled_at_utc",
    "note",
)


@dataclass(frozen=True)
class ScopeModel:
    """A model that was trained on labels, and what is known of it.

    Attributes
    ----------
    model
        The classifier; its classes are "in scope" and "out of scope".
    items
        Items that it speaks for.
    bound
        Confidence below which a product goes to a person.
    training
        Labelled products with ``probability`` of being in scope, by trees that had not seen them.
    """

    model: TrainedModel
    items: frozenset[str]
    bound: float
    training: pl.DataFrame


@dataclass(frozen=True)
class Classified:
    """Quotes with their decisions, the model behind them (None without enough labels), and the products to look at."""

    quotes: pl.DataFrame
    model: ScopeModel | None
    queue: pl.DataFrame


def classify(
    quotes: pl.DataFrame,
    rules: pl.DataFrame | None = None,
    labels: pl.DataFrame | None = None,
    parameters: ClassificationParameters | None = None,
) -> Classified:
    """Decide of every quote whether its product is the item; none is dropped.

    Parameters
    ----------
    quotes
        ``retailer``, ``item_id``, ``item``, ``product``, ``price``; others are kept as they are.
    rules
        As the table `reference/item_rules`; items without any take those built in.
    labels
        As the table `reference/product_labels`.
    parameters
        Parameters.

    Returns
    -------
    Classified
        ``quotes`` with ``in_scope``, ``probability``, ``decided_by`` ("label", "model", "rule" or "nothing": then it
        stays in scope and goes to a person), ``needs_review``, ``scope_reason`` and ``model_version`` (null where the
        model did not decide).
    """
    parameters = parameters or ClassificationParameters()
    named = product_labels.add_name(quotes)
    products = (
        named.group_by(PRODUCT)
        .agg(
            pl.col("item").mode().sort().first(),
            pl.col("product").sort().first(),
            pl.col("price").median(),
            quotes=pl.len(),
        )
        .sort(PRODUCT)
    )
    judged = _judge(products, rules, parameters)
    known = product_labels.current(labels) if labels is not None else None
    model = train_scope(known, rules, parameters) if known is not None else None
    decided = _decide(judged, known, model, parameters)
    on_quotes = decided.select(
        *PRODUCT, "in_scope", "probability", "decided_by", "needs_review", "scope_reason", "model_version"
    )
    return Classified(
        quotes=named.join(on_quotes, on=PRODUCT, how="left", maintain_order="left").drop("name"),
        model=model,
        queue=review_queue(decided, parameters),
    )


def _judge(products: pl.DataFrame, rules: pl.DataFrame | None, parameters: ClassificationParameters) -> pl.DataFrame:
    return item_rules.judge(products, item_rules.by_item(item_rules.in_force(rules), parameters.rules))


def train_scope(
    labels: pl.DataFrame, rules: pl.DataFrame | None, parameters: ClassificationParameters
) -> ScopeModel | None:
    """Train a model on the current labels; None if they are too few.

    Parameters
    ----------
    labels
        Result of `labels.current`.
    rules
        As the table `reference/item_rules`: what the rules say is one of the model's features.
    """
    enough = pl.len().over("item_id") >= parameters.least_labels_of_item
    known = labels.filter(enough)
    if len(known) < parameters.least_labels or known["in_scope"].n_unique() < 2:
        return None
    judged = _judge(known, rules, parameters)
    truth = [IN if each else OUT for each in known["in_scope"]]
    # A product and its other packs are one group, in whatever shop.
    groups = [f"{item} {stem(name)}" for item, name in known.select("item_id", "name").iter_rows()]
    model = train(judged["name"].to_list(), truth, groups, _context(judged), parameters=parameters.model)
    likely = model.seen_apart[:, model.classes.index(IN)]
    right = (likely >= 0.5) == known["in_scope"].to_numpy()
    return ScopeModel(
        model=model,
        items=frozenset(known["item_id"]),
        bound=confidence_for(np.maximum(likely, 1 - likely), right, parameters.review_precision),
        training=judged.with_columns(probability=pl.Series(likely)),
    )


def _context(judged: pl.DataFrame) -> list[dict[str, float]]:
    """Features beside the name: the item, the shop, and what the rules say."""
    return [
        {f"item={item}": 1.0, f"retailer={retailer}": 1.0, "rule": 0.5 if rule is None else rule}
        for retailer, item, rule in judged.select("retailer", "item_id", "rule_probability").iter_rows()
    ]


def _decide(
    judged: pl.DataFrame, known: pl.DataFrame | None, model: ScopeModel | None, parameters: ClassificationParameters
) -> pl.DataFrame:
    """Let the label speak, else the model, else the rules; `judged` holds the verdicts of the rules."""
    frame = _add_labels(_add_votes(judged, model), known)
    by_label = pl.col("labelled").is_not_null()
    by_model = pl.col("model_probability").is_not_null()
    by_rule = pl.col("rule_probability").is_not_null()
    likely = pl.coalesce("model_probability", "rule_probability", pl.lit(0.5))
    low, high = parameters.review_between
    between = (likely > low) & (likely < high)
    unsure = pl.max_horizontal(likely, 1 - likely) < (model.bound if model is not None else NEVER)
    version = pl.lit(model.model.version if model is not None else None, dtype=pl.String)
    model_said = pl.format(
        "the model says {}; the rules: {}",
        pl.col("model_probability").round(2),
        pl.col("rule_reason").fill_null("none for this item"),
    )

    def first(label: pl.Expr, vote: pl.Expr, rule: pl.Expr, nothing: pl.Expr) -> pl.Expr:
        return pl.when(by_label).then(label).when(by_model).then(vote).when(by_rule).then(rule).otherwise(nothing)

    return frame.with_columns(
        decided_by=first(*(pl.lit(name) for name in DECIDED_BY)),
        probability=pl.coalesce(pl.col("labelled").cast(pl.Float64), likely),
        needs_review=first(pl.lit(False), between | unsure, between, pl.lit(True)),
        scope_reason=first(
            # Not who: quotes are public, and the table of labels says it.
            pl.format("labelled on {}", pl.col("labelled_at_utc").dt.date()),
            model_said,
            pl.col("rule_reason"),
            pl.lit("no label, no model and no rule for this item"),
        ),
        model_version=pl.when(~by_label & by_model).then(version),
    ).with_columns(in_scope=pl.col("probability") >= 0.5)


def _add_votes(judged: pl.DataFrame, model: ScopeModel | None) -> pl.DataFrame:
    """Add ``model_probability``; null for items that the model does not speak for."""
    likely = np.full(len(judged), np.nan)
    if model is not None:
        spoken_for = judged["item_id"].is_in(list(model.items))
        asked = judged.filter(spoken_for)
        votes = model.model.probabilities(asked["name"].to_list(), _context(asked))
        likely[spoken_for.to_numpy()] = votes[:, model.model.classes.index(IN)]
    return judged.with_columns(pl.Series("model_probability", likely, dtype=pl.Float64).fill_nan(None))


def _add_labels(frame: pl.DataFrame, known: pl.DataFrame | None) -> pl.DataFrame:
    """Add ``labelled`` and ``labelled_at_utc``; null without a label."""
    if known is None:
        nothing = {"labelled": pl.Boolean(), "labelled_at_utc": pl.Datetime("us", "UTC")}
        return frame.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in nothing.items())
    said = known.select(*PRODUCT, "labelled_at_utc", labelled="in_scope")
    return frame.join(said, on=PRODUCT, how="left", maintain_order="left")


def review_queue(decided: pl.DataFrame, parameters: ClassificationParameters | None = None) -> pl.DataFrame:
    """Return the products that need a person, with empty columns to fill in.

    The frame is written as CSV, filled in (``in_scope``: true or false; ``labelled_by``; ``labelled_at_utc``) and
    dropped as a file of labels.

    Parameters
    ----------
    decided
        Products with their decisions.
    parameters
        Say which come first: those that teach the model most (`active_learning.review_order`), or those with the most
        quotes.
    """
    parameters = parameters or ClassificationParameters()
    empty = {name: pl.lit(None, dtype=pl.String) for name in ("in_scope", "labelled_by", "labelled_at_utc", "note")}
    waiting = decided.filter("needs_review")
    if parameters.review_order == "informative":
        ordered = review_order(waiting, block=parameters.least_labels_of_item, every=parameters.review_by_chance)
    else:
        ordered = waiting.sort(["quotes", *PRODUCT], descending=[True, False, False, False])
    return ordered.with_columns(pl.col("price", "probability").round(2), reason="scope_reason", **empty).select(
        QUEUE_COLUMNS
    )


def shares(decided: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Return what share of quotes is in scope, and needs a person, and who decided how many.

    Parameters
    ----------
    decided
        Classified quotes, or products.
    by
        Columns to report by; without any, one row.
    """
    figures = [
        pl.len().alias("rows"),
        pl.col("in_scope").mean().alias("in_scope"),
        pl.col("needs_review").mean().alias("needs_review"),
        *((pl.col("decided_by") == name).mean().alias(f"by_{name}") for name in DECIDED_BY),
    ]
    return decided.group_by(by).agg(figures).sort(by) if by else decided.select(figures)
