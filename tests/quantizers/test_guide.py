"""The tables of docs/quantization.md are what its command prints. The quick ones are made again here."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def guide():
    spec = importlib.util.spec_from_file_location("quantization_guide", ROOT / "benchmarks" / "quantization_guide.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tables():
    page = (ROOT / "docs" / "quantization.md").read_text()
    return {name: text.strip() for name, text in re.findall(r"<!-- ([\w-]+) -->\n(.*?)<!-- /\1 -->", page, re.S)}


def test_every_table_has_a_place_and_is_filled(guide):
    found = tables()
    assert list(found) and set(found) == set(guide.TABLES) and all(text.startswith("| ") for text in found.values())


def numbers(text):
    return [float(number) for number in re.findall(r"(?<![\w.])-?\d+\.?\d*", text)]


@pytest.mark.parametrize("name", ["look", "calibrate", "allocate", "telephone"])
def test_quick_tables_are_current(guide, name):
    """Words exactly; numbers to 1 %, since mathematical libraries differ."""
    made, written = guide.TABLES[name](), tables()[name]
    assert re.sub(r"[\d.]+", "#", made) == re.sub(r"[\d.]+", "#", written)
    assert numbers(made) == pytest.approx(numbers(written), rel=0.01, abs=0.02)
