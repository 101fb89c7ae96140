"""Bit rates are met on average."""

import numpy as np
import pytest
from made_clips import encoded, moving, noise

from codec.h264.encode.ratecontrol import RateControl


def rate_of(data, frames, fps=25):
    return len(data) * 8 * fps / len(frames)


@pytest.mark.parametrize("bitrate", [60_000, 200_000])
@pytest.mark.parametrize("content", [moving, noise])
def test_rate_of_long_clips(content, bitrate):
    frames = content(64, 48, 300)
    data, _, pictures = encoded(frames, preset="superfast", bitrate=bitrate)
    # noise cannot be coded at the lower rate: with adaptive quantization its macroblocks have 7 more than the picture
    top = max(one.qp for one in pictures) >= 44
    assert rate_of(data, frames) == pytest.approx(bitrate, rel=0.02) or (top and content is noise)


def test_a_hard_scene_in_the_middle():
    frames = np.concatenate([moving(64, 48, 120), noise(64, 48, 40), moving(64, 48, 240, seed=1)])
    data, _, _ = encoded(frames, preset="superfast", bitrate=150_000)
    assert rate_of(data, frames) == pytest.approx(150_000, rel=0.04)


def test_what_cannot_be_spent_is_not_spent_later_at_once():
    """Still frames need few bits: QP falls to 0, and rises again within a few intervals."""
    frames = np.concatenate([np.repeat(moving(64, 48, 1), 60, axis=0), moving(64, 48, 100)])
    _, _, pictures = encoded(frames, preset="superfast", bitrate=100_000)
    qp = {one.number: one.qp for one in pictures}
    assert qp[59] < 10 < qp[110]


def test_qp_follows_the_surplus():
    control = RateControl(25_000, 25, 3000)  # 1000 bits a picture
    first = control.qp()
    control.add([(4000, first)] * 4)
    assert control.qp() == min(first + 4, 51)  # one interval changes it by 4 at most
    for _ in range(20):
        control.add([(10, control.qp())] * 4)
        latest = control.qp()
    assert latest < first
