"""Trace: from a published figure back to the files it is made of, and from a file to every figure made of it."""
