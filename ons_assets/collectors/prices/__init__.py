"""The collection of prices from the pages of shops: a description of each shop, one run a morning, one file a run."""
