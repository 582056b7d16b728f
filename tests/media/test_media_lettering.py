"""Text from outside is made drawable, and fits."""

import pytest

from media.lettering import MISSING, _font, panel, plain, wrapped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A café über Ålesund", "A cafe uber Alesund"),
        ("日本 Ж", f"{MISSING}{MISSING} {MISSING}"),
        ("a \u2014 b \u2013 c", "a - b - c"),
        ("tab\tnbsp\u00a0thin\u2009end", "tab nbsp thin end"),
        ("\u202eRTL\u202c zero\u200bwidth\ufeff", "RTL zerowidth"),
        ("bell\x07 esc\x1b[0m", "bell esc[0m"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\ud800", MISSING),
        ("🎬", MISSING),
        ("e" + "\u0301" * 500, "e"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_no_line_is_wider_than_asked() -> None:
    font = _font(14)
    text = ["many words " * 50, "one" * 200, "short", "line one\nline two", ""]
    lines = list(wrapped(text, font, 200))
    assert max(font.getlength(line) for line in lines) <= 200
    assert "".join(lines).replace(" ", "") == "".join(text).replace(" ", "").replace("\n", "")


def test_a_letter_wider_than_the_line_still_ends() -> None:
    assert list(wrapped(["abc"], _font(40), 1)) == ["a", "b", "c"]


@pytest.mark.parametrize("size", [(8, 8), (12, 300), (300, 12), (1024, 500)])
def test_a_panel_of_any_size(size: tuple[int, int]) -> None:
    image = panel(*size, "MOCK", ["a prompt " * 100])
    assert image.size == size
    assert image.mode == "L"
