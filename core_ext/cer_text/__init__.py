"""The text of the CER trial, parsed into meters, days, slots and readings."""
