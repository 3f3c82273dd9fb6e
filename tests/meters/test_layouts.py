"""The layouts that are built in: each reads a small file of its form, and no other takes it."""

import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_assets.intake.source import pieces
from ons_assets.intake.unreadable import Unreadable
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.readings.sources import BUILT_IN, MeterFiles
from tests.meters.conftest import RECEIVED, keyed

HH = [f"hh_{number}" for number in range(48)]
NEM12_VALUES = ",".join(["0.1"] * 24 + ["0.2"] * 24)
ESPI = 'xmlns="http://naesb.org/espi"'
POINT = "https://example.org/UsagePoint/7"

# Layout, name of the file, content, clock position (day, half hour), its kWh, half hours in all.
SAMPLES = {
    "cer": ("File1.txt", "1392 19501 0.2\n1392 19502 0.4\n", 0, 0.1, 2),
    "edrp": (
        "edrp.csv",
        "meter,date,slot,kwh\n7,2009-01-01,1,0.2\n7,2009-01-01,2,0.4\n",
        0,
        0.2,
        2,
    ),
    "edrp-raw": (
        "edrp_elec.csv",
        "ANON_ID,ADVANCEDATETIME,HH,ELECKWH\n1,01JAN09:00:30:00,1,0.2\n1,01JAN09:01:00:00,2,0.4\n",
        0,
        0.2,
        2,
    ),
    "low-carbon-london": (
        "LCL-June2015v2_0.csv",
        "LCLid,stdorToU,DateTime,KWH/hh (per half hour) ,Acorn,Acorn_grouped\n"
        "MAC1,Std,2013-01-01 00:30:00.0000000, 0.2 ,ACORN-A,Affluent\n"
        "MAC1,Std,2013-01-01 01:00:00.0000000,Null,ACORN-A,Affluent\n"
        "MAC1,Std,2013-01-01 01:30:00.0000000, 0.4 ,ACORN-A,Affluent\n",
        0,
        0.2,
        2,
    ),
    "low-carbon-london-blocks": (
        "block_0.csv",
        ",".join(["LCLid", "day", *HH]) + "\n" + ",".join(["MAC1", "2013-01-02", "0.9", "0.2", *["0.4"] * 46]) + "\n",
        0,
        np.nan,
        48,
    ),
    "low-carbon-london-half-hourly": (
        "block_1.csv",
        "LCLid,tstp,energy(kWh/hh)\nMAC1,2013-01-01 00:30:00.0000000, 0.2 \nMAC1,2013-01-01 01:00:00.0000000, 0.4 \n",
        0,
        0.2,
        2,
    ),
    "smart-grid-smart-city": (
        "sgsc.csv",
        "customer,time,kwh\n8,2013-01-15 23:00:00,0.2\n8,2013-01-15 23:30:00,0.4\n",
        0,
        0.2,
        2,
    ),
    "octopus": (
        "consumption-10001.csv",
        "Consumption (kwh), Estimated Cost Inc. Tax (p), Start, End\n"
        "0.2, 1.2, 2021-07-01T00:00:00+01:00, 2021-07-01T00:30:00+01:00\n"
        "0.4, 1.2, 2021-07-01T00:30:00+01:00, 2021-07-01T01:00:00+01:00\n",
        0,
        0.2,
        2,
    ),
    "octopus-json": (
        "10002.json",
        '{"count": 2, "results": ['
        '{"consumption": 0.4, "interval_start": "2021-07-01T00:30:00+01:00"},'
        '{"consumption": 0.2, "interval_start": "2021-06-30T23:00:00Z"}]}',
        0,
        0.2,
        2,
    ),
    "datadis": (
        "consumos.csv",
        "cups;fecha;hora;consumo_kWh;metodoObtencion;energiaVertida_kWh\n"
        "ES1;2021/07/01;01:00;0,4;Real;0\nES1;2021/07/01;24:00;0,6;Estimada;0\n",
        0,
        0.2,
        4,
    ),
    "eloverblik": (
        "MeterData.csv",
        "MålepunktsID;Fra_dato;Til_dato;Mængde;Måleenhed;Kvalitet;Type\n"
        "5713131;01-07-2021 00:00:00;01-07-2021 01:00:00;0,4;KWH;Målt;Tidsserie\n"
        "5713131;01-07-2021 01:00:00;01-07-2021 02:00:00;0,6;KWH;Estimeret;Tidsserie\n",
        0,
        0.2,
        4,
    ),
    "wiener-netze": (
        "VIERTELSTUNDENWERTE-20210701.csv",
        "\ufeffDatum;Zeit von;Zeit bis;Verbrauch [kWh]\n"
        "01.07.2021;00:00;00:15;0,1\n01.07.2021;00:15;00:30;0,1\n"
        "01.07.2021;00:30;00:45;0,2\n01.07.2021;00:45;01:00;0,2\n",
        0,
        0.2,
        2,
    ),
    "homewizard-p1": (
        "P1e-2021.csv",
        "time,Import T1 kWh,Import T2 kWh,Export T1 kWh,Export T2 kWh\n"
        "2021-07-01 00:00,100.0,50.0,0,0\n2021-07-01 00:15,100.1,50.0,0,0\n2021-07-01 00:30,100.1,50.1,0,0\n",
        0,
        0.2,
        1,
    ),
    "home-assistant": (
        "statistics.csv",
        "statistic_id,start,sum\nsensor.energy,2021-01-01 00:00:00,100.0\nsensor.energy,2021-01-01 01:00:00,100.4\n",
        0,
        0.2,
        2,
    ),
    "nem12": (
        "NEM12#1.csv",
        "100,NEM12,202104070001,MDA1,RET1\n200,NMI1,E1B1,E1,E1,N1,M1,KWH,30,20210401\n"
        f"300,20210701,{NEM12_VALUES},A,,,20210702000000,\n"
        "200,NMI1,E1B1,B1,B1,N1,M1,KWH,30,20210401\n"
        f"300,20210701,{NEM12_VALUES},E52,,,20210702000000,\n900\n",
        0,
        0.1,
        48,
    ),
    "green-button": (
        "home.xml",
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><content><IntervalBlock {ESPI}>'
        "<IntervalReading><timePeriod><duration>900</duration><start>1609459200</start></timePeriod><value>100</value>"
        "</IntervalReading><IntervalReading><timePeriod><duration>900</duration><start>1609460100</start></timePeriod>"
        "<value>100</value></IntervalReading></IntervalBlock></content></entry></feed>",
        0,
        0.2,
        1,
    ),
    "cnmc": (
        "consumos.csv",
        "CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion\nES1;01/07/2021;1;0,4;R\nES1;01/07/2021;24;0,6;E\n",
        0,
        0.2,
        4,
    ),
    "e-distribucion": (
        "cch.csv",
        "CUPS;Fecha;Hora;AE_kWh;REAL/ESTIMADO\nES1;01/07/2021;1;0,4;R\nES1;01/07/2021;24;0,6;E\n",
        0,
        0.2,
        4,
    ),
    "n3rgy": (
        "home-7.json",
        '{"resource": "/mpxn/10003/utility/electricity/readingtype/consumption?start=202107010030", '
        '"granularity": "halfhour", "unit": "kWh", "availableCacheRange": {"start": "202107010000"}, '
        '"values": [{"value": 0.2, "timestamp": "2021-06-30 23:30"}, {"value": 0.4, "timestamp": "2021-07-01 00:00"}]}',
        0,
        0.2,
        2,
    ),
    "n3rgy-devices": (
        "home-8.json",
        '{"resource": "/mpxn/10003/utility/electricity/readingType/consumption?start=202107010030", '
        '"granularity": "halfhour", "unit": "kWh", "devices": [{"deviceId": "01-0A", "values": ['
        '{"primaryValue": 0.2, "timestamp": "2021-06-30 23:30"}, {"primaryValue": 0.4, "timestamp": "2021-07-01 00:00"}'
        "]}]}",
        0,
        0.2,
        2,
    ),
    "n3rgy-csv": (
        "home-9.csv",
        "timestamp (UTC),energyConsumption (kWh)\n2021-06-30 23:30,0.2\n2021-07-01 00:00,0.4\n",
        0,
        0.2,
        2,
    ),
    "fluvius": (
        "Verbruikshistoriek_elektriciteit_kwartiertotalen.csv",
        "\ufeffVan (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;Metertype;Register;Volume;Eenheid;"
        "Validatiestatus;Omschrijving\n"
        '01-07-2021;00:00:00;01-07-2021;00:15:00;="5414";1SAG;Digitale meter;Afname Nacht;0,100;kWh;Uitgelezen;\n'
        '01-07-2021;00:00:00;01-07-2021;00:15:00;="5414";1SAG;Digitale meter;Injectie Nacht;0,700;kWh;Uitgelezen;\n'
        '01-07-2021;00:15:00;01-07-2021;00:30:00;="5414";1SAG;Digitale meter;Afname Nacht;0,100;kWh;Geschat;\n',
        0,
        0.2,
        1,
    ),
}
# Headers of other years; the connection is the same.
FLUVIUS = {
    "fluvius-2022": {"Van (datum)": "Van Datum", "Van (tijdstip)": "Van Tijdstip", "EAN-code": "EAN"},
    "fluvius-ean": {"EAN-code": "EAN"},
}
for variant, names in FLUVIUS.items():
    called, text, *expected = SAMPLES["fluvius"]
    for ours, theirs in names.items():
        text = text.replace(ours, theirs)
    SAMPLES[variant] = (called, text, *expected)


