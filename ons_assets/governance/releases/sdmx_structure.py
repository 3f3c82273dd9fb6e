"""The structure of a release in SDMX 2.1: its dataflow, structure definition, concepts and code lists."""

import re
from collections.abc import Mapping
from typing import Any

from sdmx import message
from sdmx.model import common, v21

from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.figures import unit
from ons_assets.governance.releases.sdmx_shape import (
    MEASURE,
    NOT_IN_XML,
    STATUS,
    STATUSES,
    TIME,
    UNIT,
    VALUE,
    Shape,
    code,
    component,
    name_of,
    text_of,
    version_of,
)
from ons_assets.lakehouse.tables import Column


def structure_of(release: Release, shape: Shape) -> message.StructureMessage:
    """Return the dataflow of a release with all that it refers to.

    Parameters
    ----------
    release
        Whose values of the key become codes.
    shape
        What the columns of its table are.
    """
    made = _Structure(release)
    for column in shape.dimensions:
        values = release.rows.select(text_of(column)).to_series().unique().sort()
        made.dimension(column, made.listed(component(column.name), {code(value): value for value in values}))
    made.measures(shape.measures)
    if shape.time:
        made.time(shape.time)
    made.attribute(STATUS, "why there is no figure, if there is none", made.listed(STATUS, STATUSES), always=True)
    units = dict(filter(None, (unit(each.name) for each in shape.measures)))
    made.attribute(UNIT, "unit of the figure, where its name has one", made.listed(UNIT, units))
    for column in shape.attributes:
        kind = "boolean" if str(column.dtype) == "Boolean" else "string"
        made.attribute(component(column.name), column.description, _of_type(kind), always=not column.nullable)
    return made.message()


class _Structure:
    """A structure definition that grows by its components, each with its concept and its codes."""

    def __init__(self, release: Release) -> None:
        self.release, self.name = release, name_of(release.table)
        self.agency = common.Agency(id=release.office.agency, name=_said(release.office.name))
        self.codelists: dict[str, common.Codelist] = {}
        self.concepts = common.ConceptScheme(**self._kept(f"CS_{self.name}", f"Concepts of {release.table.name}"))
        self.definition = v21.DataStructureDefinition(
            **self._kept(f"DSD_{self.name}", f"Structure of {release.table.name}")
        )
        # The standard has one name for each, and its schemas refuse an empty one, which sdmx1 would write.
        self.definition.dimensions.id = "DimensionDescriptor"
        self.definition.attributes.id = "AttributeDescriptor"
        self.definition.measures.id = "MeasureDescriptor"

    def _kept(self, name: str, label: str) -> dict[str, Any]:
        """Say what is said of all that an agency maintains; `isFinal="none"`, sdmx1's own word, the schemas refuse."""
        version = version_of(self.release)
        kept = {"is_final": True, "is_external_reference": False, "maintainer": self.agency, "version": version}
        return {"id": name, "name": _said(label), **kept}

    def listed(self, name: str, codes: Mapping[str, str]) -> common.Representation:
        """Make a code list of labels by their codes."""
        made = common.Codelist(**self._kept(f"CL_{self.name}_{name}", f"Codes of {name} in {self.release.table.name}"))
        for each, label in codes.items():
            made.append(common.Code(id=each, name=_said(label or "(empty)")))
        self.codelists[made.id] = made
        return common.Representation(enumerated=made)

    def _concept(self, name: str, description: str) -> common.Concept:
        made = common.Concept(id=name, name=_said(_label(name)), description=_said(description))
        self.concepts.append(made)
        return made

    def _add(self, made: common.DimensionComponent, description: str) -> None:
        made.order = len(self.definition.dimensions.components) + 1
        made.concept_identity = self._concept(made.id, description)
        self.definition.dimensions.append(made)

    def dimension(self, column: Column, values: common.Representation) -> None:
        made = common.Dimension(id=component(column.name), local_representation=values)
        self._add(made, column.description)

    def time(self, column: Column) -> None:
        made = common.TimeDimension(id=TIME, local_representation=_of_type("observationalTimePeriod"))
        self._add(made, column.description)

    def measures(self, columns: tuple[Column, ...]) -> None:
        """Make the figures values of a dimension, and of the one measure that there is."""
        labels = {component(each.name): each.description for each in columns}
        self._add(common.Dimension(id=MEASURE, local_representation=self.listed(MEASURE, labels)), "which figure it is")
        kind = "long" if all(each.dtype.is_integer() for each in columns) else "double"
        made = v21.PrimaryMeasure(id=VALUE, local_representation=_of_type(kind))
        made.concept_identity = self._concept(VALUE, "the figure")
        self.definition.measures.append(made)

    def attribute(self, name: str, description: str, values: common.Representation, always: bool = False) -> None:
        status = common.UsageStatus.mandatory if always else common.UsageStatus.conditional
        made = common.DataAttribute(id=name, usage_status=status, local_representation=values)
        made.related_to = v21.PrimaryMeasureRelationship()
        made.concept_identity = self._concept(name, description)
        self.definition.attributes.append(made)

    def message(self) -> message.StructureMessage:
        table, prepared = self.release.table, self.release.released_utc
        flow = v21.DataflowDefinition(
            **self._kept(self.name, table.name), description=_said(table.description), structure=self.definition
        )
        made = message.StructureMessage(
            header=message.Header(id=self.release.identifier, test=False, prepared=prepared, sender=self.agency)
        )
        made.codelist.update(self.codelists)
        made.concept_scheme[self.concepts.id] = self.concepts
        made.structure[self.definition.id] = self.definition
        made.dataflow[flow.id] = flow
        return made


def _of_type(name: str) -> common.Representation:
    return common.Representation(non_enumerated=[common.Facet(value_type=common.FacetValueType[name])])


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _said(text: str) -> dict[str, str]:
    return {"en": re.sub(NOT_IN_XML, "\ufffd", text)}
