"""The catalogue of all releases as DCAT 3, by the European profile DCAT-AP 3.

A table is a `dcat:Dataset`, and so is each release of it: a version of the table (`dcat:hasVersion`), with a file a
`dcat:Distribution`. It is no `dcat:DatasetSeries`, whose members are different data, such as a year each: a later
release says the same again, and better.

Addresses are relative to the catalogue unless the address is given at which it is published, so that the folder can be
put anywhere; harvesters that fetch it from there complete them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from rdflib import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef

from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.figures import span
from ons_assets.governance.releases.words import file_said
from ons_assets.lakehouse.tables import Table
from ons_assets.settings import Office

Facts = Mapping[URIRef, URIRef | Literal]

# rdflib knows the terms of DCAT 2 only, and warns of the others.
DCAT = Namespace("http://www.w3.org/ns/dcat#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
IANA = "https://www.iana.org/assignments/media-types/"
# Lists of the Publications Office of the EU, from which the profile takes its words.
AUTHORITY = "http://publications.europa.eu/resource/authority/"
ENGLISH = f"{AUTHORITY}language/ENG"
OPEN = f"{AUTHORITY}access-right/PUBLIC"
DATA_THEME = f"{AUTHORITY}data-theme"
FILE_TYPE = f"{AUTHORITY}file-type"

CATALOGUE_FILE = "catalogue.ttl"
MEDIA_TYPES = {
    "-metadata.json": "application/csvm+json",
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".provn": "text/provenance-notation",
    ".ttl": "text/turtle",
    ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
UNKNOWN = "application/octet-stream"
# What they are in the list of file types; Markdown and PROV-N are plain text there.
FILE_TYPES = {
    "application/csvm+json": "JSON",
    "application/json": "JSON",
    "application/ld+json": "JSON_LD",
    "application/vnd.apache.parquet": "PARQUET",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "application/xml": "XML",
    "application/zip": "ZIP",
    "text/csv": "CSV",
    "text/markdown": "TXT",
    "text/plain": "TXT",
    "text/provenance-notation": "TXT",
    "text/turtle": "RDF_TURTLE",
}
# What the tables of a domain are about; tables of the domain `reference` are never released.
THEMES = {
    "governance": ("GOVE",),
    "meters": ("SOCI",),
    "mobile": ("SOCI", "TRAN"),
    "prices": ("ECON",),
    "tweets": ("SOCI",),
}
THEME_LABELS = {
    "ECON": "Economy and finance",
    "GOVE": "Government and public sector",
    "SOCI": "Population and society",
    "TRAN": "Transport",
}


@dataclass(frozen=True)
class ReleasedFile:
    """One file of a release.

    Parameters
    ----------
    path
        Where it is, from the folder of the catalogue.
    size_bytes
        Of the file.
    sha256
        Of its content, in hexadecimal digits.
    """

    path: PurePosixPath
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class ReleaseRecord:
    """A release and its files, as the catalogue tells of them."""

    release: Release
    files: tuple[ReleasedFile, ...]


def media_type(name: str) -> str:
    """Return the media type of a file by its name.

    >>> media_type("rows.csv"), media_type("rows.csv-metadata.json"), media_type("rows")
    ('text/csv', 'application/csvm+json', 'application/octet-stream')
    """
    endings = sorted(MEDIA_TYPES, key=len, reverse=True)
    return next((MEDIA_TYPES[each] for each in endings if name.endswith(each)), UNKNOWN)


def write_catalogue(
    records: Sequence[ReleaseRecord],
    folder: Path,
    office: Office,
    address: str = "",
    changed: Sequence[datetime] = (),
) -> list[Path]:
    """Write the catalogue of all releases.

    Parameters
    ----------
    records
        Of every release that is to be found.
    folder
        Where the catalogue is written.
    office
        Who releases.
    address
        Under which the folder is published, with a slash at its end; addresses are relative if it is empty.
    changed
        When releases were made and withdrawn, in any order; if it is empty, when those of the records were made.
    """
    path = folder / CATALOGUE_FILE
    path.write_bytes(graph_of(records, office, address, changed).serialize(format="turtle", encoding="utf-8"))
    return [path]


def graph_of(
    records: Sequence[ReleaseRecord], office: Office, address: str = "", changed: Sequence[datetime] = ()
) -> Graph:
    """Return the catalogue as a graph.

    Parameters
    ----------
    records, office, address, changed
        As for `write_catalogue`.
    """
    made = _Catalogue(office, address)
    made.add_dates(changed or [record.release.released_utc for record in records])
    tables: dict[str, list[ReleaseRecord]] = {}
    for record in sorted(records, key=lambda each: (each.release.table.name, each.release.version)):
        tables.setdefault(record.release.table.name, []).append(record)
    for versions in tables.values():
        made.add_table(versions)
    return made.graph


class _Catalogue:
    """A graph that grows by tables, their releases and files.

    Everything has a name, no node is blank: the same releases give the same file.
    """

    def __init__(self, office: Office, address: str) -> None:
        self.address = address
        self.office_name = office.name
        self.graph = Graph()
        for prefix, namespace in (("dcat", DCAT), ("spdx", SPDX), ("vcard", VCARD)):
            self.graph.bind(prefix, namespace)
        self.office = self._node("office", FOAF.Agent, {FOAF.name: _said(office.name)})
        self.licence = self._of(office.licence, DCTERMS.LicenseDocument, {DCTERMS.title: _said(office.licence_name)})
        self.shared: Facts = {
            DCTERMS.publisher: self.office,
            DCTERMS.language: self._of(ENGLISH, DCTERMS.LinguisticSystem),
        }
        self.themes = self._of(DATA_THEME, SKOS.ConceptScheme, {DCTERMS.title: _said("Data theme")})
        self.catalogue = self._node(
            "catalogue",
            DCAT.Catalog,
            {
                **self.shared,
                DCTERMS.title: _said(f"Releases of the {office.name}"),
                DCTERMS.description: _said("Every release of a table made of big data, with its files."),
                DCTERMS.license: self.licence,
                FOAF.homepage: self._of(office.homepage, FOAF.Document),
                DCAT.themeTaxonomy: self.themes,
            },
        )

    def add_dates(self, changed: Sequence[datetime]) -> None:
        """Say when the catalogue came to be and when it was last changed, if it ever was."""
        if changed:
            self._say(self.catalogue, {DCTERMS.issued: Literal(min(changed)), DCTERMS.modified: Literal(max(changed))})

    def add_table(self, versions: Sequence[ReleaseRecord]) -> None:
        """Add a table with all of its releases, the latest being the last."""
        table, first, latest = versions[0].release.table, versions[0].release, versions[-1].release
        whole = self._dataset(table.name.replace("/", "-"), table, latest, table.name)
        self._say(whole, {DCTERMS.issued: _when(first), DCTERMS.modified: _when(latest)})
        before = None
        for record in versions:
            release = record.release
            title = f"{table.name}, release {release.version}"
            one = self._dataset(release.identifier, table, release, title)
            self._say(one, {DCTERMS.issued: _when(release), DCAT.version: Literal(str(release.version))})
            self._say(one, {DCAT.isVersionOf: whole, **({DCAT.previousVersion: before} if before else {})})
            self._say(whole, {DCAT.hasVersion: one})
            for file in record.files:
                distribution = self._distribution(release, file)
                self._say(one, {DCAT.distribution: distribution})
                if release is latest:
                    # Harvesters that know of no versions show the files of the table itself.
                    self._say(whole, {DCAT.distribution: distribution})
            before = one
        if before:
            self._say(whole, {DCAT.hasCurrentVersion: before})

    def _dataset(self, name: str, table: Table, release: Release, title: str) -> URIRef:
        made = self._node(
            name,
            DCAT.Dataset,
            {
                **self.shared,
                DCTERMS.identifier: Literal(name),
                DCTERMS.title: _said(title),
                DCTERMS.description: _said(table.description),
                DCTERMS.accessRights: self._of(OPEN, DCTERMS.RightsStatement),
                DCAT.keyword: _said(table.domain),
                DCAT.contactPoint: self._contact(table.owner),
            },
        )
        for theme in THEMES.get(table.domain, ()):
            self._say(made, {DCAT.theme: self._theme(theme)})
        for paragraph in release.quality:
            self._say(made, {DCTERMS.description: _said(paragraph)})
        if (days := span(table, release.rows)) is not None:
            ends = {DCAT.startDate: Literal(days.first), DCAT.endDate: Literal(days.last)}
            self._say(made, {DCTERMS.temporal: self._node(f"{name}-period", DCTERMS.PeriodOfTime, ends)})
        self._say(self.catalogue, {DCAT.dataset: made})
        return made

    def _theme(self, code: str) -> URIRef:
        facts: Facts = {SKOS.prefLabel: _said(THEME_LABELS[code]), SKOS.inScheme: self.themes}
        return self._of(f"{DATA_THEME}/{code}", SKOS.Concept, facts)

    def _contact(self, owner: str) -> URIRef:
        name = owner.removeprefix("team:")
        label = f"Team {name}, {self.office_name}" if name != owner else owner
        # Both classes, since those who check know of no subclasses.
        made = self._node(f"contact-{name}", VCARD.Kind, {RDF.type: VCARD.Organization, VCARD.fn: Literal(label)})
        if "@" in owner:
            self._say(made, {VCARD.hasEmail: URIRef(f"mailto:{owner}")})
        return made

    def _distribution(self, release: Release, file: ReleasedFile) -> URIRef:
        # Those who check ask for classes that follow, and infer none.
        where = self._of(self.address + quote(file.path.as_posix()), RDFS.Resource)
        name = f"{release.identifier}-{file.path.name}"
        checksum: Facts = {
            SPDX.algorithm: self._of(SPDX.checksumAlgorithm_sha256, SPDX.ChecksumAlgorithm),
            SPDX.checksumValue: Literal(file.sha256.lower(), datatype=XSD.hexBinary),
        }
        kind = media_type(file.path.name)
        made = self._node(
            name,
            DCAT.Distribution,
            {
                DCTERMS.title: _said(file.path.name),
                DCTERMS.license: self.licence,
                DCAT.accessURL: where,
                DCAT.downloadURL: where,
                DCAT.mediaType: self._of(IANA + kind, DCTERMS.MediaType),
                DCAT.byteSize: Literal(file.size_bytes, datatype=XSD.nonNegativeInteger),
                SPDX.checksum: self._node(f"{name}-checksum", SPDX.Checksum, checksum),
            },
        )
        if said := file_said(file.path.name):
            self._say(made, {DCTERMS.description: _said(said)})
        if code := FILE_TYPES.get(kind):
            self._say(made, {DCTERMS["format"]: self._of(f"{FILE_TYPE}/{code}", DCTERMS.MediaTypeOrExtent)})
        return made

    def _node(self, name: str, kind: URIRef, facts: Facts) -> URIRef:
        made = URIRef(f"{self.address}{CATALOGUE_FILE}#{quote(name)}")
        self._say(made, {RDF.type: kind})
        self._say(made, facts)
        return made

    def _of(self, address: str, kind: URIRef, facts: Facts | None = None) -> URIRef:
        made = URIRef(address)
        self._say(made, {RDF.type: kind})
        self._say(made, facts or {})
        return made

    def _say(self, subject: URIRef, facts: Facts) -> None:
        for predicate, thing in facts.items():
            self.graph.add((subject, predicate, thing))


def _said(text: str) -> Literal:
    return Literal(text, lang="en")


def _when(release: Release) -> Literal:
    return Literal(release.released_utc)