def test_every_layout_has_a_sample(tmp_path: Path) -> None:
    source = MeterFiles((BUILT_IN,), home=keyed(tmp_path))
    assert source.shelf.broken == ()
    assert {layout.name for layout in source.shelf.layouts} == SAMPLES.keys()


@pytest.mark.parametrize("layout", SAMPLES)
def test_a_layout_reads_its_files(tmp_path: Path, layout: str) -> None:
    name, content, position, kwh, usable = SAMPLES[layout]
    path = tmp_path / name
    path.write_text(content, "utf-8")
    source = MeterFiles((BUILT_IN,), home=keyed(tmp_path / "home"))
    # No layout before it takes the file, whatever it is called.
    assert source.layout(path, "drop").name == layout
    piece = source.whole(path, name, RECEIVED)
    assert (piece.usable, piece.accepted["meter"].n_unique()) == (usable, 1)
    made = half_hours(piece.accepted.with_columns(arrival=pl.lit(1), drop_sha256=pl.lit("0")))
    assert made["kwh"][0][position] == pytest.approx(kwh, nan_ok=True)


def test_the_first_column_of_a_block_file_ends_at_midnight(tmp_path: Path) -> None:
    name, content, *_ = SAMPLES["low-carbon-london-blocks"]
    (tmp_path / name).write_text(content)
    made = MeterFiles((BUILT_IN,), home=keyed(tmp_path / "home")).whole(tmp_path / name, name, RECEIVED).accepted
    assert made["day"].cast(str).to_list() == ["2013-01-01", "2013-01-02"]
    assert made["readings_kwh"][0][47] == pytest.approx(0.9)
    assert made["readings_kwh"][1][0] == pytest.approx(0.2)


