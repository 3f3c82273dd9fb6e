from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import scope_rules
from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import ClassificationParameters, RuleParameters, ScopeModelParameters
from ons_assets.prices.classification import card, classify, decisions, rules
from ons_assets.prices.classification.attributes import attributes, percentages
from ons_assets.prices.classification.evaluation import (
    NEVER,
    confidence_for,
    confusion,
    cross_validate,
    f1_by_class,
    share_interval,
)
from ons_assets.prices.classification.labels import current
from ons_assets.prices.classification.model import train
from ons_assets.prices.classification.rules import ItemRules, find_word, limits_of
from ons_assets.simulate.prices import office
from tests.prices.simulated import World

THEN = datetime(2016, 8, 1, tzinfo=UTC)
LOAF = "210111"

FEW_TREES = ScopeModelParameters(trees=20, fewest_trees=20)


def products(*names: str, item_id: str = LOAF, retailer: str = "tesco") -> pl.DataFrame:
    """One quote of each product."""
    return pl.DataFrame({"product": names}, schema={"product": pl.String}).with_columns(
        retailer=pl.lit(retailer), item_id=pl.lit(item_id), item=pl.lit("Item"), price=pl.lit(1.0)
    )


def label(product: str, in_scope: bool, by: str = "ann", days: int = 0, item_id: str = LOAF) -> dict[str, object]:
    return {
        "retailer": "tesco",
        "item_id": item_id,
        "product": product,
        "in_scope": in_scope,
        "labelled_by": by,
        "labelled_at_utc": THEN + timedelta(days=days),
    }


def decided(frame: pl.DataFrame, product: str) -> dict[str, object]:
    [row] = frame.filter(product=product).to_dicts()
    return row


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("STRAWBERRIES 400G", "STRAWB", True),
        ("4 CANS", "CAN", True),
        ("CANDY", "CAN", False),
        ("AMERICAN", "CAN", False),
        ("LAGER 0%", "0%", True),
        ("LAGER 40%", "0%", False),
        ("LAGER 5.0%", "0%", False),
        ("TESCO'S LOAF", "{RETAILER}", True),
        ("PLAIN LOAF", "{RETAILER}", False),
        ("MIXED (NUTS)", "(NUTS", True),
    ],
)
def test_where_a_word_is_found(text: str, word: str, found: bool) -> None:
    assert (find_word(text, [word], "tesco") is not None) is found


def test_the_rules_speak_in_their_order() -> None:
    item = ItemRules(
        words={"include": ("LOAF",), "doubt": ("BROWN",), "remove": ("CAKE",)}, limits={"quantity": (0.4, 0.8, "kg")}
    )
    assert item.judge("BROWN LOAF CAKE").probability == RuleParameters().removed
    assert item.judge("BROWN LOAF").probability == RuleParameters().doubted
    assert item.judge("LOAF 1.2KG").reason == "quantity 1.2 kg is not within 0.4 to 0.8"
    assert item.judge("BREAD 800G").probability == RuleParameters().not_included
    assert item.judge("loaf 800g").probability == RuleParameters().passed
    assert item.judge("LOAF 75CL").probability == RuleParameters().passed, "a volume says nothing of a weight"


def test_what_a_name_must_have_and_what_lies_far_beyond_a_limit_is_not_the_item() -> None:
    out, person = RuleParameters().removed, RuleParameters().limited
    item = ItemRules(
        words={"require": ("VODKA", "ROSÉ"), "doubt": ("CAN",)},
        limits={"quantity": (0.65, 1.05, "l"), "alcohol": (4.0, 7.5, "%")},
    )
    assert item.judge("WATER 70CL") == rules.Verdict(out, "has none of VODKA, ROSÉ (require)")
    assert item.judge("VODKA 35CL").probability == out, "half a bottle"
    assert item.judge("VODKA 35CL CAN").probability == out, "what is certain comes before what is doubted"
    assert item.judge("VODKA 60CL").probability == person
    assert item.judge("VODKA 70CL 20%").probability == person, "of alcohol nothing is far"
    assert item.judge("VODKA 70CL").probability == RuleParameters().passed


