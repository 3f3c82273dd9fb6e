"""Erasure: what is of a person, a home, a device or a deleted tweet leaves the installation, and it is proved."""