def test_flags_of_files_are_counted(tmp_path: Path) -> None:
    source = MeterFiles((BUILT_IN,), home=keyed(tmp_path / "home"))
    for layout in ("datadis", "cnmc", "e-distribucion", "eloverblik", "fluvius"):
        name, content, *_ = SAMPLES[layout]
        (tmp_path / name).write_text(content)
        assert source.whole(tmp_path / name, name, RECEIVED).accepted["estimated"].sum() == 1


def test_one_meter_is_the_same_in_both_versions_of_an_interface(tmp_path: Path) -> None:
    """Who it is, is part of an address in the document, not the name of the file."""
    source = MeterFiles((BUILT_IN,), home=keyed(tmp_path / "home"))
    meters = set()
    for layout in ("n3rgy", "n3rgy-devices"):
        name, content, *_ = SAMPLES[layout]
        (tmp_path / name).write_text(content)
        meters |= set(source.whole(tmp_path / name, name, RECEIVED).accepted["meter"])
    assert len(meters) == 1


def test_one_meter_is_the_same_under_all_headers_of_its_grid_operator(tmp_path: Path) -> None:
    source = MeterFiles((BUILT_IN,), home=keyed(tmp_path / "home"))
    meters = set()
    for layout in ("fluvius", *FLUVIUS):
        name, content, *_ = SAMPLES[layout]
        for written in (content, content.replace('="5414"', "5414")):
            (tmp_path / name).write_text(written)
            meters |= set(source.whole(tmp_path / name, name, RECEIVED).accepted["meter"])
    assert len(meters) == 1


