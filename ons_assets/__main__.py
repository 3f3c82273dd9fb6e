"""`python -m ons_assets` is the command `ons-assets`."""

from ons_assets.cli import main

main()
