"""The compiled half of the build: which extensions, with which flags. Everything else is in pyproject.toml.

CODEC_DEBUG=1 turns on Cython's bounds checks, the asserts of the kernels, AddressSanitizer and UndefinedBehaviorSanitizer (`make debug`).
CODEC_FUZZ=1 adds the counters that guide the fuzzer (`make fuzz`).
"""
import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("CODEC_DEBUG") == "1"
FUZZ = os.environ.get("CODEC_FUZZ") == "1"
MSVC = sys.platform == "win32"

# No -march and no -ffast-math: one wheel runs on every CPU of its kind, and figures reproduce.
# -fwrapv: a sum that overflows on hostile coefficients wraps (and is then clamped); it is never undefined behaviour.
CFLAGS = ["/O2", "/std:c11"] if MSVC else ["-O3", "-std=gnu11", "-fvisibility=hidden", "-ffp-contract=off", "-fwrapv", "-Wno-unused-function", "-Wno-maybe-uninitialized", "-Wno-uninitialized"]
LDFLAGS = []
if DEBUG and not MSVC:
    # -fwrapv here too: what wraps is defined, and a report of the sanitizer is always a bug.
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    CFLAGS = ["-O1", "-g", "-std=gnu11", "-ffp-contract=off", "-fwrapv", "-Wno-unused-function", *sanitize]
    LDFLAGS = sanitize
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


def extension(name, *c_sources):
    source = name.replace(".", "/") + ".pyx"
    return Extension(name, [source, *c_sources, *C_SOURCES], include_dirs=["codec/simd", "codec/h264/tables"], define_macros=MACROS, extra_compile_args=CFLAGS, extra_link_args=LDFLAGS)


KERNELS_H264 = ["codec/simd/h264dsp.c", *(f"codec/simd/x86/h264_{stage}_avx2.c" for stage in ("inter", "intra", "transform", "deblock"))]

# In the order of dependence: each may cimport only those above it.
EXTENSIONS = [
    extension("codec._core", "codec/simd/cpu.c"),
    extension("codec._pixel"),
    extension("codec.jpeg._planes"),
    extension("codec.jpeg._arith"),
    extension("codec.jpeg._arith_read"),
    extension("codec.jpeg._segments"),
    extension("codec.jpeg._masking"),
    extension("codec.jpeg._chroma"),
    extension("codec.jpeg._trellis"),
    extension("codec.jpeg._scan_read"),
    extension("codec.jpeg._lossless_read"),
    extension("codec.jpeg._arith_write"),
    extension("codec.jpeg._lossless_write"),
    extension("codec.jpeg._scan_write"),
    extension("codec.jpeg._scan_search"),
    extension("codec.palette._lzw"),
    extension("codec.h264._kernels", *KERNELS_H264),
    extension("codec.h264._start_codes"),
    extension("codec.h264._picture"),
    extension("codec.h264._deblock"),
    extension("codec.h264._neighbours"),
    extension("codec.h264._cavlc"),
    extension("codec.h264._cabac"),
    extension("codec.h264._cabac_mb"),
    extension("codec.h264._direct"),
    extension("codec.h264._motion"),
    extension("codec.h264._residual"),
    extension("codec.h264._mb_syntax"),
    extension("codec.h264._inter"),
    extension("codec.h264._conceal"),
    extension("codec.h264._switching"),
    extension("codec.h264._recon"),
    extension("codec.h264._slice_dec"),
    extension("codec.h264._crew"),
    extension("codec.metrics._fidelity"),
    extension("codec.metrics._ssim", "codec/simd/metrics.c"),
    extension("codec.metrics._ssimulacra2", "codec/simd/metrics.c"),
    extension("codec.metrics._ssimulacra2_gradient", "codec/simd/metrics.c", "codec/simd/gradients.c"),
    extension("codec.quantizers._kmeans", "codec/simd/colors.c"),
    extension("codec.palette._histogram"),
    extension("codec.palette._spaces", "codec/simd/colors.c"),
    extension("codec.palette._nearest", "codec/simd/colors.c"),
    extension("codec.palette._dither"),
]

setup(ext_modules=cythonize(EXTENSIONS, compiler_directives=DIRECTIVES, emit_linenums=DEBUG))
