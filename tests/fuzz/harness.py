"""Shared by the fuzz targets: Atheris with the counters of the compiled kernels, corpus and crashes of each
target, single runs of inputs.

Atheris brings libFuzzer; coverage comes from the Python code (Atheris' own instrumentation) and from the compiled
kernels (coverage.c), which also run with AddressSanitizer, UndefinedBehaviorSanitizer, bounds checks and asserts. The
rules are those of the judges in tests/robustness. Inputs that break a rule are written to crashes/, and corpus/ is kept
for the next run, each in a folder of the target.
"""

import argparse
import os
import sys
from pathlib import Path

try:
    import atheris
    import atheris.core_with_libfuzzer as core
except ImportError as problem:
    sys.exit(
        f"fuzzing needs Atheris, which has no build for this Python or system ({problem}); "
        "tests/robustness runs everywhere"
    )

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "robustness"), str(HERE.parent)]
os.environ["CODEC_FUZZ_CORE"] = core.__file__  # read by coverage.c when the extensions are loaded


def run(name, description, judge, mutate, fill, *, max_bytes, dictionary=None):
    """Fuzz, or judge once each file named on the command line.

    judge takes bytes and raises where a rule is broken; mutate is libFuzzer's custom mutator; fill writes
    seeds into an empty folder.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("files", nargs="*", help="inputs to judge once, instead of fuzzing: crashes/...")
    arguments = parser.parse_args()
    if arguments.files:
        for path in arguments.files:
            judge(Path(path).read_bytes())
        return
    corpus, crashes = Path("corpus") / name, Path("crashes") / name
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    fill(corpus)
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-max_len={max_bytes}",
        f"-artifact_prefix={crashes}/",
        "-timeout=60",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
        "-print_pcs=0",
        "-reload=0",
        "-len_control=0",
    ]
    options += [f"-dict={HERE / dictionary}"] if dictionary else []

    def one(data):
        judge(data)  # Atheris wants None

    atheris.Setup([sys.argv[0], str(corpus), *options], one, custom_mutator=mutate)
    atheris.Fuzz()
