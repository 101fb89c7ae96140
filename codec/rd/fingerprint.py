"""What an encoder makes, as a digest: tells two builds of one version apart."""

import functools
import hashlib

import numpy as np

from ..errors import CodecError

# More than 65536 pixels: our encoder writes smaller pictures by other rules. Odd sizes, so that edges are extended.
HEIGHT, WIDTH = 243, 275


@functools.cache
def picture():
    """A fixed picture with slopes, edges, texture, noise and saturated parts, (HEIGHT, WIDTH, 3) uint8. Integers only,
    so it is the same everywhere.
    """
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.uint32)
    noise = (x * 2654435761 + y * 40503 * 2654435761) >> np.uint32(24)
    bars = np.where((x // 11 + y // 7) % 3 == 0, 160, 20)
    layers = [x * 255 // WIDTH + noise % 16, bars + noise % 32, y * 300 // HEIGHT + (x * y // 64) % 24]
    return np.stack(layers, -1).clip(0, 255).astype(np.uint8)


def fingerprint(codec, setting):
    """16 hexadecimal digits of the SHA-256 of what a codec makes of the fixed picture, and of how it decodes it again.

    "" if it fails on it, and for video codecs: those come from libraries whose version identifies the build, and x264
    was seen to make other bytes of the same clip now and then.

    Parameters
    ----------
    codec : codec.registry.Codec
    setting : dict
        All its parameters.
    """
    if codec.media == "video":
        return ""
    try:
        data = codec.run_encode(picture(), setting)
        decoded = codec.run_decode(data, picture())
    except CodecError:
        return ""
    digest = hashlib.sha256(data)
    digest.update(np.ascontiguousarray(decoded))
    return digest.hexdigest()[:16]
