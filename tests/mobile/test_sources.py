"""Every record of a file is accepted or rejected with its reason; of people nothing but the reason is kept."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.unreadable import Unreadable
from ons_assets.mobile.sources import CellFiles, DeviceFiles, EventFiles, FlowFiles
from ons_assets.reference.labour import AreaCodeFiles, CommutingFiles, MarketFiles, WorkerFiles

RECEIVED = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def parse(settings, tmp_path):
    def read(kind, text, name="file.csv"):
        path = tmp_path / name
        path.write_text(text)
        return kind.of(settings).whole(path, name, RECEIVED)

    return read


def reasons(parsed):
    return dict(parsed.rejected.group_by("reason").len().rows())


# --- events --------------------------------------------------------------------------------------------

EVENTS = """operator,device,time_utc,cell_id,kind
north,d1,2023-07-01T09:00:00Z,c1,active
north,d1,2023-07-01 23:30:00,c1,passive
north,,2023-07-01T09:00:00Z,c1,active
north,d2,,c1,active
north,,,c1,active
north,d2,yesterday,c1,active
north,d2,2023-07-01T09:00:00Z,,active
north,d2,2025-07-01T09:00:00Z,c1,active
north,d2,1999-07-01T09:00:00Z,c1,active
south,d1,2023-07-01T09:00:00+02:00,c1,beacon
north,d2,2023-07-01T09:00:00Z
"""


@pytest.mark.parametrize(
    ("operator", "is_name"),
    [
        ("north", True),
        ("3 UK", True),
        ("234-10", True),
        ("O2 (Telefónica)", True),
        ("447700900123", False),
        ("+44 7700 900123", False),
        ("356938035643809", False),
        ("d1234567", False),
    ],
)
def test_a_number_of_a_device_is_no_operator(parse, operator, is_name):
    """What stands in open tables must not be a person's number that a layout took for the operator."""
    files = {
        EventFiles: f"operator,device,time_utc,cell_id,kind\n{operator},d1,2023-07-01T09:00:00Z,c1,active\n",
        DeviceFiles: f"operator,device,contract,age_group\n{operator},d1,contract,25-44\n",
        CellFiles: "operator,cell_id,latitude,longitude,technology,azimuth_degrees,beam_width_degrees,range_m,"
        f"valid_from,valid_to\n{operator},c1,51.5,-0.1,4G,120,65,2500,2014-01-01,\n",
    }
    for kind, text in files.items():
        if is_name:
            assert parse(kind, text).accepted.height == 1
        else:
            with pytest.raises(Unreadable, match="operator is no name: it has more than six digits"):
                parse(kind, text)


def test_events_in_two_formats_are_read_and_every_fault_is_counted(parse):
    parsed = parse(EventFiles, EVENTS)
    assert parsed.accepted["time_utc"].to_list() == [
        datetime(2023, 7, 1, 9, tzinfo=UTC),
        datetime(2023, 7, 1, 23, 30, tzinfo=UTC),
        datetime(2023, 7, 1, 7, tzinfo=UTC),
    ]
    # Half past eleven in UTC is the next day in London.
    assert parsed.accepted["event_date"].to_list() == [date(2023, 7, 1), date(2023, 7, 2), date(2023, 7, 1)]
    assert parsed.accepted["kind"].to_list() == ["active", "passive", "unknown"]
    assert reasons(parsed) == {
        "device is missing": 1,
        "time is missing": 1,
        "device and time are missing": 1,
        "time has none of the formats of the layout": 1,
        "cell is missing": 1,
        "time is in the future": 1,
        "day is before 2014-01-01": 1,
        "3 fields where 5 are expected": 1,
    }
    assert len(parsed.accepted) + len(parsed.rejected) == EVENTS.count("\n") - 1


