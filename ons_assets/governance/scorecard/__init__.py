"""The scorecard of quality: what is measured of every table, what is usual for it, and what to do next."""
