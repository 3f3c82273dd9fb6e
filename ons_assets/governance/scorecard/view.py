"""The scorecard as the people's database shows it: what stands now, what needs a person first."""

from ons_assets.catalogue.governance import QUALITY_SCORECARD
from ons_assets.lakehouse.warehouse import View

QUALITY = View(
    name="quality",
    of=QUALITY_SCORECARD.name,
    query="SELECT table_name, partition_name, dimension, measure, measured_of, value, quality_status, said, next_step,"
    " evaluated_utc FROM governance.quality_scorecard"
    " QUALIFY row_number() OVER (PARTITION BY table_name, partition_name, dimension, measure, measured_of"
    " ORDER BY evaluated_utc DESC) = 1"
    " ORDER BY list_position(['act', 'watch', 'not judged', 'good'], quality_status), table_name, partition_name DESC",
    comment="The last that was found of each measure of the quality of each table; what needs a person comes first.",
)
