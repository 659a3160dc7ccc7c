"""Colours for the dark theme of the report: lightness in OKLab is inverted.

OKLab: Björn Ottosson, "A perceptual color space for image processing", 2020.
"""

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour: str) -> Vector:
    """Convert "#rrggbb" to linear RGB in [0, 1]."""
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def oklab(rgb: Vector) -> Vector:
    """Convert linear RGB [..., 3] to OKLab [..., 3]."""
    return np.asarray(np.cbrt(rgb @ _TO_LMS.T) @ _TO_LAB.T)


def dark(colour: str) -> str:
    """The colour that replaces `colour` in the dark theme: the same hue, with inverted lightness.

    Points, lines and bars stay bright enough to be seen on a dark background. White, greys and pale
    tints, which are backgrounds themselves, may become darker than that.

    Parameters
    ----------
    colour
        As "#rrggbb".

    Returns
    -------
    str
        In the same form.
    """
    lightness, a, b = oklab(linear(colour))
    mark = lightness < 0.8 and np.hypot(a, b) > 0.05
    lightness = float(np.clip(1.2 - lightness, 0.66 if mark else 0.2, 0.94))
    for chroma in np.linspace(1, 0, 21):  # the most colourful one that screens can show
        lab = np.array([lightness, chroma * a, chroma * b])
        rgb = np.linalg.solve(_TO_LMS, np.linalg.solve(_TO_LAB, lab) ** 3)
        if rgb.min() >= -1e-4 and rgb.max() <= 1.0001:
            break
    rgb = np.clip(rgb, 0, 1)
    value = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * v):02x}" for v in value)
