"""quantize_colors and PaletteQuantizer: results, exact cases, refusals, and quality."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from properties import examples

import codec
from codec import cpu
from codec.errors import ParameterError
from codec.metrics import mse, psnr, ssimulacra2
from codec.palette.choose import METHODS
from codec.palette.fixed import FIXED
from codec.palette.spaces import SPACES


def over(image, ground):
    alpha = image[..., 3:].astype(float) / 255
    return image[..., :3] * alpha + ground * (1 - alpha)


def shown(gray_or_color):
    return gray_or_color if gray_or_color.ndim == 3 else gray_or_color[..., None].repeat(3, 2)


# ---------------------------------------------------------------- results


@pytest.mark.parametrize("dither", [None, "floyd-steinberg"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_result_is_whole(method, channels, dither, picture):
    image = picture(33, 41, channels)
    result = codec.quantize_colors(image, 20, method=method, dither=dither)
    assert result.indices.shape == (33, 41) and result.indices.dtype == np.uint8
    assert (
        result.palette.shape[1] == max(channels, 3)
        and 2 <= len(result.palette) <= 20
        and result.palette.dtype == np.uint8
    )
    assert (result.image() == result.palette[result.indices]).all()
    assert (result.counts == [(result.indices == i).sum() for i in range(len(result.palette))]).all()
    assert result.error_map().shape == (33, 41) and result.mse == pytest.approx(result.error_map().mean())
    assert len(np.unique(result.palette, axis=0)) == len(result.palette)


def test_mse_is_that_of_the_metrics(picture):
    image = picture(40, 40, 3)
    result = codec.quantize_colors(image, 9)
    assert result.mse == pytest.approx(mse(image, result.image()))


@pytest.mark.parametrize("space", SPACES)
def test_without_dithering_each_pixel_has_its_nearest_colour(space, picture):
    image = picture(30, 30, 3)
    result = codec.quantize_colors(image, 12, space=space, dither=None)
    points, entries = SPACES[space](image.reshape(-1, 3), 8), SPACES[space](result.palette, 8)
    assert (result.indices.reshape(-1) == np.square(points[:, None] - entries).sum(2).argmin(1)).all()


def test_the_same_call_gives_the_same_result_at_every_level(picture, rgba):
    for image in (picture(50, 60, 3), rgba):
        results = [codec.quantize_colors(image, 40)]
        with cpu.force("scalar"):
            results.append(codec.quantize_colors(image, 40))
        results.append(codec.quantize_colors(image[:, ::-1][:, ::-1], 40))  # the same pixels in another layout
        for other in results[1:]:
            assert (other.palette == results[0].palette).all() and (other.indices == results[0].indices).all()


def test_seeds(picture):
    image = picture(60, 60, 3)
    one, same, other = (codec.quantize_colors(image, 30, seed=seed).palette for seed in (3, 3, 4))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


# ---------------------------------------------------------------- exact cases


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 4]))),
    st.sampled_from(list(METHODS)),
)
@examples(60)
def test_few_colours_come_back_exactly(image, method):
    result = codec.quantize_colors(image, 256, method=method)
    if image.shape[2] == 4:
        assert (result.image()[image[..., 3] > 0] == image[image[..., 3] > 0]).all() and (
            result.image()[image[..., 3] == 0] == 0
        ).all()
    else:
        assert (result.image() == image).all() and result.mse == 0


def test_exactly_as_many_colours_as_asked_for():
    image = np.arange(768, dtype=np.uint16).reshape(16, 16, 3).astype(np.uint8)
    assert (codec.quantize_colors(image, 256).image() == image).all()
    assert len(codec.quantize_colors(image, 255).palette) <= 255


@pytest.mark.parametrize("dither", [None, "floyd-steinberg", "blue-noise"])
@pytest.mark.parametrize("method", METHODS)
def test_one_and_two_colours(method, dither, picture):
    image = picture(20, 20, 3)
    one = codec.quantize_colors(image, 1, method=method, dither=dither, space="srgb")
    assert (
        len(one.palette) == 1
        and (one.indices == 0).all()
        and abs(one.palette[0] - image.reshape(-1, 3).mean(0)).max() <= 0.5
    )
    two = len(codec.quantize_colors(image, 2, method=method, dither=dither).palette)
    assert two == 2 or (two == 1 and method == "octree"), "an octree merges all children of a node at once"


def test_two_clusters_are_found():
    rng = np.random.default_rng(0)
    image = np.where(rng.random((40, 40, 1)) < 0.3, [200, 30, 30], [20, 40, 180]) + rng.integers(-9, 10, (40, 40, 3))
    palette = codec.quantize_colors(image.astype(np.uint8), 2, dither=None).palette
    assert abs(palette.astype(int) - [[20, 40, 180], [200, 30, 30]]).max() <= 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 1), (1, 1, 3), (1, 1, 4), (1, 300), (300, 1, 3)])
def test_small_and_thin(shape):
    image = np.random.default_rng(1).integers(1, 256, shape).astype(np.uint8)
    result = codec.quantize_colors(image, 16)
    assert result.indices.shape == shape[:2] and (image.size > 4 or result.mse == 0)


def test_gray_stays_gray(picture):
    palette = codec.quantize_colors(picture(50, 50, 1), 10).palette
    assert (palette == palette[:, :1]).all() and (np.diff(palette[:, 0].astype(int)) > 0).all()


# ---------------------------------------------------------------- alpha


@pytest.mark.parametrize("dither", [None, "floyd-steinberg", "riemersma", "blue-noise"])
def test_transparent_pixels_are_one_entry_and_stay_transparent(dither, rgba):
    result = codec.quantize_colors(rgba, 32, dither=dither)
    assert (result.palette[:, 3] == 0).sum() == 1 and result.palette[0].tolist() == [0, 0, 0, 0]
    assert (result.image()[rgba[..., 3] == 0, 3] == 0).all()
    assert (np.diff(result.palette[:, 3].astype(int)) >= 0).all(), "tRNS ends with the last entry that is not opaque"


def test_the_colour_of_transparent_pixels_does_not_matter(rgba):
    other = rgba.copy()
    other[rgba[..., 3] == 0, :3] = 77
    one, two = codec.quantize_colors(rgba, 20), codec.quantize_colors(other, 20)
    assert (one.palette == two.palette).all() and (one.indices == two.indices).all()


def test_alpha_is_good_on_black_and_on_white(rgba):
    """Within a factor of a picture already composed on either background: one palette has to serve both."""
    result = codec.quantize_colors(rgba, 64, dither=None, space="srgb")
    for ground in (0, 255):
        composed = over(rgba, ground).round().astype(np.uint8)
        alone = codec.quantize_colors(composed, 64, dither=None, space="srgb").mse
        assert np.square(over(rgba, ground) - over(result.image(), ground)).mean() < 3 * alone + 1


def test_opaque_alpha_is_no_alpha(picture):
    image = picture(40, 40, 3)
    plain = codec.quantize_colors(image, 20)
    with_alpha = codec.quantize_colors(np.dstack([image, np.full((40, 40), 255, np.uint8)]), 20)
    assert (with_alpha.palette[:, :3] == plain.palette).all() and (with_alpha.palette[:, 3] == 255).all()
    assert (with_alpha.indices == plain.indices).all()


def test_all_transparent():
    image = np.random.default_rng(2).integers(0, 256, (9, 9, 4)).astype(np.uint8)
    image[..., 3] = 0
    for colors in (1, 2, 256):
        assert codec.quantize_colors(image, colors).palette.tolist() == [[0, 0, 0, 0]]


def test_one_colour_for_alpha(rgba):
    assert codec.quantize_colors(rgba, 1).palette.shape == (1, 4)


# ---------------------------------------------------------------- given palettes


def test_own_palette_keeps_its_order_and_duplicates_are_not_used(picture):
    palette = [[200, 40, 40], [0, 0, 0], [200, 40, 40], [255, 255, 255]]
    result = codec.quantize_colors(picture(30, 30, 3), palette=palette)
    assert result.palette.tolist() == palette and set(np.unique(result.indices)) <= {0, 1, 3}


@pytest.mark.parametrize("name", FIXED)
def test_palettes_by_name(name, picture):
    result = codec.quantize_colors(picture(30, 30, 3), palette=name)
    assert len(result.palette) == {"web-safe": 216, "ega": 16, "gray": 256, "gray-16": 16, "black-white": 2}[name]
    assert len(np.unique(result.palette, axis=0)) == len(result.palette)


def test_hexadecimal_colours():
    image = np.full((2, 2, 3), [250, 130, 3], np.uint8)
    assert codec.quantize_colors(image, palette=["#000000", "#FF8000"]).indices.tolist() == [[1, 1], [1, 1]]


def test_palette_with_alpha_for_an_opaque_picture():
    result = codec.quantize_colors(np.full((3, 3, 3), 10, np.uint8), palette=[[10, 10, 10, 0], [40, 40, 40, 255]])
    assert (result.indices == 1).all(), "an opaque pixel is not made transparent"


# ---------------------------------------------------------------- importance


def test_importance_decides_where_colours_go(picture):
    image = picture(40, 80, 3)
    mask = np.zeros((40, 80))
    mask[:, :40] = 0.7
    left = codec.quantize_colors(image, 12, importance=mask, dither=None, space="srgb")
    both = codec.quantize_colors(image, 12, dither=None, space="srgb")
    assert left.error_map()[:, :40].mean() < both.error_map()[:, :40].mean()
    alone = codec.quantize_colors(image[:, :40], 12, dither=None, space="srgb")
    assert left.error_map()[:, :40].mean() == pytest.approx(alone.mse, rel=0.05)


def test_contrast_gives_to_smooth_areas(slope):
    image = np.concatenate([slope, np.random.default_rng(0).integers(0, 256, slope.shape).astype(np.uint8)], 1)
    plain, smooth = (
        codec.quantize_colors(image, 16, dither=None, importance=importance) for importance in (None, "contrast")
    )
    assert smooth.error_map()[:, : slope.shape[1]].mean() < 0.75 * plain.error_map()[:, : slope.shape[1]].mean()


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize("target, metric", [("psnr:24", psnr), ("ssimulacra2:40", ssimulacra2)])
def test_the_fewest_colours_that_reach_a_score(target, metric, picture):
    image, value = picture(64, 64, 3), float(target.split(":")[1])
    result = codec.quantize_colors(image, target=target)
    assert metric(image, result.image()) >= value
    assert metric(image, codec.quantize_colors(image, len(result.palette) - 1).image()) < value


def test_targets_of_pictures_with_alpha_hold_on_both_grounds(rgba):
    result = codec.quantize_colors(rgba, target="psnr:25")
    for ground in (0, 255):
        assert psnr(over(rgba, ground), over(result.image(), ground), data_range=255) > 24.8


def test_a_floor_accepts_what_the_target_would_not(picture):
    image = picture(48, 48, 3)
    with pytest.raises(ParameterError, match="8 colours give psnr:"):
        codec.quantize_colors(image, 8, target="psnr:50")
    assert len(codec.quantize_colors(image, 8, target="psnr:50", floor="psnr:10").palette) == 8
    with pytest.raises(ParameterError, match="psnr:45 cannot be reached"):
        codec.quantize_colors(image, 8, target="psnr:50", floor="psnr:45")


# ---------------------------------------------------------------- one palette for many pictures


def test_one_palette_for_many_pictures(picture):
    frames = np.stack([picture(30, 30, 3, seed) for seed in range(3)])
    quantizer = codec.PaletteQuantizer(40, dither=None, space="srgb").fit(frames)
    results = [quantizer.predict(frame) for frame in frames]
    assert all((result.palette == quantizer.palette_).all() for result in results)
    together = codec.quantize_colors(frames.reshape(90, 30, 3), 40, dither=None, space="srgb")
    assert (quantizer.palette_ == together.palette).all()


def test_pictures_of_all_kinds_together(picture, rgba):
    quantizer = codec.PaletteQuantizer(64).fit([picture(20, 20, 1), picture(20, 20, 3), rgba])
    assert quantizer.palette_.shape[1] == 4
    for image in (picture(20, 20, 1), picture(20, 20, 3), rgba):
        assert quantizer.predict(image).indices.shape == image.shape[:2]
    opaque_shown = quantizer.predict(picture(20, 20, 3)).image()
    assert (opaque_shown[..., 3] == 255).mean() > 0.95, "hardly an opaque pixel shines through"


def test_a_single_array_is_one_picture(picture):
    image = picture(20, 24, 3)
    assert (codec.PaletteQuantizer(8).fit(image).palette_ == codec.quantize_colors(image, 8).palette).all()


def test_many_colours_are_binned_and_still_painted(monkeypatch, picture):
    monkeypatch.setattr("codec.palette.histogram.MOST_COLORS_APART", 300)
    image = picture(60, 60, 3)
    for dither in (None, "floyd-steinberg", "bayer"):
        assert (
            codec.quantize_colors(image, 64, dither=dither).mse
            < 2 * codec.quantize_colors(image, 32, dither=dither).mse
        )
    alpha = np.dstack([image, 255 - image[..., 0]])
    assert codec.quantize_colors(alpha, 32).indices.shape == (60, 60)


# ---------------------------------------------------------------- quality


@pytest.fixture(scope="module")
def photo(data_folder):
    Image = pytest.importorskip("PIL.Image")
    return np.asarray(Image.open(data_folder / "images/kodak/kodim07.png").convert("RGB"))[100:356, 200:456]


def test_kmeans_is_better_than_cuts_and_far_better_than_the_classics(photo):
    quality = {
        method: psnr(photo, codec.quantize_colors(photo, 64, method=method, space="srgb", dither=None).image())
        for method in METHODS
    }
    assert (
        quality["kmeans"]
        > max(quality["wu"], quality["median-cut"]) + 0.4
        > max(quality["heckbert"], quality["octree"]) + 1
    )


def test_median_cut_beats_pillow_s(photo):
    Image = pytest.importorskip("PIL.Image")
    theirs = np.asarray(
        Image.fromarray(photo).quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    )
    assert (
        psnr(photo, codec.quantize_colors(photo, method="median-cut", space="srgb", dither=None).image())
        > psnr(photo, theirs) + 1.5
    )


@pytest.mark.parametrize("colors", [16, 64, 256])
def test_defaults_look_better(photo, colors):
    """Better than the nearest colours in the same space, which score better than the result of higher PSNR."""
    default, plain = codec.quantize_colors(photo, colors), codec.quantize_colors(photo, colors, dither=None)
    srgb = codec.quantize_colors(photo, colors, dither=None, space="srgb")
    assert ssimulacra2(photo, default.image()) > ssimulacra2(photo, plain.image()) > ssimulacra2(photo, srgb.image())
    assert psnr(photo, srgb.image()) > psnr(photo, plain.image())


# ---------------------------------------------------------------- refusals

GOOD = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    "image, what",
    [
        (np.zeros((4, 4, 3), np.uint16), "uint8, not uint16"),
        (np.zeros((4, 4, 3)), "its values are within 0..1"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
        (np.zeros((4, 0), np.uint8), "empty"),
        (np.zeros((4, 4), bool), "not bool"),
        ([[1, 2], [3]], "ragged"),
        ("picture.png", "takes an array of pixels"),
    ],
)
def test_bad_images(image, what):
    with pytest.raises(ParameterError, match=what):
        codec.quantize_colors(image)


@pytest.mark.parametrize(
    "options, what",
    [
        ({"colors": 0}, "1..256, not 0"),
        ({"colors": 257}, "1..256"),
        ({"colors": 2.5}, "integer"),
        ({"colors": True}, "integer"),
        ({"method": "kmean"}, "did you mean 'kmeans'"),
        ({"space": "lab"}, "oklab"),
        ({"dither": "floyd"}, "dither"),
        ({"dither_strength": 1.1}, "0..1"),
        ({"dither_strength": float("nan")}, "0..1"),
        ({"seed": -1}, "seed"),
        ({"palette": "vga"}, "web-safe"),
        ({"palette": "#ff0000"}, r"a list of colours, and '#ff0000' is one: pass \['#ff0000'\]"),
        ({"palette": []}, "shape"),
        ({"palette": [[1, 2]]}, "shape"),
        ({"palette": [[1, 2, 300]]}, "0..255"),
        ({"palette": [[0.5, 0, 0]]}, "integers"),
        ({"palette": ["red"]}, "#rrggbb"),
        ({"palette": [[1, 2, 3], [1, 2, 3, 4]]}, "length"),
        ({"palette": np.zeros((257, 3), int)}, "256"),
        ({"importance": np.ones((3, 4))}, "one value per pixel"),
        ({"importance": -np.ones((4, 4))}, "negative"),
        ({"importance": np.zeros((4, 4))}, "0 everywhere"),
        ({"importance": np.full((4, 4), np.inf)}, "finite"),
        ({"importance": "edges"}, "contrast"),
        ({"target": "size:100kB"}, "write_png"),
        ({"target": "psnr"}, "no target"),
        ({"floor": "psnr:30"}, "needs a target"),
        ({"target": "psnr:30", "floor": "ssim:0.9"}, "the same metric"),
        ({"target": "psnr:30", "floor": "psnr:40"}, "more than"),
        ({"target": "psnr:30", "palette": "ega"}, "one of them"),
    ],
)
def test_bad_options(options, what):
    with pytest.raises(ParameterError, match=what):
        codec.quantize_colors(GOOD, **options)


def test_predict_before_fit_and_fit_of_nothing():
    with pytest.raises(ParameterError, match="fit first"):
        codec.PaletteQuantizer(4).predict(GOOD)
    with pytest.raises(ParameterError, match="one image"):
        codec.PaletteQuantizer(4).fit([])


def test_a_generator_may_fill_the_same_array_again(picture):
    pictures = [picture(20, 30, seed=seed) for seed in range(3)]

    def refilled():
        buffer = np.empty_like(pictures[0])
        for pixels in pictures:
            buffer[:] = pixels
            yield buffer

    given, made = (codec.PaletteQuantizer(16).fit(images).palette_ for images in (pictures, refilled()))
    assert np.array_equal(given, made)


def test_a_result_does_not_change_with_the_array_that_it_was_made_of(picture):
    pixels = picture(20, 30)
    results = codec.quantize_colors(pixels, 16), codec.PaletteQuantizer(16).fit([pixels]).predict(pixels)
    before = pixels.copy()
    pixels[:] = 0
    for result in results:
        assert result.mse == codec.quantize_colors(before, 16).mse
