"""What files of operators become."""

from ons_assets.intake.raw_table import RawTable
from ons_assets.mobile.sources import CellFiles, DeviceFiles, EventFiles, FlowFiles

cells = RawTable("mobile/cells", CellFiles.of)
devices = RawTable("mobile/devices", DeviceFiles.of)
phone_events = RawTable("mobile/phone_events", EventFiles.of, by_day=True)
aggregated_flows = RawTable("mobile/aggregated_flows", FlowFiles.of)
