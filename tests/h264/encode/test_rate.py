"""Bit rates are met on average."""

import numpy as np
import pytest
from made_clips import encoded, moving, noise, text

import codec
from codec.h264.encode.lookahead import Planned
from codec.h264.encode.ratecontrol import STEPS, BitModel, PlannedRate, RateControl, Sent, scale_of
from codec.h264.encode.settings import Plan
from codec.h264.stream.slice_header import I, P


def rate_of(data, frames, fps=25):
    return len(data) * 8 * fps / len(frames)


def grain(width, height, count):
    """A still picture with noise of its own in each frame: bits fall by far more than the step rises."""
    rng, first = np.random.default_rng(0), moving(width, height, 1)[0]
    return np.clip(first + rng.normal(0, 6, (count, *first.shape)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("preset", ["ultrafast", "superfast"])
@pytest.mark.parametrize("content, bitrate", [
    (moving, 60_000), (moving, 200_000), (grain, 60_000), (grain, 200_000), (noise, 60_000), (noise, 200_000),
])  # fmt: skip
def test_rate_of_long_clips(content, bitrate, preset):
    frames = content(64, 48, 300)
    data, _, _ = encoded(frames, preset=preset, bitrate=bitrate)
    assert rate_of(data, frames) == pytest.approx(bitrate, rel=0.02)


def test_a_still_clip_spends_what_there_is_to_code():
    frames = np.repeat(moving(64, 48, 1), 300, axis=0)
    data, planes, pictures = encoded(frames, preset="superfast", bitrate=100_000)
    assert rate_of(data, frames) < 100_000 and np.median([one.qp for one in pictures]) <= 4
    luma = codec.Frame.from_rgb(frames[0], matrix="BT.601").planes[0]
    assert np.abs(planes[-1][0].astype(int) - luma).max() <= 1


def test_a_hard_scene_in_the_middle():
    frames = np.concatenate([moving(64, 48, 120), noise(64, 48, 40), moving(64, 48, 240, seed=1)])
    data, _, _ = encoded(frames, preset="superfast", bitrate=150_000)
    assert rate_of(data, frames) == pytest.approx(150_000, rel=0.02)


@pytest.mark.parametrize("preset, bitrate", [("ultrafast", 50_000), ("superfast", 50_000), ("superfast", 150_000)])
def test_a_clip_that_ends_with_noise(preset, bitrate):
    """Each scene takes many more bits than the one before: what a picture may take too much falls with the surplus."""
    parts = moving(96, 80, 60), grain(96, 80, 60), text(96, 80, 60), np.repeat(moving(96, 80, 1), 60, axis=0)
    frames = np.concatenate([*parts, noise(96, 80, 60)])
    data, _, pictures = encoded(frames, preset=preset, bitrate=bitrate)
    assert rate_of(data, frames) == pytest.approx(bitrate, rel=0.025)
    sizes = np.cumsum([8 * len(one.data) for one in pictures])
    assert max(sizes - bitrate / 25 * np.arange(1, 301)) <= 0.85 * bitrate


def test_a_picture_may_take_a_part_of_what_is_left_and_of_what_was_saved():
    control = RateControl(25_000, 25, 3000, lambda planned: 0)  # 1000 bits a picture, 18750 too much at most
    first, other = Planned(None, 0, I), Planned(None, 1, P)
    assert control.most(Sent(), first) == 9375 and control.most(Sent(), other) == 4687
    assert control.most(Sent(10, 20_000), other) == 2187  # 10000 too much already
    assert control.most(Sent(10, 30_000), other) == 1000 == control.most(Sent(10, 60_000), first)
    assert control.most(Sent(10, 0), other) == 4687 + 2500


@pytest.mark.parametrize("later, part", [((0, 3), 1), ((3000, 3), 1 / 4), ((1000, 9), 1 / 2), ((0, 40), 1)])
def test_an_i_picture_gets_its_part_of_what_the_frames_after_it_leave(later, part):
    """Its part of the cost, of what was saved and of 1000 bits a picture: at most the largest surplus."""
    control, cost = RateControl(25_000, 25, 3000, lambda planned: 0), np.array([1000])
    first, rate = Planned(None, 0, I, intra=cost, inter=cost, later=later), 1000 * (1 + later[1])
    assert control.most(Sent(), first) == max(9375, min(int(part * (9375 + rate)), 18750))
    assert control.most(Sent(6, 0), first) == max(9375 + 1500, min(int(part * (9375 + 6000 + rate)), 18750 + 6000))
    assert control.most(Sent(18, 36750), first) == 1000  # nothing is left of the largest surplus
    assert RateControl(25_000, 25, 3000, lambda planned: 0, measures=True).most(Sent(), first) == 9375


@pytest.mark.parametrize("preset", ["superfast", "medium"])
def test_pages_are_sharp_soon(preset):
    """The first picture of each got an eighth of its bits, and QP of what stands still fell to 0 instead."""
    pages = [np.where(np.random.default_rng(i).random((80, 96, 1)) < 0.2, 20, 235).astype(np.uint8) for i in range(4)]
    frames = np.repeat(np.repeat(pages, 3, axis=3), 50, axis=0)
    video = codec.h264.encode_frames(frames, fps=25, preset=preset, bitrate=40_000, metrics="psnr")
    assert video.kbps == pytest.approx(40, rel=0.12)
    scores = {one.number: one.psnr[0] for one in video}
    assert min(scores[number] for number in (60, 110, 160)) > 40


def test_a_still_clip_gets_the_bits_of_its_rate():
    """Where a picture would take far too much, and with a higher QP nothing, QP in between are tried."""
    frames = np.repeat(grain(176, 144, 1), 300, axis=0)
    data, planes, _ = encoded(frames, preset="superfast", bitrate=30_000)
    assert rate_of(data, frames) == pytest.approx(30_000, rel=0.05)
    luma = codec.Frame.from_rgb(frames[0], matrix="BT.601").planes[0]
    assert np.mean((planes[-1][0].astype(int) - luma) ** 2) < 20


def test_still_pictures_tell_little_of_those_that_move():
    """Else a few bits of headers, beside next to no cost, would promise thousands for the next scene."""
    model = BitModel(lambda planned: 0)
    moving, still = (Planned(None, 0, P, intra=np.array([cost]), inter=np.array([cost])) for cost in (10_000, 100))
    model.add(moving, 5000, 30)
    before = model.bits([moving], 30)
    for _ in range(50):
        model.add(still, 136, 30)
    assert before / 2 < model.bits([moving], 30) < 2 * before


def test_the_last_pictures_of_a_plan_do_not_spend_what_is_left_at_once():
    """A step that falls from picture to picture takes more than each had with coarse references."""
    plan = Plan({number: (1000, 30) for number in range(40)}, 40_000)
    control = PlannedRate(plan)
    found = []
    for first in range(0, 40, 4):
        interval = [Planned(None, number, P) for number in range(first, first + 4)]
        found.append(control.qp(interval))
        control.add(interval, [(500, found[-1])] * 4)  # half of what was planned
    assert found[0] == 30 and found[-1] < 24
    assert all(before - after <= 2 for before, after in zip(found, found[1:]))


def test_no_picture_spends_seconds():
    """The first frames of noise are far from what is typical."""
    _, _, pictures = encoded(noise(64, 48, 50), preset="superfast", bitrate=20_000)
    sizes = np.cumsum([8 * len(one.data) for one in pictures])
    assert max(sizes - 20_000 / 25 * np.arange(1, 51)) <= 1.1 * 20_000
    assert max(one.lambda_qp for one in pictures) > 51 == max(one.qp for one in pictures)


def test_what_cannot_be_spent_is_not_spent_later_at_once():
    """Still frames need few bits: QP falls to 0, and rises again within a few intervals."""
    frames = np.concatenate([np.repeat(moving(64, 48, 1), 60, axis=0), moving(64, 48, 100)])
    _, _, pictures = encoded(frames, preset="superfast", bitrate=100_000)
    qp = {one.number: one.qp for one in pictures}
    assert qp[59] < 10 < qp[110]


def test_qp_follows_the_surplus():
    control, interval = (
        RateControl(25_000, 25, 3000, lambda planned: 0),
        [Planned(None, i, P) for i in range(4)],
    )  # 1000 bits a picture
    first = control.qp(interval)
    control.add(interval, [(4000, first)] * 4)
    second = control.qp(interval)
    assert first + 10 >= second > first + 6
    for _ in range(20):
        control.add(interval, [(10, second)] * 4)
        assert control.qp(interval) >= second - 4  # one interval changes it by 4 at most
        second = min(second, control.qp(interval))
        control.add(interval, [(10, second)] * 4)
    assert second < first


def test_scale_is_the_power_of_0_4():
    costs = [1, 2, 3, 10, 1000, 10**6, 10**9]
    scales = [scale_of(cost) / 65536 for cost in costs]
    np.testing.assert_allclose(scales, np.array(costs) ** 0.4, rtol=0.04)
    assert STEPS[6] == 2 * STEPS[0]
