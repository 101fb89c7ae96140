"""`codec doctor`: all facts that a bug report needs."""

import re
from pathlib import Path

import pytest

import codec
from codec import _core, cpu
from codec.cli import doctor


def test_the_table_names_versions_cpu_and_kernels(run):
    outcome = run("doctor")
    assert outcome.code == 0 and outcome.err == ""
    for name in (
        "codec",
        "python",
        "system",
        "build",
        "cpu",
        "numpy",
        "pillow",
        "click",
        "rich",
        "matplotlib",
        "kernels",
    ):
        assert any(line.startswith(name) for line in outcome.text.splitlines())
    for kernel, isa in cpu.kernels().items():
        assert f"  {kernel:<20} {isa}\n" in outcome.text


def registered_in(text):
    """Kernels that C source gives variants to: the first argument of CODEC_KERNEL, or of a macro around it, for both
    types where it has one."""
    for macro, name in re.findall(r"^[A-Z]+_KERNEL\((NAME\()?codec_(\w+)\b", text, re.M):
        yield from (f"{name}_f32", f"{name}_f64") if macro else (name,)


def test_no_kernel_of_the_c_sources_is_missing(run):
    folder = Path(codec.__file__).parent / "simd"
    if not folder.exists():
        pytest.skip("no sources here")
    names = {name for path in folder.iterdir() if path.is_file() for name in registered_in(path.read_text())}
    assert len(names) > 20 and names <= run("doctor", "--json").json["kernels"].keys()


def test_json_is_one_object_with_a_schema(run):
    report = run("doctor", "--json").json
    assert (report["schema"], report["verb"]) == (1, "doctor")
    assert report["build"] == _core.BUILD
    assert report["cpu"] == {"detected": cpu.detected(), "in_force": cpu.level()}
    assert report["kernels"] == cpu.kernels()
    assert report["packages"]["numpy"]
    assert set(report["optional"]["matplotlib"]) == {"version", "extra"}


def test_a_lowered_level_shows(run, monkeypatch):
    monkeypatch.setenv("CODEC_CPU", "scalar")
    assert f"{cpu.detected()} detected, scalar in force" in run("doctor").text


def test_a_level_that_does_not_exist_is_exit_code_1_with_the_names_that_do(run, monkeypatch):
    monkeypatch.setenv("CODEC_CPU", "turbo")
    outcome = run("doctor")
    assert outcome.code == 1 and "unknown CPU level 'turbo'; this kind of CPU has scalar" in outcome.err


def test_a_missing_optional_package_says_how_to_get_it(run, monkeypatch):
    monkeypatch.setattr(doctor, "found", lambda package: None)
    assert "not installed (pip install codec[lab])" in run("doctor").text


@pytest.mark.parametrize("args", [["extra"], ["--jsn"]])
def test_a_wrong_command_line_is_exit_code_2(run, args):
    assert run("doctor", *args).code == 2
