"""Arguments of wrong types: every public function answers with a ParameterError, never with a TypeError, an IndexError or
a crash."""

import numpy as np
import pytest

import codec
from codec import jpeg, metrics
from codec.quantizers import kmeans, vector

PICTURE = np.zeros((16, 16, 3), np.uint8)
RAGGED = [[1], [2, 3]]
ODD = ([], {}, PICTURE)  # not hashable, or without a truth value


@pytest.mark.parametrize("value", ODD, ids=type)
@pytest.mark.parametrize("option", ["method", "space", "dither", "dither_strength", "seed", "target", "colors"])
def test_palette_options(option, value):
    with pytest.raises(codec.ParameterError):
        codec.quantize_colors(PICTURE, **{option: value})


@pytest.mark.parametrize("option", ["palette", "importance"])
def test_ragged_palettes_and_masks(option):
    with pytest.raises(codec.ParameterError):
        codec.quantize_colors(PICTURE, **{option: RAGGED})


@pytest.mark.parametrize("images", [None, 5])
def test_no_pictures(images):
    with pytest.raises(codec.ParameterError, match="iterable"):
        codec.PaletteQuantizer(4).fit(images)
    with pytest.raises(codec.ParameterError, match="iterable"):
        vector.train(images, 4)


@pytest.mark.parametrize(
    "name", ["mse", "psnr", "ssim", "ms_ssim", "ssimulacra2", "psnr_hvs_m", "ciede2000", "psnr_ycbcr"]
)
@pytest.mark.parametrize("wrong", [RAGGED, None, "picture", {}], ids=str)
def test_metrics_of_no_pictures(name, wrong):
    for pair in ((wrong, PICTURE), (PICTURE, wrong), (wrong, wrong)):
        with pytest.raises(codec.ParameterError):
            getattr(metrics, name)(*pair)


@pytest.mark.parametrize("preset", ODD, ids=type)
def test_presets(preset):
    with pytest.raises(codec.ParameterError, match="preset must be one of"):
        metrics.ssim(PICTURE, PICTURE, preset=preset)


@pytest.mark.parametrize(
    "options",
    [
        *({"weights": w} for w in ([np.inf], [np.nan], [-np.inf], ["a"], RAGGED, [2.0**53], [1e300])),
        *({"seeds": s} for s in (*ODD, "x")),
        *({name: "x"} for name in ("rounds", "tries", "tolerance", "seed")),
        *({"points": p} for p in (RAGGED, [["a"]], None, [[1j]], [[np.nan]], [[np.inf]])),
    ],
    ids=str,
)
def test_clusters(options):
    with pytest.raises(codec.ParameterError):
        kmeans.cluster(**{"points": [[5]], "k": 1, **options})


@pytest.mark.parametrize(
    "centres", [RAGGED, np.zeros((0, 1)), [[1, 2]], [[np.inf]], [[np.nan]], [[-1]], [[1e9]], None, [["a"]]], ids=str
)
def test_centres(centres):
    """Without centres the search crashed; with infinite ones it gave the label -2."""
    with pytest.raises(codec.ParameterError, match="centres"):
        kmeans.nearest([[5]], centres)


@pytest.mark.parametrize("value", ODD, ids=type)
@pytest.mark.parametrize(
    "option", ["tune", "subsampling", "effort", "color", "quality", "target", "coding", "metadata"]
)
def test_jpeg_options(option, value):
    with pytest.raises(codec.ParameterError):
        codec.encode(PICTURE, **{option: value})


@pytest.mark.parametrize("value", ODD, ids=type)
@pytest.mark.parametrize("option", ["flip", "edge", "rotate", "crop", "trailer", "on_error", "limits"])
def test_transcode_options(option, value):
    with pytest.raises(codec.ParameterError):
        jpeg.transcode(codec.encode(PICTURE), **{option: value})
