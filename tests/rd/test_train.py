"""Matrices learned from pictures: an orthogonal design, fewer bytes at the same score, the same result for a seed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.errors import ParameterError
from codec.jpeg.learned import learned
from codec.rd import train as trainer

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture(scope="module")
def pictures():
    crops = []
    for name in ("chelsea", "coffee"):
        with Image.open(SAMPLES / f"{name}.png") as file:
            crops.append(np.ascontiguousarray(np.asarray(file)[80:176, 120:216]))
    return crops


@pytest.mark.parametrize("order", [1, 2, 64, 128])
def test_the_design_tells_every_effect_apart(order):
    matrix = trainer.hadamard(order)
    assert np.array_equal(matrix @ matrix.T, order * np.eye(order)) and (matrix[:, 0] == 1).all()


@pytest.mark.parametrize("components, count", [((0,), 36), ((0, 1, 2), 108)])
def test_every_step_of_a_component_has_one_parameter(components, count):
    which = trainer.parameters(components)
    assert which.shape == (count, 3, 64)
    assert np.array_equal(which.sum(0), [np.full(64, c in components) for c in range(3)])
    assert (which.reshape(-1, 3, 8, 8) == which.reshape(-1, 3, 8, 8).swapaxes(2, 3)).all()


@pytest.mark.parametrize("tune, subsampling", [("psnr", "4:4:4"), ("ssim", "4:2:0")])
def test_a_round_takes_bytes_off_at_equal_score(pictures, tune, subsampling):
    lines = []
    found = trainer.train(pictures, tune, quality=60, subsampling=subsampling, rounds=1, progress=lines.append)
    assert found.size_change < 0 and found.rounds == (found.size_change,) and len(lines) == 1
    assert found.steps.shape == (3, 64) and 1 <= found.steps.min() <= found.steps.max() <= 255
    if tune == "ssim":  # the score measures luminance only
        assert np.allclose(found.steps[1] / found.steps[1][0], found.steps[2] / found.steps[2][0])


def test_the_same_seed_gives_the_same_steps_for_any_number_of_threads(pictures):
    one, two = (trainer.train(pictures, "ssim", quality=60, rounds=1, jobs=jobs).steps for jobs in (1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, trainer.train(pictures, "ssim", quality=60, rounds=1, seed=1).steps)


def test_learned_steps_are_where_training_goes_on():
    start = trainer.learned_start("psnr", "4:2:0", 50)
    assert np.array_equal(start * 16, learned()["psnr"]["tables"]["4:2:0"][50])


def test_a_result_takes_the_place_of_the_old_one():
    old = {"psnr": {"weights": [9, 9, 9], "tables": {"4:2:0": {"50": [[1] * 64] * 3, "70": [[2] * 64] * 3}}}}
    new = trainer.with_result(old, "psnr", "4:2:0", 50, trainer.Trained(np.full((3, 64), 2.5), -1.0, (-1.0,)))
    assert new["psnr"]["tables"]["4:2:0"] == {"50": [[40] * 64] * 3, "70": [[2] * 64] * 3}
    assert old["psnr"]["tables"]["4:2:0"]["50"] == [[1] * 64] * 3
    assert json.loads(trainer.as_json(new)) == new


@pytest.mark.parametrize("wrong", [{"tune": "annex-k"}, {"subsampling": "4:2:2"}, {"pictures": []}])
def test_what_cannot_be_learned_is_refused(pictures, wrong):
    arguments = {"pictures": pictures, "tune": "psnr", "subsampling": "4:2:0", **wrong}
    with pytest.raises(ParameterError):
        trainer.train(arguments["pictures"], arguments["tune"], quality=50, subsampling=arguments["subsampling"])
