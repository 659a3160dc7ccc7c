"""SVG files inside the report: unique ids, colours that follow the theme, a text alternative."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from finetone.errors import UserError
from finetone.provenance import check_seal

_NAMESPACE = re.compile(r"^\{[^}]*\}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
# elements that draw; none that run or load something, or are read as HTML inside a page
_DRAWING = {
    *("svg", "title", "desc", "defs", "g", "use", "symbol", "clipPath"),
    *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan"),
    *("linearGradient", "radialGradient", "stop"),
}


@dataclass(frozen=True)
class Picture:
    """An inline figure.

    Attributes
    ----------
    name
        Of the figure.
    title, description
        Its text alternative.
    svg
        The markup.
    width
        In points.
    command
        Makes the figure again.
    colours
        The "#rrggbb" that its style refers to as var(--c-rrggbb).
    """

    name: str
    title: str
    description: str
    svg: Markup
    width: float
    command: str
    colours: frozenset[str]


def read_picture(name: str, path: Path, command: str) -> Picture:
    """Read an SVG file that finetone.plots wrote, without all that could run or load something.

    Parameters
    ----------
    name
        Of the figure.
    path
        The file.
    command
        Makes the figure again.

    Raises
    ------
    UserError
        It is not an SVG file, or was altered.
    """
    check_seal(path)
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError) as error:
        raise UserError(f"{path}: not an SVG ({error}); delete it and rerun") from None
    # unique: "a.b" and "a_b" may be two methods
    prefix = "f-" + re.sub(r"[^A-Za-z0-9-]", lambda c: f"_{ord(c[0]):x}_", name)
    colours: set[str] = set()
    _clean(root, prefix, colours)
    title, description = (root.findtext(tag) or "" for tag in ("title", "desc"))
    box = root.get("viewBox", "0 0 400 300").split()
    for tag in ("title", "desc"):
        if (found := root.find(tag)) is not None:
            found.set("id", f"{prefix}-{tag}")
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": " ".join(box),
        "role": "img",
        "aria-labelledby": f"{prefix}-title {prefix}-desc",
        "style": f"width:{4 / 3 * float(box[2]):.0f}px",
    }
    svg = ET.tostring(root, encoding="unicode", short_empty_elements=True)
    # safe: parsed, stripped of everything that could run or load, and written by the XML library
    return Picture(
        name, title, description, Markup(svg), float(box[2]), command, frozenset(colours)
    )


def _clean(element: ET.Element, prefix: str, colours: set[str]) -> None:
    element.tag = _NAMESPACE.sub("", element.tag)
    element.text = (element.text or "").strip() or None
    element.tail = None
    attributes = {}
    for key, value in element.attrib.items():
        key = _NAMESPACE.sub("", key)
        if key.lower().startswith("on"):
            continue
        if key == "href":
            if not value.startswith("#"):
                continue
            value = f"#{prefix}-{value[1:]}"
        elif key == "id":
            if value == "patch_1":  # the background; the page has its own
                attributes["class"] = "paper"
            value = f"{prefix}-{value}"
        elif key == "style":
            colours.update(c.lower() for c in _COLOUR.findall(value))
            value = _COLOUR.sub(lambda c: f"var(--c-{c[0][1:].lower()})", value)
        attributes[key] = value.replace("url(#", f"url(#{prefix}-")
    element.attrib = attributes
    for child in list(element):
        if not isinstance(child.tag, str) or _NAMESPACE.sub("", child.tag) not in _DRAWING:
            element.remove(child)
        else:
            _clean(child, prefix, colours)
