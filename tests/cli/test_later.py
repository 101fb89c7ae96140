"""NumPy loads at its first use: see codec/cli/_later.py."""

import inspect
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest

import codec
from codec.cli._later import Later, cleandoc
from codec.cli.main import cli
from codec.formats.pictures import dump

RNG = np.random.default_rng(20)


def ran(script, *args):
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("shape", [(20, 33), (20, 33, 3)])
@pytest.mark.parametrize(("effort", "loaded"), [(1, "False"), (2, "False"), (3, "True")])
def test_usual_png_files_at_low_effort_need_no_numpy(tmp_path, shape, effort, loaded):
    pixels = RNG.integers(0, 256, shape, np.uint8)
    (tmp_path / "a.png").write_bytes(dump(pixels))
    script = (
        "import contextlib, sys; from codec.cli.main import main\n"
        f"sys.argv[1:] = ['compress', sys.argv[1], '-o', sys.argv[2], '--force', '-q', '85', '--effort', '{effort}']\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print('numpy.linalg' in sys.modules)"
    )
    assert ran(script, str(tmp_path / "a.png"), str(tmp_path / "a.jpg"))[-1] == loaded
    assert (tmp_path / "a.jpg").read_bytes() == codec.encode(pixels, quality=85, effort=effort)


def test_threads_that_ask_at_once_all_get_the_module():
    script = (
        "import sys, threading; from codec.cli._later import postpone\n"
        "sys.setswitchinterval(1e-5); postpone('numpy')\n"
        "import numpy as early\n"
        "found, gate = [], threading.Barrier(8)\n"
        "def ask():\n"
        "    gate.wait(); found.append(early.array([1, 2]).sum() + early.linalg.norm([3, 4]))\n"
        "threads = [threading.Thread(target=ask) for _ in range(8)]\n"
        "[each.start() for each in threads]; [each.join() for each in threads]\n"
        "import numpy; from numpy import uint8\n"
        "print(found == [8.0] * 8, numpy is not early, early.uint8 is uint8 is numpy.uint8)"
    )
    assert ran(script) == ["True"] * 3


def test_submodules_load_their_package():
    script = (
        "from codec.cli._later import postpone\n"
        "postpone('numpy')\n"
        "import numpy.linalg; from numpy.fft import rfft\n"
        "print(numpy.linalg.norm([3, 4]), rfft([1, 1])[0].real)"
    )
    assert ran(script) == ["5.0", "2.0"]


def test_it_can_be_found_and_is_not_loaded_by_that():
    script = (
        "import importlib.util, sys; from codec.cli._later import postpone\n"
        "postpone('numpy'); postpone('no_such_module')\n"
        "print(importlib.util.find_spec('numpy').origin.endswith('__init__.py'))\n"
        "print('numpy.linalg' in sys.modules, 'no_such_module' in sys.modules)"
    )
    assert ran(script) == ["True", "False", "False"]


def test_another_process_gets_the_module_itself():
    assert pickle.loads(pickle.dumps(Later("struct"))) is struct


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'struct' has no attribute 'unknown'"):
        _ = Later("struct").unknown


HELPS = [
    "",
    "one line",
    "  one line  ",
    "\n\n  a\n    b\n\n  c\n  ",
    "a\n\tb\n\t\tc",
    "a\n\n\n",
    "  a\n b\n   \n  c",
    " \n x\n ",
]


@pytest.mark.parametrize("text", [*HELPS, cli.help, codec.encode.__doc__])
def test_help_is_cleaned_as_by_inspect(text):
    assert cleandoc(text) == inspect.cleandoc(text)


def test_a_command_does_without_inspect(tmp_path):
    (tmp_path / "a.png").write_bytes(dump(RNG.integers(0, 256, (20, 33, 3), np.uint8)))
    script = (
        "import contextlib, sys; from codec.cli.main import main\n"
        "sys.argv[1:] = ['compress', sys.argv[1], '-o', sys.argv[2], '--force', '--effort', '1']\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print('getmro' in vars(sys.modules['inspect'])); import inspect; print(inspect.isfunction(main))"
    )
    assert ran(script, str(tmp_path / "a.png"), str(tmp_path / "a.jpg"))[-2:] == ["False", "True"]


def test_low_efforts_load_only_what_they_run(tmp_path):
    (tmp_path / "a.png").write_bytes(dump(RNG.integers(0, 256, (20, 33, 3), np.uint8)))
    spared = ["locale", "fractions", "hashlib", "codec.frame", "codec.jpeg.second_look", "codec.jpeg._stream_read"]
    script = (
        "import contextlib, sys; from codec.cli.main import main\n"
        "spared = sys.argv.pop().split(',')\n"
        "sys.argv[1:] = ['compress', sys.argv[1], '-o', sys.argv[2], '--force', '--effort', '1']\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print([name for name in spared if name in sys.modules])\n"
        "import gettext, platform; print(bool(gettext.translation and platform.machine))"
    )
    ledger = str(tmp_path / "out" / "ledger.sqlite")
    script = script.replace("'--effort'", f"'--ledger', {ledger!r}, '--effort'")
    assert ran(script, str(tmp_path / "a.png"), str(tmp_path / "a.jpg"), ",".join(spared))[-2:] == ["[]", "True"]


def test_from_a_module_that_is_no_package():
    script = (
        "import sys; from codec.cli._later import postpone\n"
        "postpone('gettext', gettext=str)\n"
        "from gettext import gettext; print(gettext is str, 'locale' in sys.modules)\n"
        "from gettext import ngettext; print(ngettext('file', 'files', 2))"
    )
    assert ran(script) == ["True", "False", "files"]
