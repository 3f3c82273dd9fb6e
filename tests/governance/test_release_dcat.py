"""The catalogue of releases: it has what DCAT-AP asks for, and every release and file can be found in it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import pyshacl
import pytest
import rdflib
from rdflib import DCTERMS, RDF, SKOS, URIRef

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases import formats
from ons_assets.governance.releases.dcat import (
    DCAT,
    FILE_TYPES,
    SPDX,
    THEME_LABELS,
    THEMES,
    ReleasedFile,
    ReleaseRecord,
    graph_of,
    media_type,
    write_catalogue,
)
from ons_assets.governance.releases.words import file_said
from ons_assets.settings import Office
from tests.governance.released import RELEASED, release_of

SHAPES = Path(__file__).with_name("dcat_ap_3.ttl")
ADDRESS = "https://example.org/releases/"
EARLIER, LATER = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 12, 3, tzinfo=UTC)


def record_of(name, version=1, count=20):
    release = release_of(name, version=version, count=count)
    names = ("rows.csv", "rows.csv-metadata.json", f"{release.identifier}.xlsx", "100 % déjà.csv")
    files = tuple(
        ReleasedFile(PurePosixPath(release.identifier) / each, 10**number, "AB" * 32)
        for number, each in enumerate(names)
    )
    return ReleaseRecord(release, files)


RECORDS = [record_of(name, version) for name in RELEASED for version in (2, 1)]


def violations(graph):
    conforms, _, text = pyshacl.validate(graph, shacl_graph=rdflib.Graph().parse(SHAPES), inference="none")
    return "" if conforms else text


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_it_has_what_the_profile_asks_for(address, tmp_path):
    (path,) = write_catalogue(RECORDS, tmp_path, Office(), address)
    assert not violations(rdflib.Graph().parse(path))


def test_an_empty_catalogue_and_an_empty_release_are_valid():
    # The only release there was is withdrawn.
    assert not violations(graph_of([], Office(), ADDRESS, [EARLIER, LATER]))
    assert not violations(graph_of([record_of("tweets/migration_flows", count=0)], Office(), ADDRESS))


@pytest.mark.parametrize(
    ("subject", "predicate"),
    [
        (DCAT.Catalog, DCTERMS.title),
        (DCAT.Catalog, DCTERMS.publisher),
        (DCAT.Catalog, DCTERMS.issued),
        (DCAT.Catalog, DCTERMS.modified),
        (DCAT.Catalog, DCAT.themeTaxonomy),
        (DCAT.Dataset, DCTERMS.description),
        (DCAT.Distribution, DCAT.accessURL),
        (DCAT.Distribution, DCTERMS.description),
        (DCAT.Distribution, DCTERMS["format"]),
        (SKOS.Concept, SKOS.prefLabel),
        (SPDX.Checksum, SPDX.checksumValue),
    ],
)
def test_the_shapes_miss_what_is_taken_away(subject, predicate):
    graph = graph_of(RECORDS[:2], Office(), ADDRESS)
    for each in list(graph.subjects(RDF.type, subject)):
        assert (each, predicate, None) in graph
        graph.remove((each, predicate, None))
    assert violations(graph)


def test_every_file_that_is_written_has_its_media_type_its_format_and_a_description(tmp_path):
    release = replace(release_of("tweets/migration_flows", count=20), method_page="# How it is made")
    names = {path.name for path in formats.write_all(release, tmp_path)}
    assert {"README.txt", "method.md", "migration_flows.parquet"} < names
    assert {name for name in names if media_type(name) not in FILE_TYPES or not file_said(name)} == set()
    # And where a form of it is not known, none is made up.
    record = ReleaseRecord(release, (ReleasedFile(PurePosixPath("a/rows.dat"), 1, "ab"),))
    assert not set(graph_of([record], Office()).subject_objects(DCTERMS["format"]))


def test_every_table_that_can_be_released_has_a_theme():
    domains = {table.domain for table in CATALOGUE.values() if not table.is_individual} - {"reference"}
    assert domains == set(THEMES)
    graph = graph_of([record_of("mobile/operator_flows")], Office(), ADDRESS)
    labels = {str(graph.value(each, SKOS.prefLabel)) for each in graph.objects(None, DCAT.theme)}
    assert labels == {"Population and society", "Transport"}
    assert {code for codes in THEMES.values() for code in codes} == set(THEME_LABELS)


def test_the_catalogue_was_changed_last_by_a_withdrawal_too():
    graph = graph_of(RECORDS, Office(), ADDRESS, [LATER, RECORDS[0].release.released_utc, EARLIER])
    (catalogue,) = graph.subjects(RDF.type, DCAT.Catalog)
    assert graph.value(catalogue, DCTERMS.issued).toPython() == EARLIER
    assert graph.value(catalogue, DCTERMS.modified).toPython() == LATER


def test_every_file_is_found_with_its_size_and_hash_from_its_release_and_the_latest_from_its_table():
    graph = graph_of(RECORDS, Office(), ADDRESS)
    (catalogue,) = graph.subjects(RDF.type, DCAT.Catalog)
    listed = set(graph.objects(catalogue, DCAT.dataset))
    assert listed == set(graph.subjects(RDF.type, DCAT.Dataset))
    for record in RECORDS:
        (one,) = graph.subjects(DCTERMS.identifier, rdflib.Literal(record.release.identifier))
        (whole,) = graph.objects(one, DCAT.isVersionOf)
        assert (whole, DCAT.hasVersion, one) in graph
        found = {graph.value(each, DCAT.downloadURL): each for each in graph.objects(one, DCAT.distribution)}
        for file in record.files:
            each = found[URIRef(ADDRESS + quote(file.path.as_posix()))]
            assert int(graph.value(each, DCAT.byteSize)) == file.size_bytes
            assert str(graph.value(graph.value(each, SPDX.checksum), SPDX.checksumValue)) == file.sha256.lower()
        assert (set(found.values()) <= set(graph.objects(whole, DCAT.distribution))) == (record.release.version == 2)


def test_addresses_are_relative_to_where_the_catalogue_is_put(tmp_path):
    (path,) = write_catalogue(RECORDS[:1], tmp_path, Office())
    graph = rdflib.Graph().parse(path, publicID=f"{ADDRESS}catalogue.ttl")
    urls = {str(each) for each in graph.objects(None, DCAT.downloadURL)}
    assert f"{ADDRESS}{RECORDS[0].release.identifier}/100%20%25%20d%C3%A9j%C3%A0.csv" in urls
    assert {str(each) for each in graph.subjects(RDF.type, DCAT.Catalog)} == {f"{ADDRESS}catalogue.ttl#catalogue"}


def test_the_period_is_that_of_the_rows():
    graph = graph_of([record_of("meters/area_occupancy")], Office(), ADDRESS)
    rows = record_of("meters/area_occupancy").release.rows
    (first,) = set(graph.objects(None, DCAT.startDate))
    assert first.toPython() == rows["month"].min()
    (last,) = set(graph.objects(None, DCAT.endDate))
    assert last.toPython().replace(day=1) == rows["month"].max()
    assert last.toPython().day >= 28


def test_an_owner_with_an_address_can_be_written_to():
    record = record_of("prices/item_indices")
    table = replace(CATALOGUE["prices/item_indices"], owner="jo.bloggs@example.org")
    graph = graph_of([ReleaseRecord(replace(record.release, table=table), record.files)], Office(), ADDRESS)
    assert URIRef("mailto:jo.bloggs@example.org") in set(graph.objects())


def test_the_same_releases_give_the_same_file_in_any_order(tmp_path):
    for folder, records in (("a", RECORDS), ("b", RECORDS[::-1])):
        (tmp_path / folder).mkdir()
        write_catalogue(records, tmp_path / folder, Office())
    assert (tmp_path / "a/catalogue.ttl").read_bytes() == (tmp_path / "b/catalogue.ttl").read_bytes()
