"""Build a wheel, install it in an environment of its own, and test it there, from a copy of the tests without the source tree.

    python release/wheel.py FOLDER TESTS...

FOLDER gets the wheel with its SBOM (release/sbom.py), and the environment. The copy is what cibuildwheel copies too
(`test-sources` of pyproject.toml). Ends with the exit code of pytest.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import sbom

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]


def call(*words, **options):
    """Run a program to its end, which must be good."""
    subprocess.run([str(word) for word in words], check=True, **options)


def main():
    folder, tests = Path(sys.argv[1]).resolve(), sys.argv[2:]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("codec-*.whl")
    print(wheel, sbom.put(wheel))
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    call(python, "-m", "pip", "install", "--quiet", f"{wheel}[test]")
    call(python, "-m", "pip", "check")
    copy = folder / "copy"
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]["test-sources"]:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, _made(copy) / name)
    where = "import codec, pathlib; print(pathlib.Path(codec.__file__).parent)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    call(python, "-c", where, cwd=copy, env=environment)
    words = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    sys.exit(subprocess.run(words, cwd=copy, env=environment).returncode)


def _made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
