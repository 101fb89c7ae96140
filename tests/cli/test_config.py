"""[tool.codec] in pyproject.toml, and completion by the shell."""

import os
import subprocess
import sys

import pytest

from codec.cli import _config
from codec.cli.main import cli


@pytest.fixture
def project(home):
    """project(text): writes pyproject.toml where the command runs."""

    def project(text, folder=home):
        (folder / "pyproject.toml").write_text(text)
        return folder

    return project


def settings(run, *words):
    outcome = run("compress", "in/a.png", "-o", "out/", "--dry-run", "--json", *words)
    assert outcome.code == 0, outcome.err
    return outcome.json["settings"], outcome.err


def test_a_project_sets_defaults_and_the_command_line_wins(run, project):
    project('[tool.codec.compress]\nquality = 60.5\nstrip = "gps"\nprogressive = false\nkeep-dates = true\n')
    found, said = settings(run)
    assert (found["quality"], found["strip"], found["progressive"], found["keep_dates"]) == (60.5, ["gps"], False, True)
    assert "pyproject.toml: keep-dates, progressive, quality, strip" in said
    assert settings(run, "-q", "90", "--progressive")[0]["quality"] == 90


def test_strip_may_be_true_as_the_option_may_have_no_value(run, project):
    project("[tool.codec.compress]\nstrip = true\n")
    assert run("compress", "in/a.png", "-o", "a.jpg", "--json").json["settings"]["strip"] == ["all"]


def test_a_target_on_the_command_line_replaces_a_quality_of_the_file(run, project):
    project("[tool.codec.compress]\nquality = 60\n")
    assert settings(run, "--target", "psnr:30")[0]["target"] == "psnr:30"
    project('[tool.codec.compress]\ntarget = "psnr:30"\n')
    assert settings(run)[0]["target"] == "psnr:30"
    assert settings(run, "--quality=70")[0]["quality"] == 70


def test_the_nearest_file_with_a_table_counts(run, project, home, monkeypatch):
    project("[tool.codec.compress]\nquality = 61\n")
    (home / "inner").mkdir()
    project("[tool.other]\nquality = 1\n", home / "inner")
    monkeypatch.chdir(home / "inner")
    assert run("compress", "../in/a.png", "-o", "o/", "--dry-run", "--json").json["settings"]["quality"] == 61


def test_other_commands_have_tables_of_their_own(run, project):
    project('[tool.codec.check]\nmax-waste = "100%"\nmax_size = "10B"\n')
    outcome = run("check", "in/a.png", "--json")
    assert outcome.code in (2, 3)
    project('[tool.codec.check]\nmax-waste = "100%"\nmax_size = "10"\n')
    outcome = run("check", "in/a.png", "--json")
    assert outcome.code == 3 and outcome.json["settings"] == {"max_waste": 1.0, "max_size": 10}
    assert settings(run)[0]["quality"] == 75


@pytest.mark.parametrize(
    "text, said",
    [
        ("[tool.codec.compress]\nqualty = 60\n", "did you mean 'quality'?"),
        ("[tool.codec.compress]\noverwrite = true\n", "cannot set 'overwrite'"),
        ("[tool.codec.compress]\nin-place = true\n", "cannot set 'in-place'"),
        ("[tool.codec.compress]\nquality = [60]\n", "must be one value"),
        ("[tool.codec.compress]\nquality = 600\n", "1..100"),
        ("[tool.codec.shrink]\nquality = 60\n", "there are compress, watch, check"),
        ("[tool.codec]\ncompress = 3\n", "must be a table"),
        ("[tool.codec.compress\n", "cannot read"),
    ],
)
def test_what_a_file_cannot_say_is_a_usage_error(run, project, text, said):
    project(text)
    outcome = run("compress", "in/a.png", "-o", "out/")
    assert outcome.code == 2 and said in outcome.err


def test_every_name_is_an_option_of_its_command():
    import click

    for verb, names in _config.SETTABLE.items():
        command = cli.get_command(click.Context(cli), verb)
        spelled = {option for param in command.params for option in param.opts}
        parameters = {param.name for param in command.params}
        for name in names:
            assert f"--{name}" in spelled and _config._option(name) in parameters, (verb, name)


def test_help_and_other_commands_do_not_read_it(run, project):
    project("[tool.codec.compress\n")
    assert run("compress", "--help").code == 0 and run("doctor").code == 0


# ---------------------------------------------------------------- completion


def completed(*words):
    """What the shell is told for the last word."""
    env = os.environ | {
        "_CODEC_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    made = subprocess.run([sys.executable, "-m", "codec"], env=env, capture_output=True, text=True, check=True)
    return made.stdout.split()


@pytest.mark.parametrize(
    "words, expected",
    [
        (("codec", "compr"), ["plain,compress"]),
        (("codec", "compress", "--subs"), ["plain,--subsampling"]),
        (("codec", "compress", "--tune", "ssi"), ["plain,ssimulacra2", "plain,ssim"]),
        (("codec", "compress", "in/"), ["file,in/"]),
        (("codec", "compress", "a.png", "-o", "ou"), ["file,ou"]),
        (("codec", "video", "dec"), ["plain,decode"]),
    ],
)
def test_the_shell_completes(words, expected):
    assert completed(*words) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [("timeout = true", "timeout must be a value, not true"), ("keep-dates = 1", "keep-dates must be true or false")],
)
def test_switches_are_booleans_and_nothing_else_is(run, project, line, message):
    project(f"[tool.codec.compress]\n{line}\n")
    outcome = run("compress", "in/a.png", "-o", "out/")
    assert outcome.code == 2 and message in outcome.err
