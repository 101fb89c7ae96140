"""The memory of a batch: what one picture needed serves the next."""

import subprocess
import sys

import pytest

TOUCHED = """
import resource, sys
import numpy as np
from codec.cli._jobs import keep_pages
kept = keep_pages(2) if sys.argv[1] == "kept" else None
def touch(times):
    for _ in range(times):
        pieces = [np.ones(1_200_000, np.uint8) for _ in range(2)]  # filtered and plain rows of a picture
        del pieces
touch(4)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
touch(100)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(kept):
    """(what `keep_pages` returned, page faults of 100 pictures)."""
    words = subprocess.run([sys.executable, "-c", TOUCHED, kept], capture_output=True, text=True, check=True).stdout
    known, count = words.split()
    return known, int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_pages_stay_with_the_process():
    known, count = faults("kept")
    if known != "True":
        pytest.skip("this libc has no mallopt")
    assert count < 1000 < faults("given back")[1]


def test_any_number_of_threads_may_be_asked_for(run, home):
    outcome = run("compress", "in", "-o", "out", "-j", str(2**40), "--dry-run")
    assert outcome.code == 0
