"""One small valid file for every source: what is done to files in tests starts from these."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.tweets.statuses import line, status
from tests.workbench import record, run

# Stands in every cell that may hold any text: where it turns up, a file has been quoted.
MARKER = "MARKER4711"


@dataclass(frozen=True)
class Sample:
    """A valid file.

    Parameters
    ----------
    name
        Under which a supplier would send it.
    make
        Its content, given a word that all names in it begin with: two words give two files about
        different things.
    """

    name: str
    make: Callable[[str], bytes]


def _table(header: str, *rows: str, name: str = "a.csv") -> Sample:
    """A table with a header; {} is the word."""
    return Sample(name, lambda word: "".join(f"{each}\n" for each in (header, *rows)).replace("{}", word).encode())


def _prices(word: str) -> bytes:
    records = [
        record(
            product_name=f"{word} LOAF {number}", item_price_num=f"0.{80 + number}", store="TESCO", product_type=word
        )
        for number in range(4)
    ]
    # Of another run than the other file, so that neither replaces the other.
    day = 21 if word == MARKER else 22
    return run(*records).replace(b"2016-07-21", f"2016-07-{day}".encode())


def _tweets(word: str) -> bytes:
    statuses = [
        status(user=f"{8 if word == MARKER else 9}{number:08d}", text=word, id_str=f"{_digits(word)}{number:03d}")
        for number in range(4)
    ]
    return b"".join(line(each) for each in statuses)


def _meters(word: str) -> bytes:
    """CER text has numbers for names."""
    meter = _digits(word)
    return "".join(f"{meter} 195{slot:02d} 0.{slot:03d}\n" for slot in range(1, 49)).encode()


def _digits(word: str) -> str:
    return "4711" if word == MARKER else "1392"


def _survey(word: str) -> bytes:
    questions = "ID,Question 300: age,Question 410: who,Question 420: over,Question 43111: under,Question 9: name\n"
    number = int(_digits(word))
    return (questions + "".join(f"{number + each},3,3,2,2,{word}\n" for each in range(4))).encode()


def _areas(word: str) -> bytes:
    ring = [[-2.0, 52.0], [-1.9, 52.0], [-1.9, 52.1], [-2.0, 52.1], [-2.0, 52.0]]
    features = [
        {
            "type": "Feature",
            "properties": {"MSOA11CD": f"{word}{number}", "name": word},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for number in range(3)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def _addresses(word: str) -> bytes:
    header = "UPRN,EASTING,NORTHING,CLASSIFICATION_CODE,POSTCODE,CHANGE_CODE\n"
    first = int(_digits(word))
    return (header + "".join(f"{first + each},40000{each},300000,RD04,{word},I\n" for each in range(4))).encode()


def _numbered(row: str, count: int = 3) -> list[str]:
    """Rows that differ in {n}."""
    return [row.replace("{n}", str(number)) for number in range(count)]


SAMPLES = {
    "meters": Sample("File1.txt", _meters),
    "meter_questionnaire": Sample("survey.csv", _survey),
    "meter_areas": Sample(
        "areas.csv",
        lambda word: ("meter,area_code\n" + "".join(f"{_digits(word)}{n},{word}\n" for n in range(3))).encode(),
    ),
    "cells": _table(
        "operator,cell_id,latitude,longitude,technology,azimuth_degrees,beam_width_degrees,range_m,valid_from,valid_to",
        *_numbered("{},{}c{n},51.5,-0.12,4G,120,65,2500,2014-01-01,"),
    ),
    "land_use": Sample(
        "land.csv",
        lambda word: (
            "easting_m,northing_m,land_weight\n" + "".join(f"{_digits(word)}0{n},300000,1.5\n" for n in range(3))
        ).encode(),
    ),
    "devices": _table("operator,device,contract,age_group", *_numbered("{},{}d{n},contract,20-29")),
    "user_demographics": _table("user,age,sex,probability", *_numbered("{}{n},16-24,{},0.25")),
    "phone_events": _table(
        "operator,device,time_utc,cell_id,kind", *_numbered("{},{}d{n},2023-07-01T09:0{n}:00Z,{}c1,active")
    ),
    "aggregated_flows": _table(
        "observed,operator,contract,age_group,origin,destination,devices,is_suppressed",
        *_numbered("2023-07,{},all,all,{}o{n},{}d,12,0"),
    ),
    "prices": Sample("run.csv", _prices),
    "outages": _table(
        "stream,for_source,began_utc,ended_utc,is_over,known_by,outage_reason,backfilled_from_utc",
        *_numbered("{}{n},tweets,2016-07-2{n}T09:00:00Z,2016-07-2{n}T10:00:00Z,yes,told,{},"),
    ),
    "retailer_shares": _table(
        "area,retailer,year,spending_share,share_error,households_asked", *_numbered("{}{n},{},2016,0.5,0.05,120")
    ),
    "item_weights": _table("item_id,item,group,year,weight", *_numbered("{}{n},{},{},2016,1.5")),
    "item_coicop": _table("item_id,coicop_1999,coicop_2018", *_numbered("{}{n},01.1.1,01.1.1.{n}")),
    "item_rules": _table(
        "item_id,item,rule,words,lowest,highest,unit", *_numbered("{}{n},{},remove,{} | ROLL,,,"), "{}9,{},alcohol,,,5,"
    ),
    "product_labels": _table(
        "retailer,item_id,product,in_scope,labelled_by,labelled_at_utc,note",
        *_numbered("{},21011{n},{},true,{},2016-08-01 09:30:00,{}"),
    ),
    "accepted_levels": _table(
        "retailer,item_id,from_day,accepted_by,accepted_on,note",
        *_numbered("{}{n},21011{n},2016-07-21,{},2016-08-01,{}"),
    ),
    "official_indices": _table("series,item_id,period,index", *_numbered("{},21011{n},2016-07,101.5")),
    "areas": Sample("m.geojson", _areas),
    "addresses": Sample("core.csv", _addresses),
    "population": _table("area,age,sex,population,students", *_numbered("{}{n},all,all,100,5")),
    "dwellings": _table("area,dwelling_type,dwellings", *_numbered("{}{n},flat,100")),
    "migration_estimates": _table("period,area,direction,moves", *_numbered("2016,{}{n},in,100")),
    "area_codes": _table("code,current_code,name", *_numbered("{}{n},{}{n},{}")),
    "area_parts": _table("part,area,easting_m,northing_m,residents", *_numbered("{}{n},{},400000,300000,10")),
    "commuting_flows": _table("benchmark,origin,destination,commuters", *_numbered("{},{}{n},{},10")),
    "phone_market": _table(
        "operator,area,age_group,phones_per_person,operator_share,prepaid_share,second_phone_share",
        *_numbered("{},{}{n},all,1.1,0.3,0.2,0.1"),
    ),
    "workers": _table("area,side,workers", *_numbered("{}{n},home,10")),
    "tweets": Sample("t.json", _tweets),
}

# Tables for the sources whose sample is none.
TABLES = {
    "areas": b"area,level,easting_m,northing_m\n" + b"".join(b"A%d,x,400000,300000\n" % n for n in range(3)),
    "tweets": b"user,time,lat,lon\n"
    + b"".join(b"%d,2015-03-15T15:00:00+00:00,51.5,-0.1%d\n" % (100 + n, n) for n in range(3)),
    "meters": b"LCLid,stdorToU,DateTime,KWH/hh (per half hour)\n"
    + b"".join(b"MAC00000%d,Std,2013-03-15 15:%d0:00.0000000,0.2\n" % (n, 3 * (n % 2)) for n in range(4)),
}


def table_of(name: str) -> list[list[str]]:
    """The sample as a header and rows."""
    content = TABLES.get(name) or SAMPLES[name].make("good")
    return list(csv.reader(io.StringIO(content.decode())))
