"""Pictures shared by the palette tests."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def rgba(picture):
    """A picture with a soft round edge: transparent outside, with arbitrary colours there."""
    color = picture(60, 70, 3)
    y, x = np.mgrid[:60, :70]
    alpha = (255 * np.clip((25 - np.hypot(y - 30, x - 35)) / 8 + 0.5, 0, 1)).astype(np.uint8)
    return np.dstack([color, alpha])


@pytest.fixture(scope="session")
def slope():
    """A smooth photograph-like picture: many colours, few edges."""
    y, x = np.mgrid[:80, :96]
    return np.stack([60 + x, 40 + y + x / 3, 200 - 1.4 * y + 10 * np.sin(x / 9)], -1).clip(0, 255).astype(np.uint8)
