"""Property tests: how many examples they draw, and whether every run draws the same.

`make test` and CI are derandomized: each run tries the same examples, and no database of earlier failures changes them.
`make explore` draws at random from a seed that it prints, EXPLORE times as many examples. What it finds becomes an
`@example` of the test.
"""

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("EXPLORE", "1"))

# A busy machine is no failure: no deadline, and slow draws are fine.
_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("repeatable", derandomize=True, database=None, **_common)
settings.register_profile("explore", max_examples=100 * FACTOR, print_blob=True, **_common)
settings.load_profile("explore" if "EXPLORE" in os.environ else "repeatable")


def examples(count):
    """Settings of a test that wants another number of examples than 100."""
    return settings(max_examples=FACTOR * count)
