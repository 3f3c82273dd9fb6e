"""Engines: a pure function over the parts of a table, worked here or on a cluster.

    engine.map(function, parts)

gives what the function makes of each part, in the order of the parts. A part is a tuple of arguments; tables among
them are LazyFrames, which name files and what is wanted of them, so that names travel and not rows: they are read where
the part is worked. Functions are of modules, or `functools.partial` of such, for they are sent by name.
"""
