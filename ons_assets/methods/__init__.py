"""What analysts call: one function a method, frames in and frames out, without Dagster and without a home.

Each is offered by `ons_assets` itself, and docs/python.md shows them at work. They check what they are given, so
that a mistake is one sentence, and leave the rest to the functions of which the assets are made.
"""
