"""What the documents show is what happens."""

import doctest
import pathlib
import re
import shlex

import pytest

ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["README.md", "docs/pixel_to_bitstream.md", "docs/lab.md", "docs/palette.md"])
def test_examples_in_documents_run(name):
    result = doctest.testfile(
        str(ROOT / name), module_relative=False, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert result.attempted > 5 and result.failed == 0


def test_glossary_names_exist():
    """Every `file.py` or `file.pyx` that the glossary points at is there."""
    text = (ROOT / "docs/glossary.md").read_text()
    for path in set(re.findall(r"`(?:\w+` in `)?((?:jpeg|h264)/\w+\.pyx?|_\w+\.px?[yd]x?)`", text)):
        assert (ROOT / "codec" / path).exists(), path


def test_commands_of_the_laboratory_are_understood():
    """Every `$ codec ...` line of docs/lab.md: its verb, options and their values exist (nothing is run)."""
    from codec.cli.main import cli

    text = (ROOT / "docs/lab.md").read_text().replace("\\\n", " ")
    lines = re.findall(r"^\$ codec (.*)$", text, re.MULTILINE)
    assert len(lines) > 7
    for line in lines:
        command, words = cli, shlex.split(line)
        while hasattr(command, "get_command"):
            context = command.make_context("codec", [words[0], "--help"], resilient_parsing=True)
            command = command.get_command(context, words.pop(0))
            assert command, line
        command.make_context("codec", words)
