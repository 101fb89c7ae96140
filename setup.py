"""The compiled half of the build: which extensions, with which flags. Everything else is in pyproject.toml.

CODEC_DEBUG=1 turns on Cython's bounds checks, the asserts of the kernels, AddressSanitizer and UndefinedBehaviorSanitizer (`make debug`).
CODEC_TSAN=1 turns on ThreadSanitizer (`make tsan`).
CODEC_FUZZ=1 adds the counters that guide the fuzzer (`make fuzz`).

Every way to build (`make`, `pip install -e .`, `pip install .`, `python setup.py build_ext --inplace`) compiles into the same folder under
build/, one for each kind of build and Python, and compiles only what is older than its sources.
"""

import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from Cython.Build.Dependencies import create_dependency_tree
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

DEBUG = os.environ.get("CODEC_DEBUG") == "1"
FUZZ = os.environ.get("CODEC_FUZZ") == "1"
TSAN = os.environ.get("CODEC_TSAN") == "1"
MSVC = sys.platform == "win32"
JOBS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

KIND = "fuzz" if FUZZ else "debug" if DEBUG else "tsan" if TSAN else "release"
BUILD = Path("build", f"{KIND}-{sys.implementation.cache_tag}-{sysconfig.get_platform()}")
INCLUDES = ["codec/simd", "codec/h264/tables"]

# No -march and no -ffast-math: one wheel runs on every CPU of its kind, and figures reproduce.
# -fwrapv: a sum that overflows on hostile coefficients wraps (and is then clamped); it is never undefined behaviour.
# -g0: Python's own flags ask for debug information, which nobody reads in a release and which takes a third of the build.
WARNINGS = ["-Wno-unused-function", "-Wno-maybe-uninitialized", "-Wno-uninitialized"]
CFLAGS = (
    ["/O2", "/std:c11"]
    if MSVC
    else ["-O3", "-g0", "-std=gnu11", "-fvisibility=hidden", "-ffp-contract=off", "-fwrapv", *WARNINGS]
)
GLUE_CFLAGS = [] if MSVC else ["-O1"]
LDFLAGS = []
if DEBUG and not MSVC:
    # -fwrapv here too: what wraps is defined, and a report of the sanitizer is always a bug.
    LDFLAGS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    CFLAGS = ["-O1", "-g", "-std=gnu11", "-ffp-contract=off", "-fwrapv", *WARNINGS, *LDFLAGS]
if TSAN:
    LDFLAGS = ["-fsanitize=thread"]
    CFLAGS = ["-O1", "-g", "-std=gnu11", "-ffp-contract=off", "-fwrapv", *WARNINGS, *LDFLAGS]
C_SOURCES = []
if FUZZ:
    CFLAGS += ["-fsanitize-coverage=trace-pc,trace-cmp"]
    C_SOURCES = ["tests/fuzz/coverage.c"]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "cdivision": True,
    "embedsignature": True,
    "freethreading_compatible": True,
}
MACROS = [("CODEC_DEBUG", "1")] if DEBUG else [("CYTHON_WITHOUT_ASSERTIONS", "1")]

# What Cython generates for memoryviews, about a megabyte of C, is compiled once and shared by all extensions.
SHARED = "codec._shared"

KERNELS_H264 = [
    "codec/simd/h264dsp.c",
    *(f"codec/simd/x86/h264_{stage}_avx2.c" for stage in ("inter", "intra", "transform", "deblock")),
]

KERNELS_JPEG = [
    "codec/simd/jpegdsp.c",
    *(f"codec/simd/x86/jpeg_{stage}_avx2.c" for stage in ("color", "transform", "bits", "trellis")),
    "codec/simd/x86/jpeg_avx512.c",
    "codec/simd/x86/jpeg_tokens_avx512.c",
    "codec/simd/x86/jpeg_trellis_avx512.c",
]
KERNELS_H264_ENCODER = ["codec/simd/h264enc.c", "codec/simd/x86/h264enc_avx2.c"]

