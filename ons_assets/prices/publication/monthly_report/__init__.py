"""The page that a price statistician opens each month: what moved, why, what was flagged, what needs a person."""

from ons_assets.prices.publication.monthly_report.content import MonthlyReport, monthly_report, reported_months
from ons_assets.prices.publication.monthly_report.page import as_html

__all__ = ["MonthlyReport", "as_html", "monthly_report", "reported_months"]
