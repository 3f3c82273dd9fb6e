"""The collectors' rules: words that a product must, should not or must not have, and what its pack may hold."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ons_assets.parameters.prices import RuleParameters
from ons_assets.prices.classification.attributes import percentages
from ons_assets.prices.packs import parse_pack
from ons_assets.wording import no_such

BUILT_IN = Path(__file__).with_name("item_rules.csv")
SCHEMA = {
    "item_id": pl.String(),
    "item": pl.String(),
    "rule": pl.String(),
    "words": pl.String(),
    "lowest": pl.Float64(),
    "highest": pl.Float64(),
    "unit": pl.String(),
}
WORD_RULES = ("require", "include", "doubt", "remove")
# What a name must have: an office that says it says all of it.
SAID_TOGETHER = {"require": "include"}
LIMIT_RULES = ("quantity", "alcohol", "pieces")
DESCRIBE = "describe"
SEPARATOR = "|"
OWN_LABEL = "{retailer}"
_ALCOHOL = re.compile(r"(\d+(?:\.\d+)?)\s*%?\s*-\s*(\d+(?:\.\d+)?)\s*%\s*(?:ABV|VOL)", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """What the rules say of a product: how likely it is the item, and why."""

    probability: float
    reason: str


@dataclass
class ItemRules:
    """The rules of one item.

    Attributes
    ----------
    words
        Words by rule ("require", "include", "doubt", "remove").
    limits
        Lowest, highest and unit by rule ("quantity" of the pack, "alcohol" by volume, "pieces"); None is open.
    parameters
        How likely a product is the item, by the rule that speaks.
    """

    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    limits: dict[str, tuple[float | None, float | None, str]] = field(default_factory=dict)
    parameters: RuleParameters = field(default_factory=RuleParameters)

    def judge(self, name: str, retailer: str = "") -> Verdict:
        """Say how likely a product of this name is the item."""
        text, likely = unaccented(name.upper()), self.parameters
        if found := find_word(text, self.words.get("remove", ()), retailer):
            return Verdict(likely.removed, f"has {found!r} (remove)")
        required = self.words.get("require", ())
        if required and not find_word(text, required, retailer):
            return Verdict(likely.removed, f"has none of {_some(required)} (require)")
        far = self._beyond(text, likely.far_beyond)
        if far:
            return Verdict(likely.removed, far)
        if found := find_word(text, self.words.get("doubt", ()), retailer):
            return Verdict(likely.doubted, f"has {found!r} (doubt)")
        if beyond := self._beyond(text, likely.limit_slack):
            return Verdict(likely.limited, beyond)
        included = self.words.get("include", ())
        if included and not (found := find_word(text, included, retailer)):
            return Verdict(likely.not_included, f"has none of {_some(included)}")
        return Verdict(likely.passed, f"has {found!r} (include)" if included else "no rule speaks against it")

    def _beyond(self, text: str, slack: float) -> str | None:
        """A sentence for the first limit that the name is beyond by more than the slack; alcohol has no far side."""
        limits = ((rule, limit) for rule, limit in sorted(self.limits.items()))
        if slack >= self.parameters.far_beyond:
            limits = ((rule, limit) for rule, limit in limits if rule != "alcohol")
        return next((said for rule, limit in limits if (said := _beyond(text, rule, *limit, slack))), None)


def built_in_rules() -> pl.DataFrame:
    """Return the rules that come with the program: the pilot's 34 items, written from their descriptions."""
    return pl.read_csv(BUILT_IN, schema=SCHEMA)


