"""Random generators, one for each purpose, so that changing one part of the world leaves the rest as it was."""

import zlib

import numpy as np


def generator(seed: int, *purpose: object) -> np.random.Generator:
    """Return the generator of one purpose.

    Parameters
    ----------
    seed
        Seed of the world, not negative.
    *purpose
        Words and numbers that name the purpose, such as ``"path", 212720``.

    Returns
    -------
    numpy.random.Generator
        Always the same stream for the same seed and purpose, on every machine.
    """
    name = "/".join(str(word) for word in purpose)
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
