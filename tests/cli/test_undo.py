"""`codec compress --in-place` and `codec undo`."""

import os

import numpy as np
import pytest
from PIL import Image

import codec
from codec.batch import CompressTask


@pytest.fixture
def originals(home):
    """Three JPEGs in `in`; {path: content}."""
    noise = np.random.default_rng(3).integers(0, 256, (32, 48, 3), np.uint8)
    for name in ("in/x.jpg", "in/sub/y.jpg"):
        Image.fromarray(noise).save(home / name, quality=97)
    return {path: path.read_bytes() for path in (home / "in").rglob("*.jpg")}


def same(originals):
    return [path.read_bytes() == data for path, data in originals.items()]


def test_a_folder_is_replaced_and_restored(run, home, originals):
    outcome = run("compress", "in", "--in-place", "-q", "50")
    assert outcome.code == 0 and not any(same(originals))
    assert outcome.statuses["in/a.png"] == "ignored" and (home / "in" / "a.png").exists()
    told = next(line for line in outcome.err.splitlines() if "codec undo" in line)
    again = run("compress", "in", "--in-place", "-q", "50", "--json")
    assert again.json["total"]["skipped"] == 3 and "run" not in again.json
    ledger = told.split()[-1]
    assert "20" in run("undo", "--ledger", ledger).text and run("undo", "--ledger", ledger, "--json").json["runs"]
    restored = run(*told.split()[2:])
    assert restored.code == 0 and len(restored.table) == 3 and all(same(originals))
    assert "no run of this ledger" in run("undo", "--ledger", ledger).err


def test_json_names_the_run(run, home, originals):
    made = run("compress", "in", "--in-place", "-q", "50", "--backup", "kept", "--ledger", "l.sqlite", "--json").json
    assert made["run"] in made["backup"] and os.path.isdir(made["backup"]) and made["settings"]["in_place"]
    assert run("undo", "last", "--ledger", made["ledger"], "-n").code == 0 and not any(same(originals))
    assert run("undo", made["run"], "--ledger", made["ledger"]).code == 0 and all(same(originals))


def test_a_dry_run_writes_nothing(run, home, originals, tree):
    before = tree(".")
    assert run("compress", "in", "--in-place", "-q", "50", "-n").code == 0
    assert all(same(originals)) and tree(".") == before and not (home / "in" / ".codec-ledger.sqlite").exists()


def test_what_cannot_be_verified_is_not_replaced(run, home, originals, monkeypatch):
    monkeypatch.setattr(CompressTask, "verify", lambda self, data, made: "it looks different")
    outcome = run("compress", "in", "--in-place", "-q", "50")
    assert outcome.code == 1 and all(same(originals)) and "the original stays: it looks different" in outcome.err


@pytest.mark.parametrize(
    "words, says",
    [
        (["in", "--in-place", "-o", "out"], "--in-place and --output exclude each other"),
        (["in", "--in-place", "--no-ledger"], "--in-place and --no-ledger exclude each other"),
        (["in", "--in-place", "--backup", "b", "--no-backup"], "--backup and --no-backup exclude each other"),
        (["in", "-o", "out", "--backup", "b"], "--backup is for --in-place"),
        (["-", "--in-place"], "stdin (-) has no place in which it could be replaced"),
        (["in", "-o", "out", "--min-gain", "120%"], "'120%' is no part of a file: write it as 5% or 0.05"),
    ],
)
def test_wrong_command_lines(run, home, originals, words, says):
    outcome = run("compress", *words, stdin=b"")
    assert outcome.code == 2 and says in " ".join(outcome.err.split()) and all(same(originals))


def test_an_unknown_run_or_ledger_is_a_usage_error(run, home, originals):
    assert "name that of the run with --ledger" in run("undo", "last").err
    folder = run("undo", "in")
    assert folder.code == 2 and "in is a folder" in folder.err and "--ledger in" in folder.err
    run("compress", "in", "--in-place", "-q", "50")
    outcome = run("undo", "nonsense", "--ledger", "in/.codec-ledger.sqlite")
    assert outcome.code == 2 and "there are 20" in outcome.err


def test_min_gain_keeps_what_would_hardly_shrink(run, home):
    outcome = run("compress", "in/sub/c.jpg", "-o", "c.jpg", "--min-gain", "99%")
    assert outcome.table[0][4] == "kept" and "--min-gain 0.99 was asked for" in outcome.text
    assert (home / "c.jpg").read_bytes() == (home / "in" / "sub" / "c.jpg").read_bytes()
    assert codec.decode((home / "c.jpg").read_bytes()).shape == (32, 40, 3)
