"""Where Dagster meets the lakehouse: assets from registry entries, drop sensors, runs."""

import warnings

import dagster as dg

# Checks by partition and backfills in a single run are marked as young; what we use of them is tested.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)
