"""Pictures decoded by the peers, in a process of their own: one of them corrupts its heap on a hostile file,
which would crash the tests.

usage: python peers.py FOLDER < names      prints one JSON object a line:
    {"file", peer: [shape, dtype, sha256] or null if it refuses, ...}
       python peers.py FILE PEER           prints the picture as .npy
"""

import hashlib
import io
import json
import os
import sys
import warnings

import imagecodecs
import numpy as np
from PIL import Image

PEERS = {
    "imagecodecs": lambda data: imagecodecs.jpeg8_decode(data),
    "pillow": lambda data: np.asarray(Image.open(io.BytesIO(data))),
    "sof3": lambda data: imagecodecs.jpegsof3_decode(data),
}


def picture(data, peer):
    """Its pixels, gray as (H, W), or None: peers raise exceptions of any kind."""
    try:
        return np.ascontiguousarray(np.atleast_1d(np.squeeze(PEERS[peer](data))))
    except (Exception, SystemExit):
        return None


def digest(pixels):
    return (
        pixels
        if pixels is None
        else [list(pixels.shape), str(pixels.dtype), hashlib.sha256(pixels.tobytes()).hexdigest()]
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if len(sys.argv) == 3:
        with open(sys.argv[1], "rb") as file:
            np.save(sys.stdout.buffer, picture(file.read(), sys.argv[2]))
    else:
        for name in sys.stdin.read().split("\n"):
            with open(os.path.join(sys.argv[1], name), "rb") as file:
                data = file.read()
            print(json.dumps({"file": name, **{peer: digest(picture(data, peer)) for peer in PEERS}}), flush=True)
    sys.stdout.flush()
    os._exit(0)
