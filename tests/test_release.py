"""What is made of the package: man pages, the site of the documentation, the bill of materials of wheels."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "release").is_dir():
    pytest.skip("no release/ here", allow_module_level=True)


@pytest.fixture
def commands(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "release")
    import commands

    return commands


@pytest.fixture
def sbom(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "release")
    import sbom

    return sbom


# ---------------------------------------------------------------- man pages


def test_every_command_has_a_man_page_with_its_options(commands, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["commands.py", str(tmp_path)])
    commands.main()
    found = dict(commands.commands())
    assert len(found) > 20 and {path.stem for path in tmp_path.iterdir()} == {"-".join(words) for words in found}
    for words, command in found.items():
        page = (tmp_path / f"{'-'.join(words)}.1").read_text()
        assert page.startswith(".TH") and ".SH SYNOPSIS" in page
        for param in command.params:
            for spelled in param.opts:
                if spelled.startswith("--"):
                    assert spelled.replace("-", r"\-") in page, (words, spelled)


def test_groff_has_no_complaint(commands):
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    for words, command in commands.commands():
        made = subprocess.run(
            ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z"], input=commands.man_page(words, command),
            capture_output=True, text=True,
        )  # fmt: skip
        assert made.stderr == "", words


@pytest.mark.parametrize(
    "text, escaped", [(".so x", r"\&.so x"), ("a\\b", r"a\eb"), ("--x", r"\-\-x"), ("'a", r"\&'a")]
)
def test_what_troff_would_interpret_is_escaped(commands, text, escaped):
    assert commands.troff(text) == escaped


# ---------------------------------------------------------------- the site


def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    made = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    assert "codec compress" in (tmp_path / "site/commands/index.html").read_text()
    assert 'href="ecosystem/"' in (tmp_path / "site/index.html").read_text()


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r": ([\w.]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= listed


# ---------------------------------------------------------------- wheels


METADATA = """Metadata-Version: 2.4
Name: codec
Version: 0.1.0
License-Expression: BSD-2-Clause
Requires-Dist: numpy>=1.24
Requires-Dist: tomli>=2; python_version < "3.11"
Requires-Dist: av>=12; extra == "video"
"""


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "codec-0.1.0-cp311-cp311-any.whl"
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("codec/__init__.py", "")
        written.writestr("codec/_core.so", b"machine code")
        written.writestr("codec-0.1.0.dist-info/METADATA", METADATA)
        written.writestr("codec-0.1.0.dist-info/RECORD", "codec/__init__.py,,\ncodec-0.1.0.dist-info/RECORD,,\n")
    return path


def test_the_bill_names_what_the_wheel_holds_and_needs(sbom, wheel):
    place = sbom.put(wheel)
    with zipfile.ZipFile(wheel) as opened:
        assert opened.testzip() is None and sorted(opened.namelist()) == sorted(
            [
                "codec/__init__.py",
                "codec/_core.so",
                "codec-0.1.0.dist-info/METADATA",
                "codec-0.1.0.dist-info/RECORD",
                place,
            ]
        )
        data, record = opened.read(place), opened.read("codec-0.1.0.dist-info/RECORD").decode()
    assert place == "codec-0.1.0.dist-info/sboms/codec.cdx.json" and f"{place},sha256=" in record
    bill = json.loads(data)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/codec@0.1.0"
    digests = {each["name"]: each["hashes"][0]["content"] for each in bill["components"] if each["type"] == "file"}
    assert digests == {"codec/_core.so": hashlib.sha256(b"machine code").hexdigest()}
    assert bill["dependencies"][0]["dependsOn"] == ["pkg:pypi/numpy", "pkg:pypi/tomli"]


def test_the_bill_is_put_once_and_is_the_same_each_time(sbom, wheel):
    sbom.put(wheel)
    once = wheel.read_bytes()
    sbom.put(wheel)
    with zipfile.ZipFile(wheel) as opened:
        names, record = opened.namelist(), opened.read("codec-0.1.0.dist-info/RECORD").decode()
    assert len(names) == len(set(names)) and record.count("codec.cdx.json") == 1 and len(once) == wheel.stat().st_size


def test_the_bill_meets_its_schema(sbom, wheel):
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    validator = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(sbom.bill(wheel))) is None
