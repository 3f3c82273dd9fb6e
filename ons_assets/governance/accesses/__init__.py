"""Looks that people take at single homes: a ledger of them, and what they made."""