@pytest.mark.parametrize("minutes", [15, 30])
@pytest.mark.parametrize("longer", [30, 60])
@pytest.mark.parametrize("stamp", ["start", "end"])
def test_intervals_that_become_longer_within_a_file_are_warned_of(
    tmp_path: Path, minutes: int, longer: int, stamp: str
) -> None:
    def rows(meter: str, days: range, interval: int) -> list[str]:
        first = interval if stamp == "end" else 0
        minutes = [first + interval * number for number in range(len(days) * 1440 // interval)]
        start = datetime(2021, 7, days[0])
        return [f"{meter},{start + timedelta(minutes=each)},{interval / 300:.3f}\n" for each in minutes]

    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.yaml").write_text(
        "name: mine\nzone: UTC\nlocal_zone: UTC\nunit: kWh\ncolumns: {meter: meter, time: time, value: kwh}\n"
        f"interval_minutes: {minutes}\nstamp: {stamp}\ntime_formats: ['%Y-%m-%d %H:%M:%S']\n"
    )
    source = MeterFiles((own,), home=keyed(tmp_path / "home"))
    steady = rows("2", range(1, 13), minutes)
    for step in {minutes, longer}:
        path = tmp_path / "a.csv"
        path.write_text("meter,time,kwh\n" + "".join(rows("1", range(1, 7), minutes) + rows("1", range(7, 13), step)
                                                     + steady))  # fmt: skip
        said = [each for each in source.whole(path, path.name, RECEIVED).warnings if "become longer" in each]
        assert len(said) == (step > minutes)
        assert all(each.startswith("intervals of 1 of 2 meters become longer within the file: on ") for each in said)


@pytest.mark.parametrize("instead", ["/electricity/production/1", "/gas/consumption/1"])
def test_another_direction_or_fuel_of_the_same_form_is_left_out(tmp_path: Path, instead: str) -> None:
    name, content, *_ = SAMPLES["n3rgy"]
    path = tmp_path / name
    path.write_text(content.replace("/mpxn/10003/utility/electricity/readingtype/consumption", instead))
    source = MeterFiles((BUILT_IN,), home=keyed(tmp_path / "home"))
    assert source.layout(path, name).name == "n3rgy"
    with pytest.raises(Unreadable, match="no row that the layout n3rgy reads: the rest is left out by its `only`"):
        source.whole(path, name, RECEIVED)


def test_totals_of_days_give_no_quarters_of_an_hour(tmp_path: Path) -> None:
    """They have the columns of quarters, and differ in when a row ends."""
    name, content, *_ = SAMPLES["fluvius"]
    header = content.split("\n")[0]
    row = '{0:02}-07-2021;00:00:00;{1:02}-07-2021;00:00:00;="5414";1SAG;Digitale meter;Afname Dag;4,5;kWh;Uitgelezen;'
    path = tmp_path / name
    path.write_text("\n".join([header, *(row.format(day, day + 1) for day in range(1, 9))]) + "\n")
    source = MeterFiles((BUILT_IN,), home=keyed(tmp_path / "home"))
    with pytest.raises(Unreadable, match="gives no half hour that can be used"):
        source.whole(path, name, RECEIVED)


def test_homes_in_one_archive_are_told_apart_by_the_names_of_their_files(tmp_path: Path) -> None:
    """A layout that takes the meter from the name of the file says of the archive that it may hold several."""
    home, own = keyed(tmp_path / "home"), tmp_path / "own"
    months = (("a.csv", "06-30 23:30", "0.2"), ("b.csv", "07-02 10:00", "0.4"))
    path = tmp_path / "homes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member, when, kwh in months:
            archive.writestr(f"homes/{member}", f"timestamp (UTC),energyConsumption (kWh)\n2021-{when},{kwh}\n")
    [first, *_] = list(pieces(source := MeterFiles((BUILT_IN,), home=home), path, "homes.zip", RECEIVED,
                              source.layout(path, "homes.zip")))  # fmt: skip
    assert first.warnings == (
        "meter of all 2 files in the archive is taken from its own name; "
        "if theirs differ, say `member_name` in place of `file_name`",
    )
    own.mkdir()
    text = (BUILT_IN / "n3rgy_csv.yaml").read_text().replace("file_name: '^([^.]+)'", r"member_name: '^homes/(\w+)\.'")
    (own / "mine.yaml").write_text(text.replace("name: n3rgy-csv", "name: mine"))
    mine = MeterFiles((own, BUILT_IN), home=home)
    read = mine.whole(path, "homes.zip", RECEIVED)
    assert (mine.layout(path, "homes.zip").name, read.accepted["meter"].n_unique(), read.warnings) == ("mine", 2, ())


@pytest.mark.parametrize(("day", "hours"), [("31/10/2021", 25), ("28/03/2021", 23), ("01/07/2021", 24)])
def test_numbers_of_hours_run_through_a_change_of_the_clock(tmp_path: Path, day: str, hours: int) -> None:
    header = SAMPLES["cnmc"][1].split("\n")[0]
    rows = [f"ES1;{day};{hour};{hour / 50:.2f};R".replace(".", ",") for hour in range(1, hours + 1)]
    path = tmp_path / "consumos.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    piece = MeterFiles((BUILT_IN,), home=keyed(tmp_path / "home")).whole(path, path.name, RECEIVED)
    assert (piece.usable, len(piece.rejected)) == (2 * hours, 0)
    read = piece.accepted["readings_kwh"].explode().drop_nans().drop_nulls()
    assert (len(read), read.sum()) == (2 * hours, pytest.approx(sum(range(1, hours + 1)) / 50, rel=1e-6))