def test_an_event_in_a_network_abroad_needs_no_cell(parse):
    header = "operator,device,time_utc,cell_id,kind,mcc,mnc,plmn"
    rows = [
        "north,d1,2023-07-01T09:00:00Z,,active,234,15,20801",
        "north,d1,2023-07-01T09:00:00Z,,active,234,15,20810",
        "north,d1,2023-07-01T09:00:00Z,,active,234,15,20801",
        "north,d1,2023-07-01T10:00:00Z,X1,active,234,15,20801",
        "north,d1,2023-07-01T11:00:00Z,,active,234,15,",
        "north,d1,2023-07-01T12:00:00Z,,active,234,15,2080",
    ]
    parsed = parse(EventFiles, "\n".join([header, *rows, ""]))
    assert parsed.accepted.sort("line")["line"].to_list() == [2, 3, 5]
    assert parsed.accepted["cell_id"].to_list().count(None) == 2
    assert sum(reasons(parsed).values()) == 3
    assert reasons(parsed)["cell is missing"] == 1
    assert reasons(parsed)["plmn is no number of a network"] == 1


def test_the_same_number_at_two_operators_is_two_devices_and_no_number_is_kept(parse, workbench):
    parsed = parse(EventFiles, EVENTS)
    assert parsed.accepted["user"].n_unique() == 2
    assert "d1" not in str(parsed.accepted.to_dict(as_series=False))
    workbench.source, workbench.table = EventFiles.of(workbench.settings), CATALOGUE["mobile/phone_events"]
    drop = workbench.register("events.csv", EVENTS.encode())
    kept = pl.read_parquet(workbench.home.quarantine / workbench.table.name / f"{drop.sha256}.rows.parquet")
    assert kept["text"].unique().to_list() == [""]


def test_the_dirty_sample_of_multimno_is_read(settings, shared_data):
    path = shared_data / "geo" / "mobile" / "multimno_synthetic_events.parquet"
    parsed = EventFiles.of(settings).whole(path, path.name, RECEIVED)
    repeated = parsed.rejected.filter(pl.col("reason").str.contains(r"^repeats line \d+$"))
    assert len(parsed.accepted) == 620 == 1_823 - len(parsed.rejected)
    said = reasons(parsed)
    assert (len(repeated), said["device and time are missing"], said["mcc is no mobile country code"]) == (
        200,
        594,
        409,
    )
    # Five others are seen in records only that are broken.
    assert parsed.accepted["user"].n_unique() == 5
    assert parsed.accepted.select("mcc", "mnc", "plmn").unique().rows() == [("214", "123", None)]
    assert parsed.accepted["event_date"].min() == date(2023, 1, 7)
    assert parsed.accepted["event_date"].unique().sort().to_list() == [date(2023, 1, day) for day in range(7, 12)]


# --- cells ---------------------------------------------------------------------------------------------


def test_cells_are_placed_and_faults_are_named(parse):
    parsed = parse(
        CellFiles,
        """operator,cell_id,latitude,longitude,technology,azimuth_degrees,beam_width_degrees,range_m,valid_from,valid_to
north,c1,51.5,-0.12,4G,120,65,2500,2014-01-01,
north,c2,51.5,-0.12,4g,,,,2014-01-01,2014-02-01
north,c3,91,-0.12,4G,,,,2014-01-01,
north,c4,51.5,,4G,,,,2014-01-01,
north,c5,51.5,-0.12,4G,,,0.5,2014-01-01,
north,c6,51.5,-0.12,4G,400,65,,2014-01-01,
north,c7,51.5,-0.12,4G,,,,2014-01-01,2013-01-01
,c8,51.5,-0.12,4G,,,,2014-01-01,
""",
    )
    assert parsed.accepted["cell_id"].to_list() == ["c1", "c2"]
    assert parsed.accepted["easting_m"].to_list() == pytest.approx([530_600, 530_600], abs=500)
    assert parsed.accepted["range_m"].to_list() == [2_500, None]
    assert sorted(reasons(parsed)) == [
        "azimuth is not between 0 and 360",
        "ends before it begins",
        "latitude is missing or no latitude",
        "longitude is missing or no longitude",
        "operator or cell is missing",
        "range is not between 1 and 100000 m: is it in km?",
    ]