# C sources that are linked into an extension; every .pyx file is one.
LINKED = {
    "codec._core": ["codec/simd/cpu.c", *KERNELS_JPEG],
    "codec.formats._png": [
        "codec/simd/png.c",
        "codec/simd/x86/png_avx2.c",
        "codec/simd/inflate.c",
        "codec/simd/checksums.c",
        "codec/simd/x86/checksums_avx2.c",
    ],
    "codec.h264.macroblock._kernels": KERNELS_H264,
    "codec.h264.encode._kernels": KERNELS_H264_ENCODER,
    "codec.metrics._ssim": ["codec/simd/metrics.c"],
    "codec.metrics._ssimulacra2": ["codec/simd/metrics.c"],
    "codec.metrics._ssimulacra2_gradient": ["codec/simd/metrics.c", "codec/simd/gradients.c"],
    "codec.quantizers._kmeans": ["codec/simd/colors.c"],
    "codec.quantizers._scalar": ["codec/simd/scalar.c"],
    "codec.jpeg._chroma": ["codec/simd/contrast.c"],
    "codec.jpeg._scan_search": ["codec/simd/jpeg_counts.c"],
    "codec.palette._spaces": ["codec/simd/colors.c"],
    "codec.palette._lzw": ["codec/simd/phrases.c"],
    "codec.palette._nearest": ["codec/simd/colors.c"],
}


def with_headers(paths):
    """The files, and every header of ours that they include, directly or through another."""
    found, waiting = set(), [Path(path) for path in paths]
    while waiting:
        path = waiting.pop()
        if path.as_posix() in found:
            continue
        found.add(path.as_posix())
        for name in re.findall(
            r'^\s*(?:#\s*include|cdef extern from) "([^"]+)"', path.read_text(encoding="utf-8"), re.M
        ):
            waiting += [folder / name for folder in (path.parent, *map(Path, INCLUDES)) if (folder / name).is_file()][
                :1
            ]
    return found


def extension(name, sources, flags=()):
    return Extension(
        name,
        sources,
        include_dirs=INCLUDES,
        define_macros=MACROS,
        extra_compile_args=[*CFLAGS, *flags],
        extra_link_args=LDFLAGS,
    )


def extensions():
    """All extensions, their .pyx files translated where they or what they cimport changed."""
    sources = {".".join(path.with_suffix("").parts): path.as_posix() for path in sorted(Path("codec").rglob("*.pyx"))}
    modules = [extension(name, [source]) for name, source in sources.items()]
    shared = extension(SHARED, [SHARED.replace(".", "/") + ".c"], GLUE_CFLAGS)
    made = cythonize(
        [*modules, shared],
        compiler_directives=DIRECTIVES,
        emit_linenums=DEBUG,
        build_dir=str(BUILD / "c"),
        nthreads=JOBS,
        shared_utility_qualified_name=SHARED,
    )
    tree = create_dependency_tree(quiet=True)
    for module in made:
        if module.name in sources:
            source, linked = sources[module.name], [*LINKED.get(module.name, ()), *C_SOURCES]
            module.sources += linked
            module.depends = sorted(with_headers([source, *tree.all_dependencies(source), *linked]) | {"setup.py"})
    return made


class BuildPy(build_py):
    """Starts from an empty folder: modules that moved since the last build would be packed a second time."""

    def run(self):
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class BuildExt(build_ext):
    """Compiles side by side, into the folder that every way to build shares, and copies from there to where this one wants the result."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or JOBS

    def run(self):
        wanted, self.build_lib, self.build_temp = self.build_lib, str(BUILD / "lib"), str(BUILD / "obj")
        super().run()
        self.build_lib = wanted
        if not self.inplace:
            for module in self.extensions:
                path = self.get_ext_filename(module.name)
                self.mkpath(str(Path(wanted, path).parent))
                self.copy_file(str(BUILD / "lib" / path), str(Path(wanted, path)))

    def build_extensions(self):
        if (
            shutil.which("ccache")
            and self.compiler.compiler_type == "unix"
            and "ccache" not in self.compiler.compiler_so[0]
        ):
            self.compiler.compiler_so = ["ccache", *self.compiler.compiler_so]
        super().build_extensions()


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_py": BuildPy, "build_ext": BuildExt})
