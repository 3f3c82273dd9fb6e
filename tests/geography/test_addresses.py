import gzip

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.geography.address_classes import CLASSES
from ons_assets.geography.address_files import class_of, read_addressbase
from ons_assets.geography.addresses import nearest_addresses
from ons_assets.intake.limits import Limits
from ons_assets.intake.unreadable import Unreadable
from ons_assets.parameters.geography import NearestParameters

HEADER = '10,"GeoPlace",9999,2011-07-08,1,2011-07-08,16:00:30,"2.0","F"\n'


def blpu(uprn, x=530000.0, y=180000.0, status="1", change="I", latitude="", longitude=""):
    where = f"{x},{y},{latitude},{longitude}"
    return f'21,"{change}",1,{uprn},{status},,,,{where},1,6815,"E",2001-05-10,,,,"D","CF11 9PX",0\n'


def classified(uprn, code, scheme="AddressBase Premium Classification Scheme", end=""):
    return f'32,"I",2,{uprn},"6815C0",{code},"{scheme}",1.0,2001-05-10,{end},2007-08-29,2001-05-10\n'


def write(tmp_path, text, name="ab.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["ab.csv", "ab.csv.gz"])
def test_premium_joins_properties_and_classifications(tmp_path, name):
    text = HEADER + blpu(1) + blpu(2) + classified(2, "CE01") + classified(1, "RD04") + "99,0,2,2011-07-08,16:00:30\n"
    parsed = read_addressbase(write(tmp_path, text, name), Limits())
    assert parsed.rejected.is_empty()
    assert parsed.accepted.select("uprn", "class", "postcode", "line").rows() == [
        (1, "residential", "CF11 9PX", 2),
        (2, "education", "CF11 9PX", 3),
    ]


def test_premium_leaves_out_what_is_historic_deleted_or_of_another_scheme(tmp_path):
    text = blpu(1) + blpu(2, status="8") + blpu(3, change="D") + classified(1, "RD")
    text += classified(1, "CR", "VOA Special")
    parsed = read_addressbase(write(tmp_path, text + classified(1, "CE", end="2009-01-01")), Limits())
    assert parsed.accepted["uprn"].to_list() == [1]
    assert parsed.accepted["class"].to_list() == ["residential"]
    assert parsed.rejected.is_empty()
    assert parsed.notes == ("4 records of other types, historic or deleted",)


def test_premium_rejects_with_the_line(tmp_path):
    text = (
        blpu(1)
        + blpu("x")
        + blpu(2, x="")
        + "77,oops\n"
        + '21,"I",1,5\n'
        + blpu(3, latitude=50.7, longitude=-3.5)
        + blpu(4)
        + classified(1, "RD")
        + classified(2, "RD")
        + classified(3, "RD")
        + classified(4, "QQ")
    )
    parsed = read_addressbase(write(tmp_path, text), Limits())
    assert parsed.accepted["uprn"].to_list() == [1]
    assert dict(zip(parsed.rejected["line"], parsed.rejected["reason"], strict=True)) == {
        2: "UPRN is missing or not a number",
        3: "position is missing or off the National Grid",
        4: "record type is not one of AddressBase Premium",
        5: "4 fields where a record 21 has 22",
        6: "position in metres and position in degrees are not the same place",
        7: "classification is missing or not in the scheme",
    }


def test_plus_and_core(tmp_path):
    core = (
        "UPRN,EASTING,NORTHING,CLASSIFICATION_CODE,POSTCODE,CHANGE_CODE\n1,530000,180000,RD04,N1 1AA,I\n2,1,1,RD,,D\n"
    )
    plus = 'UPRN,X_COORDINATE,Y_COORDINATE,CLASS,POSTCODE_LOCATOR\n7,530000.5,180000,CT08,"N1 1AA"\n8,1\n'
    parsed = read_addressbase(write(tmp_path, core), Limits())
    assert parsed.accepted.select("uprn", "class").rows() == [(1, "residential")]
    parsed = read_addressbase(write(tmp_path, plus), Limits())
    assert parsed.accepted.select("uprn", "class", "postcode").rows() == [(7, "transport", "N1 1AA")]
    assert parsed.rejected["reason"].to_list() == ["2 fields where 5 are expected"]


def test_of_an_address_that_comes_again_one_row_is_kept(tmp_path):
    header = "UPRN,EASTING,NORTHING,CLASSIFICATION_CODE\n"
    text = "1,400000,300000,RD04\n2,400000,300000,RD04\n1,400000,300000,RD04\n2,400000,300000,CE01\n"
    # A row that cannot be read says nothing against one that can.
    text += "3,400000,300000,RD04\n3,,300000,RD04\n"
    parsed = read_addressbase(write(tmp_path, header + text), Limits())
    assert parsed.accepted.select("uprn", "line").sort("uprn").rows() == [(1, 2), (2, 5), (3, 6)]
    assert parsed.rejected.select("line", "reason").rows() == [
        (3, "contradicts line 5"),
        (4, "repeats line 2"),
        (7, "position is missing or off the National Grid"),
    ]


def test_another_file_is_refused(tmp_path):
    with pytest.raises(Unreadable, match="is not AddressBase"):
        read_addressbase(write(tmp_path, "a,b\n1,2\n"), Limits())


def test_the_published_sample_of_every_record_type(shared_data):
    """Its degrees lie 73 km from its metres, and are refused for it."""
    with pytest.raises(Unreadable, match="position in metres and position in degrees are not the same place") as error:
        read_addressbase(shared_data / "geo" / "address" / "addressbase_premium_record_sample.csv", Limits())
    assert error.value.rejected["line"].to_list() == [4]


def test_every_code_of_the_scheme_has_a_class(shared_data):
    scheme = pl.read_csv(
        shared_data / "geo" / "address" / "addressbase_classification_scheme.csv", infer_schema_length=None
    )
    assert len(scheme) == 563
    classes = scheme.with_columns(class_of(pl.col("concatenated")).alias("class"))
    assert classes["class"].null_count() == 0
    assert set(classes["class"]) == set(CLASSES)
    assert set(classes.filter(pl.col("concatenated").str.starts_with("CE"))["class"]) == {"education"}
    assert set(classes.filter(pl.col("concatenated").str.starts_with("RD"))["class"]) == {"residential"}


def brute_force(points, addresses, options):
    """All distances, by hand."""
    rows = []
    for x, y in points.select("easting_m", "northing_m").iter_rows():
        near = sorted(
            (
                (np.hypot(x - a, y - b), kind, uprn)
                for uprn, a, b, kind in addresses.select("uprn", "easting_m", "northing_m", "class").iter_rows()
                if np.hypot(x - a, y - b) <= options.radius_m
            ),
        )[: options.neighbours]
        votes = dict.fromkeys(CLASSES, 0.0)
        for distance, kind, _ in near:
            votes[kind] += np.exp(-0.5 * (distance / options.kernel_m) ** 2)
        winner = max(CLASSES, key=lambda kind: votes[kind]) if near else None
        rows.append((winner, votes[winner] / sum(votes.values()) if near else None, len(near)))
    return rows


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_against_all_distances(seed):
    generator = np.random.default_rng(seed)
    options = NearestParameters(neighbours=4, radius_m=80)
    # Around a boundary of strips, where neighbours lie on both sides.
    points = pl.DataFrame(
        {"easting_m": generator.uniform(0, 300, 20), "northing_m": generator.uniform(19_800, 20_200, 20)}
    )
    addresses = pl.DataFrame(
        {
            "uprn": np.arange(60),
            "easting_m": generator.uniform(0, 300, 60),
            "northing_m": generator.uniform(19_800, 20_200, 60),
            "class": generator.choice(CLASSES, 60),
            "postcode": ["AB1 2CD"] * 60,
        }
    )
    found = nearest_addresses(points, addresses, options).select("class", "probability", "addresses_near").rows()
    for (kind, probability, count), (true_kind, true_probability, true_count) in zip(
        found, brute_force(points, addresses, options), strict=True
    ):
        assert (kind, count) == (true_kind, true_count)
        assert probability == (None if true_probability is None else pytest.approx(true_probability))


def test_points_without_addresses_keep_their_place():
    points = pl.DataFrame({"name": ["a", "b"], "easting_m": [0.0, np.nan], "northing_m": [0.0, 5.0]})
    addresses = pl.DataFrame(
        {"uprn": [1], "easting_m": [5_000.0], "northing_m": [0.0], "class": ["other"], "postcode": [None]}
    )
    found = nearest_addresses(points, addresses)
    assert found["name"].to_list() == ["a", "b"]
    assert found["class"].to_list() == [None, None]
    assert found["addresses_near"].to_list() == [0, 0]


def test_a_class_that_is_not_known_is_an_error():
    points = pl.DataFrame({"easting_m": [0.0], "northing_m": [0.0]})
    addresses = pl.DataFrame({"uprn": [1], "easting_m": [0.0], "northing_m": [0.0], "class": ["pub"], "postcode": [""]})
    with pytest.raises(ValueError, match="not known"):
        nearest_addresses(points, addresses)


@pytest.mark.parametrize("seed", range(5))
def test_of_addresses_that_are_equally_far_the_lowest_uprns_are_asked(seed):
    """A house of 40 flats, of which seven are asked, and a point in the middle between two houses."""
    flats = [(uprn, 50.0, 0.0, "commercial" if uprn >= 7 else "residential") for uprn in range(40)]
    houses = [(uprn, 1_000.0 + side, 0.0, "other") for uprn, side in ((101, 20.0), (100, -20.0))]
    addresses = pl.DataFrame(
        [(*address, f"P{address[0]}") for address in [*flats, *houses]],
        schema=["uprn", "easting_m", "northing_m", "class", "postcode"],
        orient="row",
    ).sample(fraction=1, shuffle=True, seed=seed)
    points = pl.DataFrame({"easting_m": [0.0, 1_000.0], "northing_m": [0.0, 0.0]})
    found = nearest_addresses(points, addresses, NearestParameters(neighbours=7))
    assert found.select("class", "uprn", "postcode", "probability", "addresses_near").rows() == [
        ("residential", 0, "P0", 1.0, 7),
        ("other", 100, "P100", 1.0, 2),
    ]