@pytest.mark.parametrize(
    ("kind", "header", "classes"),
    [
        (
            CellFiles,
            "operator,cell_id,latitude,longitude,technology",
            {"gsm": "2G", "UMTS": "3G", "LTE": "4G", "NR": "5G", "4g": "4G"},
        ),
        (EventFiles, "operator,device,time_utc,cell_id,kind", {"Active": "active", "passive": "passive"}),
        (DeviceFiles, "operator,device,contract", {"Prepaid": "prepaid", "business": "business"}),
    ],
)
def test_what_is_no_class_is_warned_of_and_not_silently_unknown(parse, kind, header, classes):
    """Neither is it quoted: it may be anything."""
    *fields, field = header.split(",")
    texts = [*classes, "", "unknown", "CDMA4711", "CDMA4711"]
    values = {"latitude": "51.5", "longitude": "-0.12", "time_utc": "2023-07-01T09:00:0{}Z"}
    rows = [
        ",".join([*(values.get(each, "n" + "{}" * (each != "operator")).format(number) for each in fields), text])
        for number, text in enumerate(texts)
    ]
    parsed = parse(kind, "\n".join([header, *rows]) + "\n")
    found = parsed.accepted.sort("line")[field].to_list()
    assert found == [*classes.values(), *["unknown"] * 4]
    [said] = parsed.warnings
    assert said.startswith(f"2 rows: {field} is none of ")
    assert "4711" not in said


def test_the_network_of_multimno_is_read(settings, shared_data):
    path = shared_data / "geo" / "mobile" / "multimno_synthetic_network.parquet"
    parsed = CellFiles.of(settings).whole(path, path.name, RECEIVED)
    assert len(parsed.accepted) == 30
    assert len(parsed.rejected) == 120
    # It is there once a day, and one of the days knows that all cells end on the eleventh.
    assert parsed.rejected["reason"].str.contains("^repeats line").all()
    assert parsed.accepted["valid_until_utc"].unique().to_list() == [datetime(2023, 1, 11, tzinfo=UTC)]
    assert set(parsed.accepted["technology"]) == {"2G", "3G", "4G", "5G"}
    assert parsed.accepted["azimuth_degrees"].null_count() == 18
    assert parsed.accepted["easting_m"].null_count() == 30  # Madrid is not in Great Britain


# --- customers -----------------------------------------------------------------------------------------


def test_registers_keep_classes_only(parse):
    parsed = parse(
        DeviceFiles,
        """operator,device,contract,age_group
north,d1,contract,25-44
north,d2,Prepaid,65+
north,d3,gold,
north,d4,contract,born 1970
north,,contract,25-44
""",
    )
    assert parsed.accepted.select("contract", "age_group").rows() == [
        ("contract", "25-44"),
        ("prepaid", "65+"),
        ("unknown", "unknown"),
    ]
    assert reasons(parsed) == {"age group is none such as 25-44 or 65+": 1, "device is missing": 1}


# --- flows ---------------------------------------------------------------------------------------------

FLOWS = "observed,operator,contract,age_group,origin,destination,devices,is_suppressed\n"
PERIOD = "2014-10-06/2014-11-02,north,all,all"


def test_flows_are_held_against_their_totals(parse):
    parsed = parse(
        FlowFiles,
        f"{FLOWS}{PERIOD},A,B,10,false\n{PERIOD},A,all,14,false\n{PERIOD},all,B,10,false\n{PERIOD},B,all,,true\n",
    )
    assert len(parsed.accepted) == 4
    assert parsed.notes == ("4.0 devices or trips are in totals only: the flows that they make up are not listed",)


def test_a_table_that_sums_to_more_than_its_totals_is_refused(parse):
    with pytest.raises(Unreadable, match=r"flows of origin A add up to 10.0 where its total is 9.0; 1 totals"):
        parse(FlowFiles, f"{FLOWS}{PERIOD},A,B,10,false\n{PERIOD},A,all,9,false\n")
    with pytest.raises(Unreadable, match=r"flows of destination B add up to 10.0 where its total is 9.0"):
        parse(FlowFiles, f"{FLOWS}{PERIOD},A,B,10,false\n{PERIOD},A,all,10,false\n{PERIOD},all,B,9,false\n")


