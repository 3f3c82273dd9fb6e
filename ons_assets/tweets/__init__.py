"""Geo-located tweets: from the collector's files to clusters, anchors, residences and migration flows."""
