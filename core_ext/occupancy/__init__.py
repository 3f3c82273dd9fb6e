"""A hidden Markov model for each home, fitted and smoothed."""
