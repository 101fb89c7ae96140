"""Spatial and temporal direct prediction of B pictures (8.4.1.2.2, 8.4.1.2.3): the choice, and the streams."""

from types import SimpleNamespace

import numpy as np
import pytest
from codec.h264.encode._lookahead import direct_distances
from made_clips import CONTENT, assert_decodes_to, encoded

from codec.errors import ParameterError
from codec.h264.encode import encoder
from codec.h264.encode.direct import Motion, temporal

HEIGHT, WIDTH = 6, 9


def planned(before, after):
    field = np.zeros((HEIGHT, WIDTH, 2), np.int16)
    return SimpleNamespace(vectors=tuple((field + one).reshape(-1, 2).astype(np.int16) for one in (before, after)))


def at_random(seed):
    return np.random.default_rng(seed).integers(-6, 7, (HEIGHT, WIDTH, 2))


def test_objects_that_move_evenly_have_temporal_prediction():
    """Each macroblock has a motion of its own: neighbours do not help, the colocated one does."""
    motion = 4 * at_random(1)
    col = Motion(0, motion.reshape(-1, 2).astype(np.int16))
    assert temporal(planned(motion // 4, motion // 4 - motion), 2, 0, 8, col, WIDTH)
    assert temporal(planned(3 * motion // 4, 3 * motion // 4 - motion), 6, 0, 8, col, WIDTH)
    assert not temporal(planned(at_random(2), at_random(3)), 2, 0, 8, col, WIDTH)


def test_motion_that_changes_has_spatial_prediction():
    """A pan that stops: the neighbours know, the colocated macroblock does not."""
    moving = Motion(0, np.full((HEIGHT * WIDTH, 2), 8, np.int16))
    assert not temporal(planned((0, 0), (-8, -8)), 4, 0, 8, moving, WIDTH)
    assert not temporal(planned((4, 4), (-4, -4)), 4, 0, 8, Motion(), WIDTH)


def test_without_known_motion_it_is_spatial():
    motion = np.zeros((HEIGHT * WIDTH, 2), np.int16)
    assert not temporal(SimpleNamespace(vectors=()), 2, 0, 8, Motion(0, motion), WIDTH)
    assert not temporal(planned(at_random(1), at_random(2)), 2, 0, 8, Motion(-4, motion), WIDTH)


def naive_distances(mv0, mv1, col, width, numerator, denominator, most):
    found = np.concatenate([mv0, mv1], axis=1).astype(np.int64).reshape(-1, width, 4)
    col = np.zeros_like(found[..., :2]) if col is None else col.astype(np.int64).reshape(-1, width, 2)
    scaled = (2 * col * numerator + denominator) // (2 * denominator)
    around = np.pad(found, ((1, 0), (1, 1), (0, 0)))
    medians = np.median([around[1:, :-2], around[:-1, 1:-1], around[:-1, 2:]], axis=0)
    predicted = np.concatenate([scaled, scaled - col], axis=-1), medians
    return tuple(int(np.minimum(np.abs(found - one).sum(axis=-1), most).sum()) for one in predicted)


@pytest.mark.parametrize("reach", [1, 9, 300, 32767])
def test_distances_equal_their_definition(reach):
    rng = np.random.default_rng(reach)
    for height, width in [(1, 1), (1, 5), (4, 1), (5, 7)]:
        for numerator, denominator in [(1, 2), (3, 4), (-2, 5), (9, 8)]:
            mv0, mv1, col = rng.integers(-reach, reach + 1, (3, height * width, 2)).astype(np.int16)
            for one in (col, None):
                arguments = mv0, mv1, one, width, numerator, denominator, 8
                assert direct_distances(*arguments) == naive_distances(*arguments)


def test_distances_of_other_sizes_are_refused():
    mv = np.zeros((6, 2), np.int16)
    for others in [(mv[:5], None, 3), (mv, mv[:5], 3), (mv, None, 4), (mv[:, :1].copy(), None, 3)]:
        with pytest.raises(ParameterError, match="a vector for each"):
            direct_distances(mv, *others, 1, 2, 8)


@pytest.mark.parametrize("preset", ["superfast", "veryfast", "medium", "slow", "placebo"])
@pytest.mark.parametrize("content", sorted(CONTENT))
def test_streams_with_temporal_prediction_decode_to_the_reconstruction(preset, content, monkeypatch):
    """Ours and FFmpeg's; where list 0 lacks the picture that the colocated block refers to, nothing is direct."""
    flags = []

    def always(*args):
        flags.append(1)
        return True

    monkeypatch.setattr(encoder, "temporal", always)
    data, planes, pictures = encoded(CONTENT[content](70, 52, 11, seed=3), preset=preset, qp=24, keyint=8)
    assert_decodes_to(data, planes, 70, 52)
    assert len(flags) == sum(picture.type == "B" for picture in pictures)


def test_presets_without_b_pictures_ask_nothing(monkeypatch):
    monkeypatch.setattr(encoder, "temporal", None)
    data, planes, _ = encoded(CONTENT["noise"](32, 32, 5, seed=1), preset="ultrafast", qp=30)
    assert_decodes_to(data, planes, 32, 32)
