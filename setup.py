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
        # the same input could give another answer on another processor. What debuggers read of a kernel
        # is ten times the kernel.
        extra_compile_args=["-O3", "-ffp-contract=off", *([] if CHECKED else ["-g0"])],
    )
    for kernel in sorted(Path("core_ext").rglob("*.pyx"))
]

# Folders of data are packages to setuptools, though they hold no module. Those that lie beside the program in a
# checkout, the suites, the pages that releases take with them and the tutorials, lie within it where it is installed:
# `ons_assets.shipped`.
BESIDE = find_namespace_packages(include=["expectations*", "docs.methods", "docs.tutorials*"])

setup(
    packages=[
        *find_namespace_packages(include=["ons_assets*", "core_ext*"], exclude=["*__pycache__*"]),
        *(f"ons_assets.{folder}" for folder in BESIDE),
    ],
    package_dir={f"ons_assets.{folder}": folder.replace(".", "/") for folder in BESIDE},
    # The sources of the kernels go along, since the version of the code is a hash over them; the C made of them does
    # not.
    package_data={
        "": [
            *("*.yaml", "*.toml", "*.csv", "*.json", "*.md", "*.ipynb", "*.png", "*.j2", "*.css"),
            *("*.pyx", "*.pxd", "*.h", "*.pyi", "py.typed"),
        ]
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