def test_accents_make_no_difference() -> None:
    item = rules.by_item(
        pl.DataFrame([{"item_id": "1", "item": "", "rule": "remove", "words": "ROSÉ | MUESLI"}], schema=rules.SCHEMA)
    )["1"]
    for name in ("VIN ROSE 75CL", "vin rosé 75cl", "VIN ROSE\u0301", "MÜESLI"):
        assert item.judge(name).probability == RuleParameters().removed


def test_words_that_an_office_includes_replace_those_that_were_required() -> None:
    own = [{"item_id": LOAF, "item": "x", "rule": "include", "words": "BROT"}]
    item = rules.by_item(rules.in_force(pl.DataFrame(own, schema=rules.SCHEMA)))[LOAF]
    assert "require" not in item.words
    assert item.judge("BROT 800G").probability == RuleParameters().passed


@pytest.mark.parametrize(
    ("item_id", "name", "probability"),
    [
        (LOAF, "POPPY APPEAL DONATION £1", "removed"),
        ("210213", "CHOCOLATE CEREAL BARS 6 PACK", "removed"),
        ("211305", "PURE BUTTER GHEE 500G", "removed"),
        ("211305", "BRANDY BUTTER 200G", "removed"),
        ("310421", "PROSECCO 75CL", "removed"),
        ("310421", "AUSTRALIAN SHIRAZ 75CL", "removed"),
        ("310403", "RASPBERRY VODKA 70CL", "removed"),
        ("310403", "PLAIN VODKA 35CL", "removed"),
        ("212720", "BLUEBERRIES 200G", "removed"),
        ("212011", "PURE ORANGE JUICE 1L", "removed"),
        ("310421", "INSTANT COFFEE 200G", "removed"),
        ("310215", "INSTANT COFFEE 200G", "removed"),
        (LOAF, "PLAIN WHITE THICK SLICED BREAD 800G", "passed"),
        ("310421", "MERLOT 75CL", "passed"),
        ("211305", "SLIGHTLY SALTED SPREADABLE 500G", "passed"),
        ("212017", "FIZZY NOVELTY 1L", "passed"),
        ("310419", "NOBODY KNOWS THIS 75CL", "not_included"),
    ],
)
def test_built_in_rules_on_what_lies_on_foreign_shelves(item_id: str, name: str, probability: str) -> None:
    item = rules.by_item(rules.built_in_rules())[item_id]
    assert item.judge(name).probability == getattr(RuleParameters(), probability)


def test_built_in_rules_on_real_names_kept_apart(shared_data: Path) -> None:
    """By time and by retailer; of the fresh samples nothing was known when the rules were finished."""
    judged = scope_rules.judge(
        scope_rules.names(shared_data / "prices/ons_webscraped"), pl.read_csv(scope_rules.LABELS)
    )
    found = {row["part"]: row for row in scope_rules.figures(judged).to_dicts()}
    for part, names, right, person in (
        ("november_2015", 178, 0.96, 0.12),
        ("november_2015_fresh", 116, 0.94, 0.16),
        ("tesco", 164, 0.95, 0.08),
        ("tesco_fresh", 109, 0.9, 0.14),
    ):
        assert found[part]["names"] == names
        assert found[part]["right"] >= right
        assert found[part]["to_a_person"] <= person


def test_what_a_description_limits() -> None:
    assert limits_of("Apple Cider, bottle, 4.5%-5.5% ABV", 2.0) == {"alcohol": (4.5, 5.5, "%")}
    assert limits_of("Large Loaf, White, unsliced, 800g", 2.0)["quantity"] == (
        pytest.approx(0.4),
        pytest.approx(1.6),
        "kg",
    )
    assert limits_of("Apples, dessert, per kg", 2.0) == {}
    assert "alcohol" not in limits_of("Spreadable butter, 500g, 40-70% butter content", 2.0)


