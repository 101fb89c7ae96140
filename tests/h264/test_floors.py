"""The floors of codec/h264: who may cimport whom, and that names are cimported by name."""

import re
from pathlib import Path

import pytest

import codec.h264

PACKAGE = Path(codec.h264.__file__).parent
# Each floor sees those before it, but `encode` and `decode` never see each other.
FLOORS = ("tables", "stream", "pictures", "macroblock", "entropy", "decode", "encode")
COMPILED = sorted(
    path.relative_to(PACKAGE).as_posix() for floor in FLOORS for path in (PACKAGE / floor).glob("*.p[yx][xd]")
)
each_module = pytest.mark.parametrize("name", COMPILED)


def cimports(name):
    """(module, names) of every cimport statement of a source file."""
    text = re.sub(r'"""(.|\n)*?"""', "", (PACKAGE / name).read_text())
    for module, several, one in re.findall(r"^from (\S+) cimport (?:\(((?:.|\n)*?)\)|(.*))$", text, re.M):
        yield module, re.findall(r"[\w*]+", several or one)


def test_the_reader_of_cimports_finds_them():
    found = dict(cimports("entropy/_residual.pyx"))
    assert "read_residual" not in found and "put_luma_dc" in found["codec.h264.macroblock._scaling"]
    assert len(COMPILED) > 30 and "macroblock/_slice.pxd" in COMPILED


@each_module
def test_floors_stand_on_those_below(name):
    below = FLOORS[: FLOORS.index(name.split("/")[0]) + 1]
    for module, _ in cimports(name):
        if module.startswith("codec.h264."):
            assert not (name.startswith("encode/") and module.startswith("codec.h264.decode."))
            assert module.split(".")[2] in below, f"{name} cimports {module}"


@each_module
def test_names_are_cimported_by_name_and_used(name):
    text = re.sub(
        r'"""(.|\n)*?"""|^from \S+ cimport (\((.|\n)*?\)|.*)$|#.*', "", (PACKAGE / name).read_text(), flags=re.M
    )
    for module, names in cimports(name):
        assert "*" not in names, f"{name}: all of {module}"
        unused = [one for one in names if not re.search(rf"\b{one}\b", text)]
        assert not unused, f"{name}: {module}: {unused}"
