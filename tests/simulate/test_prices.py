"""The simulated price world: its files, its faults and its truth must agree with one another."""

import csv
import gzip
import hashlib
import io
import math
import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_assets.simulate.prices import SCALES, FaultCounts, Summary, item_table, simulate_prices
from ons_assets.simulate.prices import tables as package_tables
from ons_assets.simulate.prices.assortment import build_assortment
from ons_assets.simulate.prices.faults import FAULT_CLASSES, plan_faults, rename_day
from ons_assets.simulate.prices.paths import build_paths, item_level, round_pence
from ons_assets.simulate.prices.runs import Scraper, cut_inside_record, plan_runs
from ons_assets.simulate.prices.scales import NO_FAULTS
from ons_assets.simulate.prices.tables import Level
from ons_assets.simulate.prices.web_pages import COLUMNS
from ons_assets.simulate.prices.world import DEFAULT_SEED, DEFAULT_START

TRUTH = ("products", "prices", "indices", "faults", "runs")
UNIT_QUANTITY = {"g": 1, "kg": 1000, "ml": 1, "l": 1000, "litre": 1000, "cl": 10, "each": 1}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder = tmp_path_factory.mktemp("world")
    return simulate_prices(folder / "drops", folder / "truth")


@pytest.fixture(scope="module")
def truth(world: Summary) -> dict[str, pl.DataFrame]:
    return {name: pl.read_parquet(world.truth / f"{name}.parquet") for name in TRUTH}


@pytest.fixture(scope="module")
def files(world: Summary) -> dict[str, list[dict[str, str]]]:
    """Whole records of every file, read by the standard library."""
    found = {}
    for path in sorted(world.drops.iterdir()):
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
        found[path.name] = [dict(zip(lines[0], line, strict=True)) for line in lines[1:] if len(line) == len(COLUMNS)]
        if lines:
            assert tuple(lines[0]) == COLUMNS
    return found


def faults_of(truth: dict[str, pl.DataFrame], name: str) -> list[dict]:
    rows = truth["faults"].filter(pl.col("class") == name).to_dicts()
    assert rows, f"no {name} in the small world"
    return rows


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(world, tmp_path):
    again = simulate_prices(tmp_path / "drops", tmp_path / "truth")
    assert contents(again.drops) == contents(world.drops)
    assert contents(again.truth) == contents(world.truth)


def test_another_seed_gives_another_world_with_every_fault(world, tmp_path):
    other = simulate_prices(tmp_path / "drops", tmp_path / "truth", seed=7)
    assert set(other.faults) == set(FAULT_CLASSES)
    ours = pl.read_parquet(world.truth / "products.parquet")["product_name"]
    theirs = pl.read_parquet(other.truth / "products.parquet")["product_name"]
    assert ours.to_list() != theirs.to_list()


def test_faults_do_not_reshuffle_products_and_prices(truth, tmp_path):
    faults = replace(NO_FAULTS, shelf_renamed=True)
    calm = replace(SCALES["small"], faults=faults, price_typo_rate=0, mislabelled_rate=0, second_run_rate=0)
    summary = simulate_prices(tmp_path / "drops", tmp_path / "truth", scale=calm)
    for name in ("products", "prices", "indices"):
        assert pl.read_parquet(summary.truth / f"{name}.parquet").equals(truth[name]), name
    assert set(summary.faults) == {"duplicate_rows", "shelf_renamed"}
    assert summary.files == 3 * 75


def test_every_class_of_fault_is_present(world):
    assert set(world.faults) == set(FAULT_CLASSES)


def test_runs_table_says_what_the_files_hold(world, truth, files):
    in_files = {name: len(rows) for name, rows in files.items()}
    runs = truth["runs"].filter(pl.col("file").is_not_null())
    assert dict(runs.select("file", "rows").iter_rows()) == in_files
    assert sum(in_files.values()) == world.rows
    assert dict(runs.select("file", "bytes").iter_rows()) == {
        path.name: path.stat().st_size for path in world.drops.iterdir()
    }
    assert len(truth["runs"]) == world.runs
    assert len(runs) == world.files