def test_rules_that_were_received_replace_the_built_in_ones_of_their_kind() -> None:
    received = pl.DataFrame(
        [
            {"item_id": LOAF, "item": "x", "rule": "remove", "words": "PLAIN"},
            {"item_id": None, "item": "Bananas per KG", "rule": "remove", "words": "GREEN | RED"},
            {"item_id": None, "item": "no such item", "rule": "remove", "words": "A"},
            {"item_id": "999", "item": "New", "rule": "describe", "words": "New thing, 500g"},
        ],
        schema=rules.SCHEMA,
    )
    items = rules.by_item(rules.in_force(received))
    assert items[LOAF].words["remove"] == ("PLAIN",)
    assert "{RETAILER}" in items[LOAF].words["doubt"]
    assert items["212719"].words["remove"] == ("GREEN", "RED")
    assert items["999"].limits["quantity"][2] == "kg"
    with pytest.raises(ValueError, match="no rule 'forbid'"):
        rules.by_item(pl.DataFrame([{"item_id": "1", "item": "", "rule": "forbid"}], schema=rules.SCHEMA))


def test_the_built_in_rules_can_be_read_and_know_the_items_of_the_pilot() -> None:
    items = rules.by_item(rules.built_in_rules())
    assert len(items) == 34
    for item in items.values():
        assert item.words or item.limits
        assert all(low is None or high is None or low <= high for low, high, _ in item.limits.values())


@pytest.mark.parametrize(
    ("name", "expected"), [("LAGER 4.5% 4X440ML", [4.5]), ("MLEKO 3,2% 1L", [3.2]), ("100% JUICE 2 FOR 1", [100.0])]
)
def test_percentages(name: str, expected: list[float]) -> None:
    assert percentages(name) == expected


def test_attributes_say_nothing_of_what_is_not_there() -> None:
    assert attributes("LOAF") == {}
    assert attributes("BEER 4X500ML 5%")["log_quantity"] == pytest.approx(np.log(2.0))


def test_a_label_beats_the_rules_and_the_latest_label_counts() -> None:
    quotes = products("PLAIN LOAF 800G", "CHOC CAKE 400G", "WHOLEMEAL LOAF 800G")
    labels = pl.DataFrame(
        [
            label("PLAIN LOAF, 800G", False, days=2),
            label("PLAIN LOAF 800G", True, by="bob", days=1),
            label("CHOC CAKE 400G", True),
        ]
    )
    found = classify(quotes, None, labels)
    plain = decided(found.quotes, "PLAIN LOAF 800G")
    assert (plain["in_scope"], plain["decided_by"], plain["probability"]) == (False, "label", 0.0)
    assert plain["scope_reason"] == "labelled on 2016-08-03", "quotes are public, and do not say who"
    assert decided(found.quotes, "CHOC CAKE 400G")["in_scope"] is True
    assert decided(found.quotes, "WHOLEMEAL LOAF 800G")["decided_by"] == "rule"
    assert found.queue["product"].to_list() == ["WHOLEMEAL LOAF 800G"]
    assert found.model is None


def test_two_labels_of_one_instant_do_not_depend_on_their_order() -> None:
    both = pl.DataFrame([label("A", True, by="ann"), label("A", False, by="bob")])
    assert current(both)["in_scope"].to_list() == current(both.reverse())["in_scope"].to_list() == [False]


def test_no_quote_is_dropped_and_nothing_stays_without_a_reason() -> None:
    quotes = pl.concat([products("PLAIN LOAF 800G"), products("THING", item_id="999"), products("PLAIN LOAF 800G")])
    found = classify(quotes).quotes
    assert found["product"].to_list() == quotes["product"].to_list()
    unknown = decided(found, "THING")
    assert (unknown["in_scope"], unknown["decided_by"], unknown["needs_review"]) == (True, "nothing", True)
    assert not found.select(pl.col("scope_reason").is_null().any()).item()
    assert classify(quotes.clear()).quotes.is_empty()


