"""The shape of the video in figures: `9:16`, `16x9`, `1920x1080`, `2.39:1`; and what only looks like one."""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from prompts.rules.finding import Finding
from prompts.rules.tokens import Kind, Text
from prompts.rules.vocabulary import labels, table, words

_SAID, _PLAIN, _CLOSE = 0.97, 0.92, Fraction(1, 100)
_FEWEST_PIXELS, _MOST_PIXELS = 100, 20_000
_WIDEST = 4
_NEAR = 3
_LINKS = frozenset({":", "x", "×", "*", "/", "by"})  # noqa: RUF001 - as they are typed


def ratios(text: Text) -> Iterator[Finding]:
    """The ratios that a text names in figures, from left to right."""
    floor = 0
    for index in text.figures():
        found = _at(text, index) if index >= floor else None
        if found:
            yield found
            floor = found.last


def lowest(ratio: Fraction) -> str:
    """A ratio in lowest words; 21:9 and 9:21 by the name that everybody gives them."""
    plain = f"{ratio.numerator}:{ratio.denominator}"
    return str(table("ratios")["named"].get(plain, plain))


def upright(ratio: str) -> int:
    """1 for what is higher than wide, -1 for what is wider than high, 0 for a square."""
    width, height = map(int, ratio.split(":"))
    return (height > width) - (height < width)


def _at(text: Text, index: int) -> Finding | None:
    if text.word(index + 1) not in _LINKS:
        return None
    width, height = text.number(index), text.number(index + 2)
    if width is None or height is None or not width or not height:
        return None
    if text.tokens[index + 2].segment != text.tokens[index].segment or _part(text, index):
        return None
    link = text.word(index + 1)
    pixels = link in ("x", "×", "*", "by") and _pixels(width) and _pixels(height)  # noqa: RUF001
    ratio = _fraction(text.word(index), text.word(index + 2))
    if ratio is None or not (pixels or _means_ratio(text, index, link, ratio)):
        return None
    value = lowest(_known_near(ratio) if pixels else ratio)
    confidence = _SAID if pixels or _framed(text, index) else _PLAIN
    return Finding(field="aspect_ratio", value=value, first=index, last=index + 3, confidence=confidence, cut=True)


def _part(text: Text, index: int) -> bool:
    """Whether more figures hang on either side: `10:16:09`, `1/16/9`."""
    sides = [at for at in (index - 1, index + 3) if 0 <= at < len(text.tokens)]
    return any(text.tokens[at].kind is Kind.JOINT for at in sides if text.word(at) not in "-–—")  # noqa: RUF001


def _pixels(side: float) -> bool:
    return _FEWEST_PIXELS <= side <= _MOST_PIXELS and side == int(side)


@lru_cache(maxsize=256)
def _fraction(width: str, height: str) -> Fraction | None:
    """Two sides as they were typed: `2,39` and `1`; None where they are no plain figures."""
    if not (width.isascii() and height.isascii()):
        return None
    return Fraction(width.replace(",", ".")) / Fraction(height.replace(",", "."))


def _means_ratio(text: Text, index: int, link: str, ratio: Fraction) -> bool:
    """Whether `A:B`, `AxB`, `A/B` or `A by B` is a ratio rather than a time, a score, a date or a grid."""
    before, after = text.word(index - 1), text.word(index + 3)
    if not Fraction(1, _WIDEST) <= ratio <= _WIDEST or after in words("ratios", "not_before"):
        return False
    if any(text.word(at) in words("ratios", "not_after") for at in range(max(index - _NEAR, 0), index)):
        return False
    typed = f"{text.word(index)}:{text.word(index + 2)}"
    known, said = typed in words("ratios", "known") or lowest(ratio) in ("21:9", "9:21", "37:20"), _framed(text, index)
    if link == ":":
        return said or (known and not (before in words("ratios", "clocks") and len(text.word(index + 2)) == 2))
    if link in ("x", "×", "by"):  # noqa: RUF001
        return known and (said or ratio != 1 or link != "by")
    return link == "/" and known and (said or (ratio > 1 and ratio.denominator > 2))


def _framed(text: Text, index: int) -> bool:
    """Whether the words around say that it is a ratio."""
    if "aspect_ratio" in labels().get(text.label(index), ()):
        return True
    return text.word(index - 1) in words("ratios", "said") or text.word(index + 3) in words("ratios", "said")


def _known_near(ratio: Fraction) -> Fraction:
    """The usual ratio that some pixels are nearly: 1366x768 is 16:9."""
    usual = (Fraction(*map(int, one.split(":"))) for one in table("ratios")["known"])
    return next((one for one in usual if abs(one / ratio - 1) <= _CLOSE), ratio)
