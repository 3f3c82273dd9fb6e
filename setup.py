"""Build of the package and of its Cython kernels."""

import os
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, find_namespace_packages, setup

# ONS_ASSETS_DEBUG_KERNELS=1 builds the kernels with bounds checks, for hunting a bad index. What was built before is
# taken as it is unless its source is younger, so that `make clean` comes first, and again to go back.
CHECKED = os.environ.get("ONS_ASSETS_DEBUG_KERNELS") == "1"

extensions = [
    Extension(
        ".".join(kernel.with_suffix("").parts),
        [str(kernel)],
        include_dirs=[numpy.get_include(), str(kernel.parent)],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        depends=[str(path) for path in kernel.parent.glob("*.h")],
        # A fused multiply-add rounds once where the plain sum rounds twice: without this option
        # the same input could give another answer on another processor.
        extra_compile_args=["-O3", "-ffp-contract=off"],
    )
    for kernel in sorted(Path("core_ext").rglob("*.pyx"))
]

setup(
    # Folders of data are packages to setuptools, though they hold no module. The sources of the kernels go along, since
    # the version of the code is a hash over them; the C made of them does not. Of the docs go along the pages that
    # releases take with them, and the tutorials.
    packages=find_namespace_packages(
        include=["ons_assets*", "core_ext*", "expectations*", "docs.methods", "docs.tutorials*"],
        exclude=["*__pycache__*"],
    ),
    package_data={
        "": ["*.yaml", "*.toml", "*.csv", "*.json", "*.md", "*.png", "*.j2", "*.css", "*.pyx", "*.pxd", "*.h"],
    },
    exclude_package_data={"": ["*.c"]},
    options={"build_ext": {"parallel": os.cpu_count()}},
    ext_modules=cythonize(
        extensions,
        nthreads=os.cpu_count(),
        compiler_directives={
            "language_level": 3,
            "boundscheck": CHECKED,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": CHECKED,
        },
    ),
)
