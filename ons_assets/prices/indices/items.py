"""Indices of every item, by one method or several."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ons_assets.prices.indices.filters import drop_products
from ons_assets.prices.indices.hedonic import column_of
from ons_assets.prices.indices.methods import index_of_panel
from ons_assets.prices.indices.panel import Panel, make_panel
from ons_assets.prices.indices.registry import NEED_FEATURES


@dataclass(frozen=True)
class IndexMethod:
    """A method with its options, and the label under which its results are published.

    Attributes
    ----------
    method
        A name from `methods`.
    options
        Keyword arguments of `price_index`: base, window, splice, chain and the formula's parameters; and
        ``filters``, which drop products first: parameters by the name of the filter, as `drop_products` takes
        them.
    label
        Name in the column ``method`` of the result; by default the chain, the method and its options,
        such as "chained-jevons" or "geks-tornqvist-25-mean".
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        if not self.label:
            chain = self.options.get("chain")
            others = [_written(value) for key, value in self.options.items() if key != "chain"]
            parts = [*([str(chain)] if chain else []), self.method, *others]
            object.__setattr__(self, "label", "-".join(parts))

    @classmethod
    def of(cls, value: "str | Mapping[str, Any] | IndexMethod") -> "IndexMethod":
        """Read a method from a name, or from a mapping with the key ``method`` and its options."""
        if isinstance(value, IndexMethod):
            return value
        if isinstance(value, str):
            return cls(value)
        options = {key: option for key, option in value.items() if key not in ("method", "label")}
        return cls(value["method"], options, value.get("label", ""))


def _written(option: Any) -> str:
    """Write an option for a label: the features brand and pack_g as "brand+pack_g", filters by their names."""
    return "+".join(map(str, option)) if isinstance(option, list | tuple | Mapping) else str(option)


def by_item(
    quotes: pl.DataFrame | pl.LazyFrame,
    methods: str | Mapping[str, Any] | IndexMethod | Iterable[str | Mapping[str, Any] | IndexMethod],
    *,
    product: Sequence[str] = ("product",),
    features: Sequence[str] = (),
    periods: Sequence[Any] | pl.Series | None = None,
    min_matched: int = 1,
) -> pl.DataFrame:
    """Compute the index of every item by every method.

    Parameters
    ----------
    quotes
        Columns ``item_id``, ``period``, ``price``, those named in `product` and, for weighted methods,
        ``quantity``.
    methods
        One method or several: names, mappings such as ``{"method": "jevons", "chain": "chained"}``, or
        `IndexMethod`.
    product
        Columns that together identify a product; ``("product", "retailer")`` follows each product in each
        shop.
    features
        Columns that describe the products, for "clip" and the hedonic methods. A method with an option
        ``features`` reads those alone, whether they are named here or not.
    periods
        All periods that each item must show; by default those of all items' quotes.
    min_matched
        As for `price_index`.

    Returns
    -------
    Frame sorted by ``item_id``, ``method``, ``period``, with ``index`` (100 at the base of the item),
    ``matched_products`` and ``reason``. The base of an item is its first period with a price, unless the
    method's options name one.

    Raises
    ------
    ValueError
        As `price_index`.
    """
    single = isinstance(methods, str | Mapping | IndexMethod)
    chosen = [IndexMethod.of(method) for method in ([methods] if single else methods)]  # type: ignore
    frame = quotes.lazy().collect()
    if periods is None:
        periods = frame["period"].unique().sort()
    columns = [
        *("item_id", "period", "price"),
        *(["quantity"] if "quantity" in frame.columns else []),
        *_described_by(chosen, features, frame),
    ]
    identity = pl.struct(product) if len(product) > 1 else pl.col(product[0])
    with_features = any(method.method in NEED_FEATURES for method in chosen)
    tables = []
    for (item_id,), item_quotes in (
        frame.select(*columns, identity.alias("product"))
        .partition_by("item_id", as_dict=True, include_key=False)
        .items()
    ):
        panels: dict[str, Panel] = {}
        for method in chosen:
            options = dict(method.options)
            carry, filters = bool(options.pop("carry", False)), options.pop("filters", None) or {}
            if features and method.method in NEED_FEATURES:
                options.setdefault("features", features)
            prepared = repr((carry, filters))
            if prepared not in panels:
                kept = drop_products(item_quotes, filters).kept if filters else item_quotes
                panels[prepared] = make_panel(kept, periods=periods, carry=carry, with_features=with_features)
            panel = panels[prepared]
            index = index_of_panel(panel, method.method, min_matched=min_matched, **options)
            tables.append(
                index.select(
                    pl.lit(item_id, dtype=frame.schema["item_id"]).alias("item_id"),
                    "period",
                    pl.lit(method.label).alias("method"),
                    "index",
                    "matched_products",
                    "reason",
                )
            )
    if not tables:
        return pl.DataFrame(
            schema={
                "item_id": frame.schema["item_id"],
                "period": frame.schema["period"],
                "method": pl.String,
                "index": pl.Float64,
                "matched_products": pl.Int64,
                "reason": pl.String,
            }
        )
    return pl.concat(tables).sort("item_id", "method", "period")


def _described_by(methods: Sequence[IndexMethod], features: Sequence[str], quotes: pl.DataFrame) -> list[str]:
    """Return the columns that describe the products for any of the methods, those that the quotes have."""
    wanted = [*features, *(name for method in methods for name in method.options.get("features") or ())]
    return [column for column in dict.fromkeys(map(column_of, wanted)) if column in quotes.columns]