def test_flows_that_cannot_be_are_rejected(parse):
    parsed = parse(
        FlowFiles,
        f"{FLOWS}{PERIOD},A,B,-1,false\n{PERIOD},A,C,,false\n{PERIOD},A,,3,false\n{PERIOD},A,D,many,false\n"
        f"October,north,all,all,A,B,3,false\n{PERIOD},A,E,3,false\n{PERIOD},A,E,4,false\n{PERIOD},A,F,7,false\n",
    )
    assert parsed.accepted["destination"].to_list() == ["F"]
    assert reasons(parsed) == {
        "count is negative": 1,
        "count is missing or not a number": 2,
        "origin or destination is missing": 1,
        "period must be YYYY-MM, or YYYY-MM-DD/YYYY-MM-DD": 1,
        "contradicts line 7": 1,
        "contradicts line 8": 1,
    }


def test_the_layout_of_the_spanish_ministry_is_read(settings, shared_data):
    path = shared_data / "geo" / "mobile" / "mitms_od_districts_sample.csv"
    raw = pl.read_csv(path, infer_schema=False)
    wanted = raw.filter(activity_origin="home", activity_destination="work_or_study")
    parsed = FlowFiles.of(settings).whole(path, path.name, RECEIVED)
    assert parsed.notes[0] == f"{100 - len(wanted)} rows left out by the layout's `only`"
    assert len(parsed.accepted) == len(wanted) > 0
    assert parsed.accepted["count"].sum() == pytest.approx(wanted["n_trips"].cast(pl.Float64).sum())
    assert set(parsed.accepted["unit"]) == {"trips"}
    assert set(parsed.accepted["observed"]) == {"2022-02-01/2022-02-01"}
    assert parsed.rejected.is_empty()


NATIVE = {
    "mitms-from-2022": (
        "fecha|periodo|origen|destino|distancia|actividad_origen|actividad_destino|estudio_origen_posible|"
        "estudio_destino_posible|residencia|renta|edad|sexo|viajes|viajes_km",
        "20220201|{hour}|01001|01009_AM|2-10|{origin}|{destination}|no|no|01|10-15|25-45|mujer|6.5|14.9",
        "trabajo_estudio",
        "25-45",
    ),
    "mitms-until-2021": (
        "fecha|origen|destino|actividad_origen|actividad_destino|residencia|edad|periodo|distancia|viajes|viajes_km",
        "20200214|01001_AM|01009_AM|{origin}|{destination}|01|NA|{hour}|005-010|6.5|14.9",
        "trabajo",
        "unknown",
    ),
}


@pytest.mark.parametrize("layout", NATIVE)
def test_the_matrices_of_the_spanish_ministry_are_read_as_it_publishes_them(settings, tmp_path, layout):
    header, row, work, ages = NATIVE[layout]
    rows = [
        row.format(hour=hour, origin=origin, destination=destination)
        for hour in ("07", "08")
        for origin, destination in (("casa", work), (work, "casa"), ("casa", "frecuente"), ("casa", "otros"))
    ]
    path = tmp_path / "20220201_Viajes_distritos.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    source = FlowFiles.of(settings)
    assert source.layout(path, path.name).name == layout
    parsed = source.whole(path, path.name, RECEIVED)
    assert parsed.accepted["count"].to_list() == [6.5, 6.5]
    assert set(parsed.accepted["age_group"]) == {ages}
    assert reasons(parsed) == {}
    assert parsed.notes == ("6 rows left out by the layout's `only`",)