def test_several_runs_on_some_days(truth):
    assert 0 < truth["runs"].filter(number=2).height < 0.2 * len(truth["runs"])


def test_every_row_is_one_product_of_the_truth(truth, files):
    on_sale = truth["prices"].join(truth["products"], on="product_id")
    key = ["day", "retailer", "item_id", "product_name"]
    assert not on_sale.select(key).is_duplicated().any()
    known = {
        row[:4]: row[4] for row in on_sale.filter("in_scope").select(*key, "product_id").iter_rows()
    } | dict.fromkeys(on_sale.filter(~pl.col("in_scope")).select(key).iter_rows())
    in_scope = Counter()
    source = dict(truth["runs"].select("file", "source_day").iter_rows())
    for name, rows in files.items():
        for row in rows:
            where = (source[name], row["store"].lower(), row["ons_item_no"], row["product_name"])
            assert where in known, where
            in_scope[name] += known[where] is not None
    assert {name: count for name, count in in_scope.items() if count} == dict(
        truth["runs"].filter(pl.col("in_scope_rows") > 0).select("file", "in_scope_rows").iter_rows()
    )


def test_share_of_rows_in_scope(world):
    assert 0.5 < world.in_scope_rows / world.rows < 0.75


def test_missing_runs_leave_no_file(world, truth):
    rows = faults_of(truth, "missing_run")
    for row in rows:
        assert not list(world.drops.glob(f"{row['retailer']}_products_{row['day']:%Y%m%d}*"))
    by_day = Counter(row["day"] for row in rows)
    assert sum(stores == 3 for stores in by_day.values()) == SCALES["small"].faults.outage_days
    covered = {(path.name.split("_")[0], path.name.split("_")[2][:8]) for path in world.drops.iterdir()}
    assert len(covered) == 75 * 3 - len(rows)


def test_empty_runs_have_no_bytes(world, truth):
    empty = {row["file"] for row in faults_of(truth, "empty")}
    assert empty == {path.name for path in world.drops.iterdir() if path.stat().st_size == 0}


def test_truncated_runs_end_inside_a_record(world, truth):
    truncated = {row["file"] for row in faults_of(truth, "truncated")}
    for path in world.drops.iterdir():
        content = path.read_bytes()
        if content:
            assert content.endswith(b"\r\n") == (path.name not in truncated)


def test_inflated_runs_read_the_shelves_three_times(truth, files):
    for row in faults_of(truth, "inflated"):
        names = Counter((each["ons_item_no"], each["product_name"]) for each in files[row["file"]])
        assert min(names.values()) == 3
        others = truth["runs"].filter(pl.col("class") == "ordinary", retailer=row["retailer"])["rows"]
        assert len(files[row["file"]]) > 2.5 * others.max()
        clock = [each["timestamp"] for each in files[row["file"]]]
        assert clock == sorted(clock)
        assert all(stamp.startswith(str(row["day"])) for stamp in clock)


def test_stuck_runs_repeat_the_source_while_prices_move_on(truth, files):
    runs = truth["runs"]
    for row in faults_of(truth, "stuck"):
        source_day = runs.filter(file=row["file"])["source_day"].item()
        source = runs.filter(day=source_day, retailer=row["retailer"], number=1)["file"].item()
        assert source_day < row["day"]
        assert [strip_time(each) for each in files[row["file"]]] == [strip_time(each) for each in files[source]]
        mine = pl.col("product_id").str.starts_with(row["retailer"])
        before, now = (truth["prices"].filter(mine, day=day).drop("day") for day in (source_day, row["day"]))
        assert not before.equals(now)


