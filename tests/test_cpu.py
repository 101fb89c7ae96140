"""The vector level is detected; it may be lowered, never raised."""

import subprocess
import sys

import pytest

from codec import _core, cpu
from codec.errors import ParameterError


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("CODEC_CPU", raising=False)


def test_the_ladder_starts_at_scalar_and_holds_what_was_detected():
    assert _core.CPU_LADDER[0] == "scalar"
    assert cpu.detected() in _core.CPU_LADDER


def test_without_any_setting_the_detected_level_is_in_force():
    assert cpu.level() == cpu.detected()


def test_the_environment_lowers_the_level(monkeypatch):
    monkeypatch.setenv("CODEC_CPU", "scalar")
    assert cpu.level() == "scalar"


def test_an_empty_variable_is_no_setting(monkeypatch):
    monkeypatch.setenv("CODEC_CPU", "")
    assert cpu.level() == cpu.detected()


def test_a_level_above_the_detected_one_is_capped(monkeypatch):
    monkeypatch.setattr(_core, "detected_level", lambda: 0)
    monkeypatch.setenv("CODEC_CPU", _core.CPU_LADDER[-1])
    assert cpu.level() == "scalar"


def test_an_unknown_level_is_refused_with_the_names_that_exist(monkeypatch):
    monkeypatch.setenv("CODEC_CPU", "sse9")
    with pytest.raises(ParameterError, match=r"CODEC_CPU: unknown CPU level 'sse9'; this kind of CPU has scalar"):
        cpu.level()
    with pytest.raises(ParameterError, match=r"codec\.cpu\.force: unknown CPU level 'fast'"):
        cpu.force("fast")


def test_force_holds_until_the_block_ends_and_nests():
    with cpu.force("scalar"):
        assert cpu.level() == "scalar"
        with cpu.force(cpu.detected()):
            assert cpu.level() == cpu.detected()
        assert cpu.level() == "scalar"
    assert cpu.level() == cpu.detected()


def test_force_acts_at_once_without_a_block():
    forced = cpu.force("scalar")
    assert cpu.level() == "scalar"
    forced.__exit__()
    assert cpu.level() == cpu.detected()


def test_force_cannot_raise_what_the_environment_lowered(monkeypatch):
    monkeypatch.setenv("CODEC_CPU", "scalar")
    with cpu.force(cpu.detected()):
        assert cpu.level() == "scalar"


def test_compiled_code_gets_the_level_by_its_position():
    assert _core.CPU_LADDER[cpu.level_index()] == cpu.level()
    with cpu.force("scalar"):
        assert cpu.level_index() == 0


def test_levels_with_variants_are_on_the_ladder():
    assert _core.BUILT_LEVELS[0] == 0 and set(_core.BUILT_LEVELS) <= set(range(len(_core.CPU_LADDER)))


def test_every_kernel_is_listed_with_the_level_that_it_runs_on(monkeypatch):
    variants = {"portable": (0,), "vector": _core.BUILT_LEVELS}
    monkeypatch.setattr(cpu, "_kernels", {})
    cpu.register(variants)
    best = max(i for i in _core.BUILT_LEVELS if i <= cpu.level_index())
    assert cpu.kernels() == {"portable": "scalar", "vector": _core.CPU_LADDER[best]}
    with cpu.force("scalar"):
        assert cpu.kernels() == dict.fromkeys(variants, "scalar")


def test_the_core_lists_its_own_kernels_and_the_others_when_they_are_loaded():
    code = """if True:
        from codec import _core, cpu
        assert set(cpu.kernels()) == set(_core.KERNELS)
        import codec.metrics
        assert "blur9_down" in cpu.kernels() and "nearest_points" not in cpu.kernels()
        """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_level_includes_those_below_it():
    with cpu.force("scalar"):
        assert cpu.has("scalar") and not cpu.has("avx2") and not cpu.has("neon")
    assert cpu.has(cpu.detected())
