"""Draws untrusted text with the font that Pillow brings along, which knows Latin letters only."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

MAX_CHARACTERS = 2000
"""Of one paragraph; more than that fits into no picture."""
MISSING = "·"
NOT_A_CHARACTER = "\uffff"
INK, PAPER = 235, 24
"""Luma of letters and of the panel behind them."""


def panel(width: int, height: int, title: str, paragraphs: Sequence[str]) -> "Image":
    """A grey picture of exactly this size: the title large, the paragraphs below it, wrapped and cut to fit."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    margin = max(2, min(width, height) // 16)
    font = _fitting(title, width - 2 * margin, (height - 2 * margin) // 3)
    draw.text((margin, margin), title, INK, font)
    top = margin + int(font.getbbox(title)[3]) + margin // 2
    body = _font(max(8, min(width, height) // 18))
    advance = int(_line_height(body))
    room = max(0, (height - margin - top) // advance)
    for number, line in enumerate(_cut(wrapped(paragraphs, body, width - 2 * margin), room)):
        draw.text((margin, top + number * advance), line, INK, body)
    return image


def wrapped(paragraphs: Iterable[str], font: "Font", width: int) -> Iterator[str]:
    """The lines, none wider than `width` pixels, as they come; words too long for a line are broken."""
    for paragraph in paragraphs:
        for line in plain(paragraph[:MAX_CHARACTERS]).split("\n"):
            yield from _wrapped_line(line, font, width)


def plain(text: str) -> str:
    """Text that any screen can show: accents and marks dropped, controls removed, newlines kept."""
    kept = (_plain_character(character) for character in unicodedata.normalize("NFKD", text.replace("\r\n", "\n")))
    return "".join(kept)


def _plain_character(character: str) -> str:
    if character in "\n\r\u2028\u2029\v\f":
        return "\n"
    category = unicodedata.category(character)
    if category[0] == "Z" or character == "\t":
        return " "
    if category == "Pd":
        return "-"
    if category[0] == "M" or category in ("Cc", "Cf"):
        return ""
    return character if _is_drawable(character) else MISSING


@lru_cache(maxsize=4096)
def _is_drawable(character: str) -> bool:
    """Whether the font has a picture for it, other than the box it draws for what it lacks."""
    if unicodedata.category(character)[0] == "C":
        return False  # lone surrogates cannot even be handed to the font
    font = _font(16)
    mine, box = font.getmask(character), font.getmask(NOT_A_CHARACTER)
    return mine.size != box.size or bytes(mine) != bytes(box)


def _wrapped_line(line: str, font: "Font", width: int) -> Iterator[str]:
    built = ""
    for word in line.split(" "):
        candidate = f"{built} {word}" if built else word
        if font.getlength(candidate) <= width:
            built = candidate
            continue
        if built:
            yield built
        *full, built = _broken(word, font, width)
        yield from full
    yield built


def _broken(word: str, font: "Font", width: int) -> list[str]:
    """The word in pieces that fit; each holds at least one character."""
    pieces = [""]
    for character in word:
        if pieces[-1] and font.getlength(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _cut(lines: Iterator[str], room: int) -> list[str]:
    """As many lines as there is room for; an ellipsis when there would be more."""
    shown: list[str] = []
    for line in lines:
        if len(shown) == room:
            return [*shown[:-1], shown[-1] + "…"] if shown else []
        shown.append(line)
    return shown


def _fitting(text: str, width: int, height: int) -> "Font":
    """The largest font in which the text is no wider and no higher."""
    size = max(6, height)
    while size > 6 and _font(size).getlength(text) > width:
        size = max(6, int(size * 0.9))
    return _font(size)


def _line_height(font: "Font") -> float:
    return max(1.0, (font.getbbox("Ag")[3]) * 1.3)


@lru_cache(maxsize=16)
def _font(size: int) -> "Font":
    from PIL import ImageFont

    return ImageFont.load_default(size)