def strip_time(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(value for column, value in row.items() if column != "timestamp")


def test_vanished_items_are_on_sale_and_not_in_the_file(truth, files):
    on_sale = truth["prices"].join(truth["products"], on="product_id")
    rows = faults_of(truth, "item_vanished")
    for row in rows:
        assert not any(each["ons_item_no"] == row["item_id"] for each in files[row["file"]])
        assert on_sale.filter(day=row["day"], retailer=row["retailer"], item_id=row["item_id"]).height > 0
    listed = {(row["file"], row["item_id"]) for row in rows}
    stocked = {
        retailer: set(truth["products"].filter(retailer=retailer)["item_id"])
        for retailer in ("pellworth", "thistlemoor", "larkmere")
    }
    whole = truth["runs"].filter(pl.col("class").is_in(["ordinary", "inflated"]))
    for name, retailer in whole.select("file", "retailer").iter_rows():
        gone = stocked[retailer] - {each["ons_item_no"] for each in files[name]}
        assert {(name, item) for item in gone} == {pair for pair in listed if pair[0] == name}


def test_shelf_is_renamed_for_good(truth, files):
    for row in faults_of(truth, "shelf_renamed"):
        names = defaultdict(set)
        for name, file_rows in files.items():
            if name.startswith(row["retailer"]):
                run = truth["runs"].filter(file=name).row(0, named=True)
                after = run["class"] != "empty" and run["source_day"] >= row["day"]
                names[after] |= {each["product_type"] for each in file_rows if each["ons_item_no"] == row["item_id"]}
        assert names[False] == {"Bread rolls and wraps"}
        assert names[True] == {"Bread and cakes"}
        cakes = truth["products"].filter(kind="cakes", item_id=row["item_id"])
        assert cakes.height > 0
        assert cakes["first_day"].min() >= row["day"]
        assert not cakes["in_scope"].any()


def test_repeated_rows_are_counted(truth, files):
    counted = {}
    for name, rows in files.items():
        seen, repeats = set(), Counter()
        for row in rows:
            key = (row["ons_item_no"], row["product_name"])
            repeats[row["ons_item_no"]] += key in seen
            seen.add(key)
        counted |= {(name, item): count for item, count in repeats.items() if count}
    told = {(row["file"], row["item_id"]): row["rows"] for row in faults_of(truth, "duplicate_rows")}
    assert told == counted
    ordinary = truth["runs"].filter(pl.col("class") == "ordinary")
    assert ordinary["repeated_rows"].sum() / ordinary["rows"].sum() == pytest.approx(0.089, abs=0.003)


def test_prices_are_the_true_ones_but_for_the_typing_errors_told(truth, files):
    on_sale = truth["prices"].join(truth["products"], on="product_id")
    key = ["day", "retailer", "item_id", "product_name"]
    true_price = {row[:4]: row[4:] for row in on_sale.select(*key, "price_gbp", "product_id").iter_rows()}
    source = dict(truth["runs"].select("file", "source_day").iter_rows())
    wrong = Counter()
    for name, rows in files.items():
        for row in rows:
            price, product = true_price[source[name], row["store"].lower(), row["ons_item_no"], row["product_name"]]
            shown = float(row["item_price_num"])
            if shown != price:
                factor = round(shown / price)
                assert shown == pytest.approx(factor * price)
                wrong[name, product, f"the price is multiplied by {factor}"] += 1
    told = {(row["file"], row["product_id"], row["what"]): row["rows"] for row in faults_of(truth, "price_typo")}
    assert told == wrong


def test_unit_prices_are_for_the_unit_shown_but_for_the_wrong_units_told(truth, files):
    on_sale = truth["prices"].join(truth["products"], on="product_id")
    key = ["day", "retailer", "item_id", "product_name"]
    pack = {
        row[:4]: row[4:]
        for row in on_sale.select(*key, "pack_count", "pack_size", "pack_unit", "product_id").iter_rows()
    }
    source = dict(truth["runs"].select("file", "source_day").iter_rows())
    wrong = Counter()
    for name, rows in files.items():
        for row in rows:
            if not row["unit_price"]:
                assert not any(row[column] for column in ("volume_price", "no_units", "units", "std_price"))
                continue
            where = (source[name], row["store"].lower(), row["ons_item_no"], row["product_name"])
            count, size, unit, product = pack[where]
            shown, per = float(row["unit_price"]), float(row["no_units"])
            if row["units"] == "na":
                # These pages name no unit: 1 stands for a kilogram, a litre or a piece, 75 for centilitres.
                assert (row["std_price"], row["std_unit"]) == ("0.0", "unknown")
                per *= {"1": 1 if unit == "each" else 1000, "75": 10}.get(row["no_units"], 1)
            else:
                per *= UNIT_QUANTITY[row["units"]]
                standard = shown * UNIT_QUANTITY[row["std_unit"]] / per
                assert float(row["std_price"]) == pytest.approx(standard, abs=1e-4)
            if abs(shown - float(row["item_price_num"]) * per / (count * size)) > 0.00501:
                wrong[name, product] += 1
    told = {(row["file"], row["product_id"]): row["rows"] for row in faults_of(truth, "unit_mislabelled")}
    assert wrong == told


def test_truth_indices_equal_a_slow_computation(truth):
    products = {row["product_id"]: row for row in truth["products"].filter("in_scope").to_dicts()}
    codes = {
        "day": lambda day: day.isoformat(),
        "week": lambda day: f"{day.isocalendar().year}-W{day.isocalendar().week:02d}",
        "month": lambda day: f"{day:%Y-%m}",
    }
    logs: dict[tuple, list[float]] = defaultdict(list)
    for day, product_id, price in truth["prices"].select("day", "product_id", "price_gbp").iter_rows():
        if product_id in products:
            product = products[product_id]
            quantity = product["pack_count"] * product["pack_size"]
            for frequency, code in codes.items():
                where = (product["item_id"], frequency, code(day))
                logs[*where, "jevons", product_id].append(math.log(price))
                logs[*where, "jevons_linked", product["lineage"]].append(math.log(price / quantity))
    means: dict[tuple, dict[str, float]] = defaultdict(dict)
    for (item_id, frequency, period, kind, unit), values in logs.items():
        means[item_id, frequency, period, kind][unit] = sum(values) / len(values)
    base = {(item, frequency, kind): {} for item, frequency, _, kind in means}
    for item, frequency, period, kind in sorted(means):
        if not base[item, frequency, kind]:
            base[item, frequency, kind] = means[item, frequency, period, kind]
    assert len(truth["indices"]) == 12 * (75 + 11 + 3)
    for row in truth["indices"].to_dicts():
        for kind, count in (("jevons", "products_matched"), ("jevons_linked", "lineages_matched")):
            now = means[row["item_id"], row["frequency"], row["period"], kind]
            then = base[row["item_id"], row["frequency"], kind]
            relatives = [now[unit] - then[unit] for unit in now if unit in then]
            assert row[count] == len(relatives)
            assert row[kind] == pytest.approx(100 * math.exp(sum(relatives) / len(relatives)), rel=1e-12)


def test_path_is_the_geometric_mean_of_the_level(truth):
    recipe = package_tables.recipes()["212720"]
    level = item_level(DEFAULT_SEED, "212720", recipe.level, DEFAULT_START, 75)
    june, july = level[:29], level[29:60]
    months = truth["indices"].filter(item_id="212720", frequency="month")["path"].to_list()
    assert months[0] == 100
    assert months[1] == pytest.approx(100 * math.exp(july.mean() - june.mean()))


def test_season_is_cheapest_on_its_day():
    level = Level(yearly=0.0, weekly_sd=0.0, season=0.25, cheapest_day=180)
    path = item_level(1, "any", level, date(2015, 1, 1), 365)
    assert int(np.argmin(path)) == 179
    assert path.max() - path.min() == pytest.approx(0.5, abs=1e-3)


def test_relaunches_change_the_pack_and_follow_at_once(truth):
    relaunched = truth["products"].filter(pl.col("replaces").is_not_null())
    assert relaunched.height > 0
    pairs = relaunched.join(truth["products"], left_on="replaces", right_on="product_id", suffix="_before")
    for pair in pairs.to_dicts():
        assert pair["first_day"] > pair["last_day_before"]
        assert pair["pack_size"] != pair["pack_size_before"]
        assert (pair["lineage"], pair["brand"]) == (pair["lineage_before"], pair["brand_before"])


def test_products_enter_leave_and_return(truth):
    products = truth["products"]
    first, last = DEFAULT_START, DEFAULT_START + timedelta(74)
    assert products.filter(pl.col("first_day") > first).height > 0
    assert products.filter(pl.col("last_day") < last).height > 0
    assert products["returned"].any()
    days = truth["prices"].group_by("product_id").agg(pl.len(), pl.col("day").min().alias("first"))
    checked = products.join(days, on="product_id", how="left")
    assert (checked["days_on_sale"] == checked["len"]).all()
    assert (checked["first_day"] == checked["first"]).all()


def test_only_a_cut_changes_the_price(truth):
    prices = truth["prices"]
    cut = pl.col("promotion").str.starts_with("cut")
    assert prices.filter(cut).height > 0
    assert prices.filter(cut).select((pl.col("price_gbp") < pl.col("regular_price_gbp")).all()).item()
    assert prices.filter(~cut).select((pl.col("price_gbp") == pl.col("regular_price_gbp")).all()).item()


def test_promotions_are_announced(truth, files):
    name = truth["runs"].filter(pl.col("class") == "ordinary", retailer="thistlemoor")["file"][0]
    cuts = [row for row in files[name] if row["offer"].startswith("Only")]
    assert cuts
    for row in cuts:
        now = re.match(r"Only (?:£([\d.]+)|(\d+)p)", row["offer"])
        assert now is not None
        assert float(now[1] or int(now[2]) / 100) == float(row["item_price_num"])


def test_round_pence_keeps_the_price_points():
    assert round_pence(np.array([0.2, 99.4, 122.0, 733.0, 2030.0])).tolist() == [1, 99, 120, 730, 2050]


@pytest.mark.parametrize("day", [0, 120, 300])
def test_full_scale_has_the_quotes_of_the_pilot(full_world, day):
    scraper, runs = full_world
    rows = sum(len(scraper.collect(run).rows) for run in runs if run.day == day)
    assert rows == pytest.approx(6_500, rel=0.03)


@pytest.fixture(scope="module")
def full_world():
    scale = replace(SCALES["full"], faults=NO_FAULTS, second_run_rate=0)
    plan = plan_faults(scale, 3)
    assortment = build_assortment(scale, 3, DEFAULT_START, rename_day(scale))
    assert assortment.products["item_id"].n_unique() == 34
    paths = build_paths(assortment, 3, DEFAULT_START)
    scraper = Scraper(scale, 3, assortment, paths, plan, {}, None)
    return scraper, list(plan_runs(scale, 3, DEFAULT_START, plan))


def test_compressed_files_hold_the_same_records(world, tmp_path):
    summary = simulate_prices(tmp_path / "drops", tmp_path / "truth", scale=replace(SCALES["small"], compress=True))
    packed = {path.name.removesuffix(".gz"): path for path in summary.drops.iterdir()}
    assert packed.keys() == {path.name for path in world.drops.iterdir()}
    for name, path in list(packed.items())[::20]:
        assert gzip.decompress(path.read_bytes()) == (world.drops / name).read_bytes()


def test_medium_and_full_have_room_for_their_faults():
    for name in ("medium", "full"):
        scale = SCALES[name]
        plan = plan_faults(scale, DEFAULT_SEED)
        counts = scale.faults
        assert Counter(plan.runs.values()) == {
            "missing_run": 3 * counts.outages * counts.outage_days + counts.missing_runs,
            "stuck": counts.stuck * counts.stuck_days,
            "empty": counts.empty,
            "truncated": counts.truncated,
            "inflated": counts.inflated,
        }
        assert len(plan.vanished) == counts.item_vanished


@pytest.mark.parametrize("seed", range(20))
def test_a_killed_run_is_text_with_a_broken_last_record(seed):
    text = ("héader,£\r\n" + "a,£££££,b\r\n" * 900).encode()
    cut = cut_inside_record(np.random.default_rng(seed), text)
    assert text.startswith(cut)
    last = cut.decode().rsplit("\r\n", 1)[1]
    assert last not in ("", "a,£££££,b")


def test_item_table_and_recipes_are_of_the_same_items():
    items = item_table()
    assert items.columns == ["item_id", "item", "group", "top_group", "weight", "in_small"]
    assert items["item_id"].to_list() == list(package_tables.recipes())
    assert items["item_id"].n_unique() == len(items) == 34
    assert (items["weight"] > 0).all()
    assert items["group"].n_unique() == 10
    assert items.group_by("group").agg(pl.col("top_group").n_unique())["top_group"].to_list() == [1] * 10
    for recipe in package_tables.recipes().values():
        shares = sum(kind.share for kind in recipe.kinds if not kind.from_rename)
        assert shares == pytest.approx(1.0), recipe.item_id


def test_layout_is_that_of_the_pilots_files(shared_data, world, files):
    """Columns, line ends and the way prices are written are those of the real run files."""
    folder = shared_data / "prices" / "ons_webscraped"
    written = ["item_price_str", "volume_price", "units", "std_unit"]
    quotes = pl.read_parquet(folder / "quotes_2016.parquet", columns=["store", *written])
    header = gzip.decompress((folder / "raw_runs" / "tesco_products_20161010040002.csv.gz").read_bytes())
    for retailer, model in (("pellworth", "TESCO"), ("thistlemoor", "SAINSBURY"), ("larkmere", "WAITROSE")):
        ours = [row for name, rows in files.items() if name.startswith(retailer) for row in rows]
        for column in written:
            theirs = quotes.filter(store=model).select(column).unique().fill_null("")[column]
            known = {shape(text) for text in theirs}
            assert {shape(row[column]) for row in ours} <= known, (retailer, column)
        assert all(re.fullmatch(r"\d+\.\d{1,4}|", row["std_price"]) for row in ours)
        assert all(re.fullmatch(r"\d+\.\d{1,2}", row["item_price_num"]) for row in ours)
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", row["timestamp"]) for row in ours)
        path = next(world.drops.glob(f"{retailer}*"))
        assert path.read_bytes().split(b"\n", 1)[0] == header.split(b"\n", 1)[0]


def shape(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", text)


def test_truth_among_the_drops_is_refused(tmp_path):
    with pytest.raises(ValueError, match="truth must not lie"):
        simulate_prices(tmp_path, tmp_path / "truth")


def test_a_second_world_in_the_same_folder_is_refused(world, tmp_path):
    with pytest.raises(FileExistsError, match="already holds run files"):
        simulate_prices(world.drops, tmp_path)


def test_unknown_scale_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no scale 'huge'; there are small, medium"):
        simulate_prices(tmp_path / "drops", tmp_path / "truth", scale="huge")


def test_a_period_too_short_for_its_faults_is_refused(tmp_path):
    short = replace(SCALES["small"], days=12)
    with pytest.raises(ValueError, match="12 days are too few for the faults asked for"):
        simulate_prices(tmp_path / "drops", tmp_path / "truth", scale=short)


def test_more_products_than_the_recipes_can_name_are_refused(tmp_path):
    huge = replace(SCALES["small"], quotes_per_day=400_000, days=2, faults=NO_FAULTS)
    with pytest.raises(ValueError, match="can name only"):
        simulate_prices(tmp_path / "drops", tmp_path / "truth", scale=huge)


def test_fault_counts_name_what_they_count():
    assert FaultCounts().outage_days == 2
    assert plan_faults(replace(SCALES["small"], faults=NO_FAULTS), 1).runs == {}
