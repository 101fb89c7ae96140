"""`codec metrics`: the figures of the library, as text and as JSON."""

import numpy as np
import pytest
from PIL import Image

from codec import metrics


@pytest.fixture
def pair(tmp_path):
    a = np.random.default_rng(5).integers(0, 256, (20, 30, 3), np.uint8)
    b = np.clip(a.astype(int) + 4, 0, 255).astype(np.uint8)
    Image.fromarray(a).save(tmp_path / "a.png")
    Image.fromarray(b).save(tmp_path / "b.ppm")
    return tmp_path / "a.png", tmp_path / "b.ppm", a, b


def test_psnr_and_ssim_one_per_line(run, pair):
    left, right, a, b = pair
    outcome = run("metrics", left, right)
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.text == f"psnr\t{metrics.psnr(a, b):.6g}\tdB\nssim\t{metrics.ssim(a, b):.6g}\n"


def test_json_has_all_digits_and_says_which_ssim(run, pair):
    left, right, a, b = pair
    row = run("metrics", left, right, "--metric", "mse,ssim", "--json").json
    assert row["metrics"] == {"mse": metrics.mse(a, b), "ssim": metrics.ssim(a, b)}
    assert row["variants"] == {"ssim": "wang2004"}
    assert (row["width"], row["height"], row["verb"], row["schema"]) == (30, 20, "metrics", 1)


def test_equal_pictures(run, pair):
    left = pair[0]
    assert run("metrics", left, left).text == "psnr\tinf\tdB\nssim\t1\n"
    assert run("metrics", left, left, "--json").json["metrics"] == {"psnr": "inf", "ssim": 1.0}


def test_one_picture_may_come_from_stdin(run, pair):
    left, right, a, b = pair
    outcome = run("metrics", left, "-", "--metric", "mse", stdin=right.read_bytes())
    assert float(outcome.text.split()[1]) == pytest.approx(metrics.mse(a, b), rel=1e-5)
    assert run("metrics", "-", "-").code == 2


def test_an_unknown_metric_is_a_usage_error_with_the_nearest_name(run, pair):
    outcome = run("metrics", pair[0], pair[1], "--metric", "psnr,sim")
    assert outcome.code == 2 and "unknown metric 'sim': did you mean 'ssim'?" in outcome.err


def test_pictures_that_do_not_compare_fail(run, pair, tmp_path):
    Image.new("L", (30, 20)).save(tmp_path / "gray.png")
    outcome = run("metrics", pair[0], tmp_path / "gray.png")
    assert outcome.code == 1 and outcome.text == ""
    assert "a has shape (20, 30, 3) and b has shape (20, 30)" in outcome.err
    outcome = run("metrics", pair[0], tmp_path / "none.png")
    assert outcome.code == 1 and "none.png" in outcome.err
