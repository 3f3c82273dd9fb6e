"""What files about the installation itself become."""

from ons_assets.governance.outages.outage_files import OutageFiles
from ons_assets.intake.raw_table import RawTable

outages = RawTable("governance/outages", OutageFiles.of)
