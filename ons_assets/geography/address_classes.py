"""Classes of addresses, by what they are used for."""

CLASSES = ("residential", "commercial", "education", "transport", "other")
