"""What files of meters become."""

from ons_assets.intake.raw_table import RawTable
from ons_assets.meters.areas.meter_areas import MeterAreaFiles
from ons_assets.meters.households.questionnaire import QuestionnaireFiles
from ons_assets.meters.readings.sources import MeterFiles
from ons_assets.parameters.meters import MeterAreaParameters, QuestionnaireParameters, Readings

raw_readings = RawTable("meters/raw_readings", MeterFiles.of, parameters=(Readings,))
questionnaire = RawTable("meters/questionnaire", QuestionnaireFiles.of, parameters=(QuestionnaireParameters,))
meter_areas = RawTable("meters/meter_areas", MeterAreaFiles.of, parameters=(MeterAreaParameters,))