def in_force(received: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rules of a statistical office, and of the items that it has none for, those built in.

    Parameters
    ----------
    received
        As the table `reference/item_rules`; None if nothing was received. A rule replaces the built-in ones of its
        kind of its item, "include" also those of "require". An item that is given by its name only is known by the
        built-in names.
    """
    built_in = built_in_rules()
    if received is None:
        return built_in
    ids = built_in.select("item_id", _key=_squeezed("item")).unique("_key", keep="first", maintain_order=True)
    own = (
        received.select(*SCHEMA)
        .with_columns(_key=_squeezed("item"))
        .join(ids, on="_key", how="left", suffix="_by_name", maintain_order="left")
        .with_columns(item_id=pl.coalesce("item_id", "item_id_by_name"))
        .drop_nulls("item_id")
        .select(*SCHEMA)
    )
    kind = pl.col("rule").replace(SAID_TOGETHER).alias("_kind")
    said = own.select("item_id", kind).unique()
    unsaid = built_in.with_columns(kind).join(said, on=["item_id", "_kind"], how="anti").drop("_kind")
    return pl.concat([own, unsaid])


def _squeezed(column: str) -> pl.Expr:
    """Letters and digits alone: the spellings of an item differ in dashes and blanks."""
    return pl.col(column).str.to_lowercase().str.replace_all(r"[^a-z0-9]", "")


def limits_of(description: str, size_reach: float) -> dict[str, tuple[float | None, float | None, str]]:
    """Return the limits that the description of an item implies.

    "4.5%-5.5% ABV" limits the alcohol. A size ("800g", "70cl") admits packs so many times smaller and larger as the
    reach says: the collectors may take the nearest size that a shop has. "per kg" says how to record a price, and
    limits nothing.
    """
    limits: dict[str, tuple[float | None, float | None, str]] = {}
    if alcohol := _ALCOHOL.search(description):
        limits["alcohol"] = (float(alcohol[1]), float(alcohol[2]), "%")
    pack = parse_pack(_ALCOHOL.sub(" ", description))
    if pack is not None and pack.unit != "each":
        limits["quantity"] = (pack.quantity / size_reach, pack.quantity * size_reach, pack.unit)
    return limits


def by_item(rules: pl.DataFrame, parameters: RuleParameters | None = None) -> dict[str, ItemRules]:
    """Return the rules by item; several rows of a rule add up, a later limit replaces an earlier one."""
    parameters = parameters or RuleParameters()
    items: dict[str, ItemRules] = {}
    described: dict[str, dict[str, tuple[float | None, float | None, str]]] = {}
    for row in rules.iter_rows(named=True):
        item = items.setdefault(row["item_id"], ItemRules(parameters=parameters))
        if row["rule"] in WORD_RULES:
            words = tuple(
                unaccented(word.strip().upper()) for word in (row["words"] or "").split(SEPARATOR) if word.strip()
            )
            item.words[row["rule"]] = (*item.words.get(row["rule"], ()), *words)
        elif row["rule"] in LIMIT_RULES:
            item.limits[row["rule"]] = (row["lowest"], row["highest"], row["unit"])
        elif row["rule"] == DESCRIBE:
            described[row["item_id"]] = limits_of(row["words"] or "", parameters.size_reach)
        else:
            raise ValueError(no_such("rule", row["rule"], [*WORD_RULES, *LIMIT_RULES, DESCRIBE]))
    for item_id, limits in described.items():
        items[item_id].limits = {**limits, **items[item_id].limits}  # a limit that somebody set comes first
    return items


def judge(products: pl.DataFrame, rules: Mapping[str, ItemRules]) -> pl.DataFrame:
    """Add what the rules say of products.

    Parameters
    ----------
    products
        ``retailer``, ``item_id``, ``product``.
    rules
        By item.

    Returns
    -------
    DataFrame
        With ``rule_probability`` and ``rule_reason``; null where the item has no rules.
    """
    verdicts = [
        rules[item_id].judge(product, retailer) if item_id in rules else None
        for retailer, item_id, product in products.select("retailer", "item_id", "product").iter_rows()
    ]
    return products.with_columns(
        pl.Series("rule_probability", [each and each.probability for each in verdicts], dtype=pl.Float64),
        pl.Series("rule_reason", [each and each.reason for each in verdicts], dtype=pl.String),
    )


def unaccented(text: str) -> str:
    """Return the text with plain letters: shops write NAKD and NÁKD.

    Examples
    --------
    >>> unaccented("MÜLLER ROSÉ")
    'MULLER ROSE'
    """
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def find_word(text: str, words: Iterable[str], retailer: str = "") -> str | None:
    """Return the first of the words that the text has: at the start of a word of it, or alone if it is short.

    "STRAWB" is in "STRAWBERRIES", "CAN" is in "4 CANS" but not in "CANDY", and "0%" is not in "40%".

    Parameters
    ----------
    text
        Name of a product, in capitals.
    words
        Words in capitals, in order of preference.
    retailer
        Takes the place of the word that stands for the retailer's own label.
    """
    for word in words:
        wanted = retailer.upper() if word == OWN_LABEL.upper() else word
        if wanted and re.search(_pattern(wanted), text):
            return wanted
    return None


def _some(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:3])}{' ...' if len(words) > 3 else ''}"


def _pattern(word: str) -> str:
    ends = r"(?:'?S)?(?!\w)" if len(word) <= 3 and word.isalpha() else ""
    starts = r"(?<![\w.,])" if word[0].isalnum() else ""
    return starts + re.escape(word) + ends


def _beyond(text: str, rule: str, lowest: float | None, highest: float | None, unit: str, slack: float) -> str | None:
    """A sentence if what the name says lies beyond a limit; None also where it says nothing."""
    if rule == "alcohol":
        values = percentages(text)
        value = values[0] if values else None
    else:
        pack = parse_pack(text)
        value = None
        if pack is not None and rule == "pieces":
            value = float(pack.count)
        elif pack is not None and pack.unit == unit:
            value = pack.quantity
    if value is None:
        return None
    low, high = (lowest or 0.0) / slack, (highest if highest is not None else float("inf")) * slack
    if low <= value <= high:
        return None
    return f"{rule} {value:g} {unit} is not within {lowest if lowest is not None else 0:g} to {highest or 0:g}"
