"""What the documents show is what happens."""
import doctest
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["README.md", "docs/pixel_to_bitstream.md"])
def test_examples_in_documents_run(name):
    result = doctest.testfile(str(ROOT / name), module_relative=False, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    assert result.attempted > 5 and result.failed == 0


def test_glossary_names_exist():
    """Every `file.py` or `file.pyx` that the glossary points at is there."""
    text = (ROOT / "docs/glossary.md").read_text()
    for path in set(re.findall(r"`(?:\w+` in `)?(jpeg/\w+\.pyx?|_\w+\.px?[yd]x?)`", text)):
        assert (ROOT / "codec" / path).exists(), path
