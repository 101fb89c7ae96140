"""Write the pictures in this folder and MANIFEST.json.

usage: python samples/make.py [FOLDER]    (needs NumPy, Pillow and scikit-image; downloads nothing)

The photographs ship with scikit-image, whose documentation lists them as CC0 or public domain. They are copied byte for byte or cropped,
never resampled. The other pictures are computed in integers. So the pixels are the same with every version of NumPy and Pillow. The bytes of a
PNG may depend on the version of zlib, so the manifest has hashes of bytes and of pixels; a JPEG has none of its pixels, which depend on the decoder.
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import shutil

import numpy as np
from PIL import Image

CC0 = "CC0-1.0"
PUBLIC_DOMAIN = "public domain"
OURS = "BSD-2-Clause, as the rest of this repository"

# file: (name in skimage/data, crop as left, top, right, bottom or None, who, licence, why)
PHOTOGRAPHS = {
    "coffee.png": ("coffee.png", None, "Rachel Michetti", CC0, "smooth porcelain beside wood grain; the standard picture of the examples"),
    "chelsea.png": (
        "chelsea.png",
        None,
        "Stefan van der Walt",
        CC0,
        "fur: fine texture in every direction; 451 columns are no whole number of blocks",
    ),
    "astronaut.png": (
        "astronaut.png",
        (64, 0, 320, 256),
        "NASA",
        PUBLIC_DOMAIN,
        "skin, hair, a blurred background, a patch of saturated orange",
    ),
    "rocket.jpg": ("rocket.jpg", None, "SpaceX", PUBLIC_DOMAIN, "a JPEG that another encoder wrote; night sky, where banding shows"),
    "camera.png": ("camera.png", (64, 64, 448, 352), "Lav Varshney", CC0, "gray; large flat sky, sharp silhouette, grass"),
    "clock.png": (
        "clock_motion.png",
        None,
        "Stefan van der Walt",
        PUBLIC_DOMAIN,
        "gray; motion blur, so nearly nothing in the high frequencies",
    ),
}


def gradient():
    """Three ramps: red to the right, green downwards, blue diagonally, in steps of at most one level."""
    y, x = np.mgrid[:256, :256]
    return np.stack([x, y, (x + y) // 2], axis=-1)


def graphics():
    """Letters of 5 x 7 dots, lines and blocks in saturated colours on white: what chroma subsampling and quantization hurt most."""
    random = np.random.RandomState(1)
    picture = np.full((200, 320, 3), 255)
    inks = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255), (0, 128, 0), (255, 0, 255)])
    alphabet = random.randint(0, 2, (26, 7, 5))
    for line, top in enumerate(range(8, 104, 12)):
        for left in range(8, 150, 7):
            if random.randint(0, 6):
                letter = alphabet[random.randint(0, 26)] == 1
                picture[top : top + 7, left : left + 5][letter] = inks[line % len(inks)]
    for number, ink in enumerate(inks):
        picture[8 + 20 * number : 24 + 20 * number, 170:230] = ink
        picture[8 + 20 * number : 24 + 20 * number, 240:312] = 255 - ink
        picture[13 + 20 * number : 19 + 20 * number, 250:300] = ink
    for x in range(8, 312):
        picture[120 + (x * x // 700) % 64, x] = (255, 0, 0)
        picture[190 - x // 5, x] = (0, 0, 255)
    picture[120:192, 8:312:16] = (0, 160, 160)
    return picture


def zone_plate():
    """Concentric rings whose frequency grows with the radius, up to half the sampling rate at the middle of each side."""
    wave = np.array([round(128 + 126 * math.cos(2 * math.pi * i / 4096)) for i in range(4096)])
    y, x = np.mgrid[-128:128, -128:128]
    return wave[(x * x + y * y) * 8 % 4096]


def noise(height, width):
    return np.random.RandomState(height).randint(0, 256, (height, width, 3))


# file: (pixels, why)
COMPUTED = {
    "gradient.png": (gradient, "no texture hides a step: banding and wrong colour matrices show"),
    "graphics.png": (graphics, "saturated edges and text: ringing, chroma bleeding"),
    "zone_plate.png": (zone_plate, "gray; all frequencies and orientations at once: aliasing, wrong quantization tables"),
    "noise_97x61.png": (lambda: noise(61, 97), "nothing to predict: the dearest picture of its size; odd sides"),
    "odd_17x33.png": (lambda: gradient()[:33, :17] * 7, "one column and one row more than whole 16 x 16 units"),
    "odd_1x1.png": (lambda: np.array([[[200, 30, 60]]]), "the smallest picture"),
}


def write_photograph(target, name, crop):
    import skimage

    source = pathlib.Path(skimage.__file__).parent / "data" / name
    if crop is None:
        shutil.copyfile(source, target)
        return f"scikit-image {skimage.__version__}, data/{name}, unchanged"
    with Image.open(source) as image:
        image.crop(crop).save(target, optimize=True)
    return f"scikit-image {skimage.__version__}, data/{name}, cropped to {list(crop)}"


def entry(path, origin, licence, why):
    data = path.read_bytes()
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return {
        "file": path.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest() if path.suffix == ".png" else None,
        "bytes": len(data),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "channels": 1 if pixels.ndim == 2 else pixels.shape[2],
        "origin": origin,
        "licence": licence,
        "why": why,
    }


def make(folder):
    """Write all pictures and the manifest to `folder`, and return the manifest's entries."""
    entries = []
    for file, (name, crop, who, licence, why) in PHOTOGRAPHS.items():
        origin = write_photograph(folder / file, name, crop)
        entries.append(entry(folder / file, f"{origin}; by {who}", licence, why))
    for file, (pixels, why) in COMPUTED.items():
        Image.fromarray(pixels().astype(np.uint8)).save(folder / file, optimize=True)
        entries.append(entry(folder / file, "computed by samples/make.py", OURS, why))
    (folder / "MANIFEST.json").write_text(json.dumps(entries, indent=1) + "\n")
    return entries


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    folder = parser.parse_args().folder
    os.makedirs(folder, exist_ok=True)
    for e in make(folder):
        print(f"{e['bytes']:8d}  {e['width']}x{e['height']}x{e['channels']}  {e['file']}")
