"""QP that changes from macroblock to macroblock: mb_qp_delta (7.4.5), its prediction past macroblocks without levels,
chroma QP, deblocking between macroblocks of two QP."""

import numpy as np
import pytest
from made_clips import CONTENT, assert_decodes_to, encoded, moving

import codec
from codec.h264.encode.lookahead import Lookahead, Planned


@pytest.fixture
def offsets(monkeypatch):
    """Sets what is added to the QP of each macroblock: function of the number of a frame and of macroblocks -> QP."""

    def use(function):
        made = Lookahead._next

        def changed(self, ended):
            plan = []
            for one in made(self, ended):
                rows, columns = one.frame.planes[0].shape
                count = -(-rows // 16) * -(-columns // 16)
                plan.append(one._replace(offsets=np.asarray(256 * function(one.number, count), np.int32)))
            return plan

        monkeypatch.setattr(Lookahead, "_next", changed)

    return use


def qp_of(data):
    return [frame.side_data["qp"].ravel() for frame in codec.decode_video(data, side_data=True)]


@pytest.mark.parametrize("preset", ["superfast", "veryfast", "medium", "slow", "placebo"])
@pytest.mark.parametrize("spread", [1, 8, 51])
def test_random_qp_decodes_to_the_reconstruction(offsets, preset, spread):
    rng = np.random.default_rng(spread)
    offsets(lambda number, count: rng.integers(-spread, spread + 1, count))
    for content in CONTENT.values():
        data, planes, _ = encoded(content(72, 54, 6), preset=preset, qp=26)
        assert_decodes_to(data, planes, 72, 54)


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_both_entropy_coders_and_gray(offsets, preset):
    rng = np.random.default_rng(5)
    offsets(lambda number, count: rng.integers(-12, 13, count))
    for frames in (moving(80, 48, 7), np.ascontiguousarray(moving(80, 48, 7)[..., 1])):
        data, planes, _ = encoded(frames, preset=preset, qp=30)
        assert_decodes_to(data, planes, 80, 48)


def test_macroblocks_with_levels_have_the_qp_that_was_wanted(offsets):
    """Noise has levels everywhere; the largest changes wrap (7-37)."""
    rng = np.random.default_rng(2)
    wanted = [rng.integers(20, 45, 20) for _ in range(3)]
    wanted[1][:6] = 20, 44, 20, 44, 44, 20
    offsets(lambda number, count: wanted[number] - 30)
    data, planes, pictures = encoded(CONTENT["noise"](80, 64, 3), qp=33, keyint=1)
    assert {one.qp for one in pictures} == {30}
    assert [list(found) for found in qp_of(data)] == [list(one) for one in wanted]
    assert_decodes_to(data, planes, 80, 64)


def test_skipped_macroblocks_take_the_qp_before(offsets):
    offsets(lambda number, count: np.arange(count) % 7 - 3)
    data, planes, _ = encoded(np.repeat(moving(64, 64, 1), 3, axis=0), qp=30)
    first, *others = qp_of(data)
    assert len(set(first)) > 3
    for frame in others:
        assert len(set(frame)) == 1  # the QP of the slice: nothing is coded
    assert_decodes_to(data, planes, 64, 64)


def test_a_lower_qp_is_closer_where_it_is_lower(offsets):
    frames = CONTENT["noise"](64, 64, 2)
    offsets(lambda number, count: np.where(np.arange(count) % 4 < 2, -6, 6))
    _, planes, _ = encoded(frames, qp=30)
    error = (planes[1][0].astype(int) - codec.Frame.from_rgb(frames[1]).planes[0]) ** 2
    assert 3 * error[:, :32].mean() < error[:, 32:].mean()


def test_qp_stays_in_range():
    plan = Planned(None, 0, 2, offsets=np.array([-9000, 9000, 128, 127, -129], np.int32))
    assert list(plan.qps(30)) == [0, 51, 31, 30, 29]
    assert list(plan.qps(30.5)) == [0, 51, 31, 31, 30]
    assert Planned(None, 0, 2).qps(30) is None