def test_an_office_writes_its_own_layout(settings, tmp_path):
    folder = settings.home / "mappings" / "aggregated_flows"
    folder.mkdir(parents=True)
    (folder / "ours.yaml").write_text(
        "name: ours\ncolumns: {observed: zeit, origin: von, destination: nach, count: anzahl}\n"
        "constants: {operator: eins, unit: devices}\ndelimiter: ';'\n"
    )
    path = tmp_path / "pendler.csv"
    path.write_text("zeit;von;nach;anzahl\n2014-10-06/2014-11-02;A;B;12\n")
    parsed = FlowFiles.of(settings).whole(path, path.name, RECEIVED)
    assert parsed.accepted.select("operator", "origin", "destination", "count").rows() == [("eins", "A", "B", 12.0)]


def test_a_file_of_another_kind_says_what_it_lacks(parse):
    with pytest.raises(Unreadable, match=r"a layout that is not known: its columns are 'a', 'b'"):
        parse(FlowFiles, "a,b\n1,2\n")


# --- reference -----------------------------------------------------------------------------------------


def test_the_census_of_london_and_of_bristol_is_read(settings, shared_data):
    source, folder = CommutingFiles.of(settings), shared_data / "geo" / "commuting"
    london = source.whole(folder / "london_boroughs_2001_travel_to_work.csv.gz", "london.csv.gz", RECEIVED)
    assert len(london.accepted) == 33 * 33
    assert london.accepted["commuters"].sum() == 3_082_934
    assert london.accepted["home_workers"].sum() > 100_000
    name = "bristol_msoa_2011_travel_to_work.csv.gz"
    bristol = source.whole(folder / name, name, RECEIVED)
    assert (len(bristol.accepted), bristol.accepted["commuters"].sum()) == (2_910, 238_805)
    assert bristol.accepted["home_workers"].null_count() == 2_910


def test_histories_of_codes_are_read(settings, shared_data):
    path = shared_data / "geo" / "geography" / "lad_all_codes.csv"
    parsed = AreaCodeFiles.of(settings).whole(path, path.name, RECEIVED)
    assert len(parsed.accepted) == 415
    changed = parsed.accepted.filter(pl.col("code") != pl.col("current_code"))
    assert len(changed) > 20


def test_faults_of_reference_files_are_named(parse):
    market = parse(
        MarketFiles,
        "operator,area,age_group,phones_per_person,operator_share,prepaid_share,second_phone_share\n"
        "north,A,all,1.1,0.3,0.2,0.1\nnorth,B,all,0,0.3,0.2,0.1\nnorth,C,all,1,30,0.2,0.1\n",
        "market.csv",
    )
    assert reasons(market) == {
        "phones for each person are missing or not above zero": 1,
        "operator_share is no share between 0 and 1": 1,
    }
    workers = parse(WorkerFiles, "area,side,workers\nA,home,10\nA,work,-1\nB,there,5\n", "workers.csv")
    assert reasons(workers) == {
        "number of workers is missing, negative or not a number": 1,
        "side is neither home nor work": 1,
    }


def test_the_validity_of_a_cell_is_never_made_up(settings, tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text(
        "operator,cell_id,latitude,longitude,valid_from,valid_to\n"
        "a,1,51.5,-0.1,2015-06-01,2016-01-01\na,2,51.5,-0.1,,\na,3,51.5,-0.1,01/06/2015,\n"
        "a,4,51.5,-0.1,2015-06-01,rubbish\na,5,52.5,13.4,,\n"
    )
    parsed = CellFiles.of(settings).whole(path, path.name, RECEIVED)
    # A last day counts, on the clock in London.
    assert parsed.accepted.select("cell_id", "valid_from_utc", "valid_until_utc").rows() == [
        ("1", datetime(2015, 5, 31, 23, tzinfo=UTC), datetime(2016, 1, 2, tzinfo=UTC)),
        ("2", datetime(2014, 1, 1, tzinfo=UTC), None),
        ("5", datetime(2014, 1, 1, tzinfo=UTC), None),
    ]
    assert reasons(parsed) == {"valid_from cannot be read": 1, "valid_to cannot be read": 1}
    assert parsed.warnings == ("1 row: lies outside of Great Britain, and has no place on the grid",)
