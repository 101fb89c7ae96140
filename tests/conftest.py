"""Shared by several test folders: the public test data, and synthetic pictures."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # clips.py, crafted_h264.py, properties.py: shared by folders

import properties  # noqa: E402, F401  (loads the profile of the property tests)

# A shell starts jobs in the background with SIGINT ignored, and so would every command that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]


def _data_folder():
    return Path(os.environ.get("CODEC_TEST_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def data_folder():
    """Folder of the public test data; tests that need it skip if it is absent."""
    folder = _data_folder()
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}; set CODEC_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def streams(data_folder):
    """vector -> (its row of the manifest, path), for all H.264 streams of the suites."""
    manifest = data_folder / "h264" / "MANIFEST.json"
    if not manifest.exists():
        pytest.skip(f"no H.264 streams at {manifest}")
    return {row["vector"]: (row, data_folder / row["file"]) for row in json.loads(manifest.read_text())}


@pytest.fixture(scope="session")
def picture():
    """picture(height, width, channels, seed): uint8 of shape (height, width[, channels]): slopes, edges
    and some noise, never flat."""

    def picture(height, width, channels=3, seed=0):
        rng = np.random.default_rng([seed, height, width, channels])
        y, x = np.mgrid[:height, :width]
        layers = []
        for c in range(channels):
            wave = 90 * np.sin(x / (3 + c + seed % 5)) * np.cos(y / (5 + c)) + (x + y * (c + 1)) % 61
            edge = np.where((x // 9 + y // 7 + c) % 3 == 0, 70, 0)
            layers.append(90 + wave + edge + rng.integers(-12, 13, (height, width)))
        pixels = np.stack(layers, -1).clip(0, 255).astype(np.uint8)
        return pixels[..., 0] if channels == 1 else pixels

    return picture


@pytest.fixture(scope="session")
def as_common_user():
    """Words before a command that make permissions count for it: root gives up the right to pass over them."""
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions of POSIX")
    words = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("root may read and write everything, and setpriv does not take that away here")
    return words


class Outcome:
    """Result of a call of `codec`: exit code, stdout as bytes, text and JSON, stderr as text."""

    def __init__(self, result):
        self.code, self.out, self.err = result.exit_code, result.stdout_bytes, result.stderr
        self.text = self.out.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def table(self):
        return [line.split("\t") for line in self.text.splitlines()[1:]]

    @property
    def statuses(self):
        """{name: status} of the files in the table."""
        return {row[0].replace(os.sep, "/"): row[4] for row in self.table}


@pytest.fixture
def run():
    """run(*args): `codec` in this process, its outcome."""

    from click.testing import CliRunner

    from codec.cli.main import cli

    def run(*args, stdin=None):
        result = CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin, prog_name="codec")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result)

    return run