def test_the_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="must hold"):
        ClassificationParameters(review_between=(0.6, 0.8))
    with pytest.raises(ValueError, match="precision"):
        ClassificationParameters(review_precision=0.4)


def test_confidence_for_a_precision() -> None:
    confidence, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True])
    assert confidence_for(confidence, right, 1.0) == 0.8
    assert confidence_for(confidence, right, 0.75) == 0.6
    assert confidence_for(confidence, ~right, 0.9) == NEVER
    assert confidence_for(np.array([0.9, 0.9]), np.array([True, False]), 0.9) == NEVER, "ties are decided together"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40))
@settings(deadline=None, max_examples=30)
def test_f1_follows_from_the_confusion_matrix(pairs: list[tuple[str, str]]) -> None:
    truth, predicted = [list(each) for each in zip(*pairs, strict=True)]
    matrix = confusion(truth, predicted)
    for row in f1_by_class(truth, predicted).iter_rows(named=True):
        name = row["class"]
        hit = sum(a == b == name for a, b in pairs)
        total = sum(a == name for a in truth) + sum(b == name for b in predicted)
        assert row["f1"] == pytest.approx(2 * hit / total)
        if name in truth:
            assert matrix.filter(true=name)[name].item() == hit


NAMES = [
    f"{brand} {kind} {size}"
    for brand in "ABCDEFGHIJ"
    for kind in ("WHITE BREAD", "LEMON CAKE")
    for size in ("800G", "400G")
]
TRUTH = ["bread" if "BREAD" in name else "cake" for name in NAMES]
GROUPS = [name.rsplit(" ", 1)[0] for name in NAMES]


def test_a_model_learns_what_can_be_learned_and_says_how_sure_it_is() -> None:
    model = train(NAMES, TRUTH, GROUPS, parameters=FEW_TREES)
    found = model.probabilities(["NEW BRAND WHITE BREAD 600G", "NEW BRAND LEMON CAKE"])
    assert model.classes == ("bread", "cake")
    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert found[0, 0] > 0.8
    assert found[1, 1] > 0.8
    assert model.probabilities([]).shape == (0, 2)


def test_a_model_is_the_same_whatever_the_order_of_its_labels() -> None:
    model = train(NAMES, TRUTH, GROUPS, parameters=FEW_TREES)
    again = train(NAMES[::-1], TRUTH[::-1], GROUPS[::-1], parameters=FEW_TREES)
    assert again.version == model.version
    assert (again.probabilities(NAMES) == model.probabilities(NAMES)).all()
    assert (again.seen_apart[::-1] == model.seen_apart).all()
    assert train(NAMES, [*TRUTH[:-1], "bread"], GROUPS, parameters=FEW_TREES).version != model.version


def test_a_model_needs_two_classes_and_two_products() -> None:
    with pytest.raises(ValueError, match="two classes"):
        train(["A", "B"], ["x", "x"], ["1", "2"])
    with pytest.raises(ValueError, match="two products"):
        train(["A", "B"], ["x", "y"], ["1", "1"])


def test_names_without_meaning_are_not_learned() -> None:
    """Random classes: cross-validation must not find what is not there, and must send nearly all to people."""
    rng = np.random.default_rng(3)
    names = ["".join(rng.choice(list("ABCDEFGHIJKLMNOP"), 8)) for _ in range(80)]
    truth = list(rng.choice(["in", "out"], 80))
    found = cross_validate(names, truth, names, folds=4)
    assert np.mean([a == b for a, b in zip(truth, found.predicted, strict=True)]) < 0.7
    assert found.decided.mean() < 0.3


