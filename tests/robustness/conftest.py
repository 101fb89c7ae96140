import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # hostile.py, which the fuzzer uses as well

import hostile  # noqa: E402

from codec._core import BUILD  # noqa: E402

DATA = Path(os.environ.get("CODEC_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="session")
def data_files():
    """Paths of the files in a folder of the public test data; the test skips if they are absent."""

    def files(folder, expected):
        found = (
            sorted(path for path in (DATA / folder).rglob("*") if path.is_file()) if (DATA / folder).is_dir() else []
        )
        if not found:
            pytest.skip(f"{expected} files of {folder} are not at {DATA} (CODEC_TEST_DATA)")
        return found

    return files


@pytest.fixture(scope="session", autouse=True)
def the_build_that_is_meant():
    """`make debug` must not pass by testing the normal build."""
    assert hostile.SANITIZED == ("debug" in BUILD), f"{hostile.codec.__file__} is a {BUILD} build"


@pytest.fixture(scope="session")
def seeds():
    return hostile.seeds()
