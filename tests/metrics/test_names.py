"""Metrics by name, as accepted by sweeps and the command line."""

import pytest

from codec import metrics
from codec.errors import ParameterError


def test_every_name_is_a_public_function():
    assert metrics.by_name("psnr") is metrics.psnr
    assert metrics.by_name("ssim") is metrics.ssim
    assert metrics.by_name("mse") is metrics.mse


def test_an_unknown_name_raises_with_the_nearest_one():
    with pytest.raises(ParameterError, match="unknown metric 'SSIMM': there are psnr, psnr_y, ssim"):
        metrics.by_name("SSIMM")
    with pytest.raises(ParameterError, match=r"unknown metric 'pnsr': did you mean 'psnr'\?"):
        metrics.by_name("pnsr")
