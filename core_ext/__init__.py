"""Cython kernels for the hot loops: NumPy arrays in, NumPy arrays out.

Every public name is here; the packages below hold a family of kernels each, beside their references in plain
Python. docs/kernels.md says what each takes and gives.
"""

from core_ext.cer_text.parsing import parse_cer_text
from core_ext.clustering.segments import dbscan, dbscan_clusters
from core_ext.half_hours.passes import (
    RUN_KINDS,
    DayRuns,
    HalfHourPass,
    HalfHourRuns,
    daily_totals,
    half_hour_pass,
    half_hour_profiles,
    half_hour_runs,
    low_day_runs,
)
from core_ext.occupancy.fitting import OccupancyFit, fit_occupancy
from core_ext.phone_events.events import KEPT, PING_PONG, SUSPICIOUS, clean_events, daily_evidence
from core_ext.price_links.matched import log_relatives, pair_sums

__all__ = [
    "KEPT",
    "PING_PONG",
    "RUN_KINDS",
    "SUSPICIOUS",
    "DayRuns",
    "HalfHourPass",
    "HalfHourRuns",
    "OccupancyFit",
    "clean_events",
    "daily_evidence",
    "daily_totals",
    "dbscan",
    "dbscan_clusters",
    "fit_occupancy",
    "half_hour_pass",
    "half_hour_profiles",
    "half_hour_runs",
    "log_relatives",
    "low_day_runs",
    "pair_sums",
    "parse_cer_text",
]
