"""The command itself: help, version, exit codes, and lazy loading."""

import importlib
import os
import subprocess
import sys

import pytest

from codec import __version__, errors, jpeg
from codec.cli._names import METRICS, NAMES
from codec.cli.main import VERBS
from codec.metrics.names import FACTS


def codec(*args, **options):
    return subprocess.run(
        [sys.executable, "-m", "codec", *map(str, args)], capture_output=True, timeout=60, check=False, **options
    )


def test_help_lists_every_verb_with_its_line_and_the_exit_codes(run):
    for flag in ("--help", "-h"):
        outcome = run(flag)
        text = " ".join(outcome.text.split())
        assert outcome.code == 0
        for verb, line in VERBS.items():
            assert f"{verb} {line}" in text
        for code in (
            "0 everything was done",
            "1 at least one file failed",
            "2 the command line is wrong",
            "130 interrupted",
        ):
            assert code in text


def test_help_and_version_load_neither_numpy_nor_a_verb():
    script = (
        "import sys; from codec.cli.main import cli\n"
        "for flag in ('--help', '--version'):\n"
        "    cli([flag], standalone_mode=False)\n"
        "loaded = {'numpy', 'PIL', 'rich', 'codec._core', 'codec.cli.compress'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_compress_starts_no_threads_of_openblas_unless_the_environment_asks_for_them():
    code = (
        "import contextlib, os, sys, threading; from codec.cli.main import main\n"
        "sys.argv[1:] = ['compress', '--help']\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "import numpy; numpy.array; print(os.environ['OPENBLAS_NUM_THREADS'])\n"
        "print(len(os.listdir('/proc/self/task')) - threading.active_count())"
    )
    plain = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    for given, expected in ({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2"):
        ran = subprocess.run([sys.executable, "-c", code], env=plain | given, capture_output=True, text=True)
        assert ran.stdout.split()[-2] == expected
        assert given or ran.stdout.split()[-1] == "0"


def test_a_quality_is_checked_before_numpy_loads():
    script = (
        "import sys; from codec.cli.compress import compress\n"
        "compress.make_context('compress', ['a.png', '-o', 'b.jpg', '-q', '80', '--effort', '1'])\n"
        "loaded = {'numpy', 'codec.jpeg'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [
    *([verb] for verb in VERBS), ["video", "decode"], ["video", "encode"], ["video", "inspect"], ["quantize", "apply"],
    ["rd", "sweep"], ["rd", "find"], ["rd", "report"],
], ids=" ".join)  # fmt: skip
def test_help_of_a_verb_loads_no_heavy_module(words):
    script = (
        "import sys; from codec.cli.main import cli\n"
        f"cli([*{words}, '--help'], standalone_mode=False)\n"
        "loaded = {'numpy', 'PIL', 'av', 'matplotlib', 'codec._core'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_names_of_options_are_those_of_the_library():
    for where, names in NAMES.items():
        module, _, name = where.partition(":")
        assert names == tuple(filter(None, getattr(importlib.import_module(f"codec.{module}"), name))), where


def test_metrics_of_the_help_are_those_of_the_library():
    assert METRICS == {name: (fact.summary, fact.unit, fact.lower_is_better) for name, fact in FACTS.items()}


def test_version(run):
    assert run("--version").text == f"codec {__version__}\n"


def test_python_m_codec_is_the_command():
    done = codec("--help")
    assert done.returncode == 0 and b"Usage: codec [OPTIONS] COMMAND" in done.stdout


def test_a_verb_that_is_not_there_names_the_nearest(run):
    outcome = run("compres", "a.png")
    assert outcome.code == 2 and outcome.out == b""
    assert "No such command 'compres'. Did you mean 'compress'?" in outcome.err


def test_an_option_that_is_not_there_names_the_nearest(run):
    outcome = run("compress", "a.png", "-o", "b.jpg", "--qualty", "3")
    assert outcome.code == 2
    assert (
        "No such option" in outcome.err
        and "--qualty" in outcome.err
        and "Did you mean --quality" in outcome.err.replace("'", "")
    )


@pytest.mark.parametrize("verb", list(VERBS))
def test_the_help_of_a_verb_mentions_each_of_its_options_and_has_examples(run, verb):
    from codec.cli.main import cli

    command = cli.get_command(None, verb)
    outcome = run(verb, "--help")
    assert outcome.code == 0
    for option in command.params:
        if option.param_type_name == "option":
            assert all(name in outcome.text for name in (*option.opts, *option.secondary_opts))
            assert option.help
    assert f"codec {verb}" in outcome.text.split("Examples:")[1]


def test_what_the_package_raises_is_one_line_on_stderr_and_exit_code_1(run, home, monkeypatch):
    def broken(*args, **options):
        raise errors.BitstreamError("no such table", layer="scan header", offset=7, clause="T.81 B.2.3")

    monkeypatch.setattr(jpeg, "inspect", broken)
    outcome = run("inspect", "in/sub/c.jpg")
    assert (outcome.code, outcome.out) == (1, b"")
    assert outcome.err == "codec: scan header at byte 7: no such table (T.81 B.2.3)\n"


def test_truncation_is_a_failure_and_not_an_abort(run, home):
    (home / "empty.jpg").touch()
    outcome = run("inspect", "empty.jpg")
    assert outcome.code == 1 and "empty.jpg is empty" in outcome.err and "Abort" not in outcome.err


def test_an_interrupt_is_exit_code_130_and_leaves_nothing_half_written(run, home, tree, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("codec.jpeg.pipeline.encode_file", interrupted)
    outcome = run("compress", "in", "-o", "out")
    assert outcome.code == 130 and "interrupted" in outcome.err
    assert tree("out") == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_a_reader_that_goes_away_is_no_news(home):
    script = "import os, sys; from codec.cli.main import main; sys.argv = ['codec', 'doctor']; main()"
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=write_end, stderr=subprocess.PIPE, timeout=60, check=False
    )
    assert done.returncode == 1 and done.stderr == b""
