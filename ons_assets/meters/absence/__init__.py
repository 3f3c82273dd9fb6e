"""Homes in which nobody is: days of low use, spells of vacancy, second homes."""
