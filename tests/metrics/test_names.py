"""Metrics by name, as accepted by sweeps and the command line."""

import numpy as np
import pytest

from codec import metrics
from codec.errors import ParameterError
from codec.jpeg import target
from codec.metrics.names import FACTS, METRICS, SMALLER_IS_BETTER, facts


def test_every_name_is_a_public_function():
    assert metrics.by_name("psnr") is metrics.psnr
    assert metrics.by_name("ssim") is metrics.ssim
    assert metrics.by_name("mse") is metrics.mse


def test_an_unknown_name_raises_with_the_nearest_one():
    with pytest.raises(ParameterError, match="unknown metric 'SSIMM': there are psnr, psnr_y, ssim"):
        metrics.by_name("SSIMM")
    with pytest.raises(ParameterError, match=r"unknown metric 'pnsr': did you mean 'psnr'\?"):
        metrics.by_name("pnsr")


def test_every_metric_has_its_facts():
    assert list(FACTS) == list(METRICS) and SMALLER_IS_BETTER == {"ciede2000", "mse"}
    assert facts("ssim[skimage]").title == "SSIM [skimage]" and facts("ssim[skimage]").decimals == 4


@pytest.mark.parametrize("name", METRICS)
def test_facts_hold(name):
    """Direction and channels, as the function has them."""
    a = np.random.default_rng(3).integers(40, 200, (176, 176, 3), np.uint8)
    near, far = METRICS[name](a, a + np.uint8(2)), METRICS[name](a, a + np.uint8(20) * (a % 2))
    assert (near < far) == FACTS[name].lower_is_better
    if FACTS[name].of_luma:
        assert METRICS[name](a[..., 0], a[..., 1]) == METRICS[FACTS[name].title[:4].lower()](a[..., 0], a[..., 1])
    if FACTS[name].any_channels:
        assert np.isfinite(METRICS[name](*(np.dstack([x, x[..., 0]]) for x in (a, a + np.uint8(2)))))


def test_targets_of_inks_are_the_metrics_of_any_channels():
    assert set(target.OF_INKS) == {name for name, metric in FACTS.items() if metric.any_channels}
