"""Messages of the library appear on the command line in its own words: no arguments, no classes of Python."""

import ast
import re
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

import codec
from codec.cli._words import spoken
from codec.cli.main import cli

PACKAGE = Path(codec.__file__).parent
PYTHON = re.compile(r"(?<![^\s(])[a-z][a-z_0-9]*=(?!=)|\bLimits\b|\bcodec\.[A-Z]|\b(?:True|None)\b")
# About arguments that a command makes itself, or a class or function that no command calls.
OF_PYTHON = re.compile(
    r"must be a codec\.|^limits must|^Limits\.|codec\.write writes|takes an array of pixels|^there is a codec|"
    r"comments must|4 channels may be|leave optimize=|data_range|the form name=value|bits=5 can hold|"
    r"must be one of None, True|must be True or False|loops must be"
)
RAISED = ("ParameterError", "LimitError", "UnsupportedError", "BitstreamError", "_error", "append")


def commands(command=cli):
    """All commands without subcommands."""
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    return [
        one for name in command.list_commands(context) for one in commands(command.get_command(context, name))
    ]  # fmt: skip


def text_of(node):
    """A message as written in the source, with 5 for what is computed; None if it is no string."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "5" for part in node.values)
    return None


def messages():
    """Messages of the library that name an argument or a class."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] in ("cli", "compat"):  # no command calls an adapter
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in RAISED:
                for text in filter(None, map(text_of, node.args)):
                    if PYTHON.search(text) and not OF_PYTHON.search(text):
                        yield text


def concerned(text):
    """The commands with the most of the arguments in a message as options: all, if none has any."""
    named = set(re.findall(r"(?<![^\s(])([a-z][a-z_0-9]*)=", text))
    counts = {command: len(named & {param.name for param in command.params}) for command in commands()}
    return [command for command, count in counts.items() if count == max(counts.values())]


@pytest.mark.parametrize("text", sorted(set(messages())))
def test_no_message_speaks_python(text):
    for command in concerned(text):
        assert not PYTHON.search(spoken(text, command)), (command.name, spoken(text, command))


def test_there_are_such_messages():
    assert len(set(messages())) > 15


@pytest.mark.parametrize(
    "args, says",
    [
        (("transcode", "odd.jpg", "--rotate", 90), "--edge trim cuts them off, --edge keep leaves them where they are"),
        (("transcode", "turned.jpg", "--rotate", 90, "--edge", "keep"), "--auto-rotate applies it first"),
        (("compress", "a.png", "--max-pixels", 9), "the limit is 9: raise it with --max-pixels"),
        (("decompress", "odd.jpg", "--max-pixels", 9), "the limit is 9: raise it with --max-pixels"),
        (("transcode", "odd.jpg", "--max-pixels", 9), "the limit is 9: raise it with --max-pixels"),
        (("palette", "a.png", "--max-pixels", 9), "the limit is 9: raise it with --max-pixels"),
        (("palette", "a.png", "--floor", "psnr:20"), "--floor psnr:20 needs a target"),
        (("palette", "a.png", "--floor", "psnr:50", "--target", "psnr:20"), "--floor psnr:50 asks for more than --target"),
        (("palette", "a.png", "--floor", "ssim:0.5", "--target", "psnr:20"), "--floor ssim:0.5 and --target psnr:20"),
        (("palette", "--animate", "a.png", "a.png"), "use .gif, .apng, .png"),
        (("compress", "a.png", "--subsampling", "4:1:1"), "is not one of 'auto', '4:4:4'"),
        (("compress", "a.png", "--quality", 101), "1..100"),
        (("compress", "a.png", "--target", "sim:0.9"), "did you mean 'ssim'"),
        (("compress", "a.png", "--target", "size:1"), "cannot be reached"),
        (("compress", "a.png", "--background", "blu"), "unknown colour 'blu'"),
    ],
)  # fmt: skip
def test_errors_and_warnings_name_options(run, home, args, says):
    noise = np.random.default_rng(1).integers(0, 256, (37, 45, 3), np.uint8)
    Image.fromarray(noise).save("a.png")
    picture = Image.fromarray(noise)
    picture.save("odd.jpg", subsampling=2)
    exif = picture.getexif()
    exif[0x112] = 6
    picture.save("turned.jpg", subsampling=2, exif=exif)
    output = {"decompress": "out.png", "palette": "out.webp" if "--animate" in args else "out.png"}.get(
        args[0], "out.jpg"
    )
    outcome = run(*args, "-o", output)
    assert says in outcome.err and not PYTHON.search(outcome.err), outcome.err
    if outcome.text.startswith("file"):
        row = run(*args, "-o", output, "--overwrite", "--json").json["files"][0]
        assert not PYTHON.search(f"{row.get('error')} {row.get('warnings')}".replace("None", ""))


@pytest.mark.parametrize(
    "args, says",
    [
        (("rd", "find", "in/a.png", "--target", "psnr:20", "-c", "jpeg:effort=77"), "effort of jpeg must be in 1..9"),
        (("rd", "find", "in/a.png", "--target", "psnr:20", "-c", "jpeg:quality=7"), "quality is what the search is for"),
        (("rd", "sweep", "in/a.png", "--crf", "3"), "jpeg has no parameter 'crf'"),
        (("rd", "sweep", "in/a.png", "--frames", "3"), "frames is for videos"),
        (("rd", "sweep", "in/a.png", "--subsampling", "4:1:1"), "must be in auto, 4:4:4"),
        (("metrics", "in/a.png", "in/c.png", "--metric", "sim"), "did you mean 'ssim'"),
        (("video", "decode", "none.264", "-o", "null"), "cannot read none.264"),
    ],
)  # fmt: skip
def test_other_errors(run, home, args, says):
    outcome = run(*args)
    assert outcome.code in (1, 2) and says in outcome.err and not PYTHON.search(outcome.err), outcome.err
    assert "did you mean '4" not in outcome.err


def test_names_of_files_stay_as_they_are(run, home):
    (home / "rotate=90").mkdir()
    outcome = run("transcode", "rotate=90/color='x'.jpg", "-o", "o.jpg")
    assert outcome.code == 1 and "rotate=90/color='x'.jpg" in outcome.err
