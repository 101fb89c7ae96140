"""A picture in several palettes side by side, each with its size and its score."""
import io

import numpy as np

COLUMNS, MARGIN, CAPTION_ROWS = 4, 8, 32
SIDE_MIN = 8                # of SSIMULACRA 2


def drawn(image, colors, ways, progress=None):
    """PNG of the original and of what each way makes of it.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    colors : int
    ways : dict
        Title to options of `codec.quantize_colors`.
    progress : callable, optional
    """
    from PIL import Image, ImageDraw

    from ..metrics import ssimulacra2
    from ..palette import quantize_colors, write_png

    image = np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image
    cells = [("original", f"{len(np.unique(image.reshape(-1, 3), axis=0))} colours", image)]
    for number, (title, options) in enumerate(ways.items(), 1):
        made = quantize_colors(image, colors, **options)
        shown = np.ascontiguousarray(made.palette[made.indices][..., :3])
        score = f"SSIMULACRA 2 {ssimulacra2(image, shown):.1f}, " if min(image.shape[:2]) >= SIDE_MIN else ""
        cells.append((title, f"{score}{write_png(made).size / 1000:.1f} kB", shown))
        if progress:
            progress(number, len(ways))
    height, width = image.shape[0], max(image.shape[1], 200)
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    page = Image.new("RGB", (columns * (width + MARGIN) + MARGIN, rows * (height + CAPTION_ROWS + MARGIN) + MARGIN), "white")
    pen = ImageDraw.Draw(page)
    for i, (title, says, pixels) in enumerate(cells):
        x, y = MARGIN + i % columns * (width + MARGIN), MARGIN + i // columns * (height + CAPTION_ROWS + MARGIN)
        pen.text((x, y), f"{title}\n{says}", fill="black")
        page.paste(Image.fromarray(pixels), (x, y + CAPTION_ROWS))
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()
