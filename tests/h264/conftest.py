"""Shares strategies.py and crafted.py of this folder, and real streams."""
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def streams(data_folder):
    """vector -> (its row of the manifest, path), of all streams of the suites."""
    manifest = data_folder / "h264" / "MANIFEST.json"
    if not manifest.exists():
        pytest.skip(f"no H.264 streams at {manifest}")
    return {row["vector"]: (row, data_folder / row["file"]) for row in json.loads(manifest.read_text())}