@pytest.fixture(scope="module")
def simulated(small_world: World) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Products of the simulated world, their truth, and the office's labels."""
    labels = office.product_labels(small_world.truth, 1).with_columns(
        labelled_at_utc=pl.col("labelled_at_utc").str.to_datetime(time_unit="us").dt.replace_time_zone("UTC")
    )
    truth = (
        small_world.table("products")
        .unique(["retailer", "item_id", "product_name"], keep="first")
        .select("retailer", pl.col("item_id").cast(pl.String), product="product_name", true="in_scope")
    )
    quotes = small_world.quotes.unique(["retailer", "item_id", "product"], maintain_order=True)
    return quotes, truth, labels


def test_the_classification_finds_the_truth_of_the_simulation(
    simulated: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
) -> None:
    quotes, truth, labels = simulated
    found = classify(quotes, None, labels)
    assert CATALOGUE["prices/classified_quotes"].conform(found.quotes).height == len(quotes)
    judged = found.quotes.join(truth, on=["retailer", "item_id", "product"])
    others = judged.filter(pl.col("decided_by") == "model")
    right = pl.col("in_scope") == pl.col("true")
    assert len(others) > 400
    assert others.select(right.mean()).item() > 0.94
    assert others.filter(~pl.col("needs_review")).select(right.mean()).item() > 0.96
    assert others["needs_review"].mean() < 0.15
    assert set(others["model_version"]) == {found.model.model.version}  # type: ignore[union-attr]
    assert judged.filter(pl.col("decided_by") != "model")["model_version"].null_count() == len(judged) - len(others)


def test_the_card_says_what_the_model_is_and_how_good(
    simulated: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
) -> None:
    quotes, _, labels = simulated
    model = classify(quotes, None, labels).model
    assert model is not None
    by_item = card.accuracy_by_item(model)
    assert by_item["item_id"].to_list() == [*sorted(model.items), "all"]
    assert by_item["labelled"].to_list()[-1] == sum(by_item["labelled"].to_list()[:-1]) == len(model.training)
    page = card.as_markdown(model)
    assert model.model.version in page
    assert "simulated reviewer" not in page, "the card names no person"
    assert 0 < card.brier(model) < 0.1
    assert f'"version": "{model.model.version}"' in card.as_json(model)


def test_an_item_with_few_labels_is_left_to_the_rules(
    simulated: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
) -> None:
    quotes, _, labels = simulated
    of_one = labels.filter(item_id="212720").head(3)
    few = pl.concat([labels.filter(pl.col("item_id") != "212720"), of_one])
    found = classify(quotes, None, few).quotes.filter(item_id="212720")
    assert set(found["decided_by"]) <= {"label", "rule"}


def test_the_shares_add_up(small_world: World) -> None:
    found = classify(small_world.quotes.head(2000)).quotes
    row = decisions.shares(found).row(0, named=True)
    assert sum(row[f"by_{name}"] for name in decisions.DECIDED_BY) == pytest.approx(1)
    assert decisions.shares(found, by=["retailer"])["rows"].sum() == len(found)


def test_milk_products_of_real_scanner_data(shared_data: object) -> None:
    """Real labelled products; folds by product. One class has one product, and no split by product can learn it."""
    path = shared_data / "prices/scanner/dataCOICOP.csv.gz"  # type: ignore[operator]
    rows = pl.read_csv(path, infer_schema_length=None)
    names = rows.group_by("description").agg(pl.col("category").first(), group=pl.col("codeIN").min().cast(pl.String))
    names = names.sort("description")
    found = cross_validate(*(names[column].to_list() for column in ("description", "category", "group")), folds=5)
    scores = f1_by_class(names["category"].to_list(), found.predicted).filter(pl.col("class") != "goat milk")
    assert scores["f1"].mean() > 0.9  # type: ignore[operator]


def test_the_interval_of_wilson_is_the_published_one() -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)."""
    for hits, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert share_interval(hits, of) == pytest.approx((low, high), abs=5e-5)
