"""Words put into a prompt, taken out of it and exchanged, so that what is left still reads well."""

import re
import unicodedata

_ARTICLE = r"(?:a|an|the|some|any|his|her|their|its|my|our|your|one|two|three|many|several)\s+"
_ENDS = r"(?=\s*[.,;:!?]|\s*$|\s+(?:and|with|in|at|on|while|as|during|under|near|by|behind|beside)\b)"
_LONG = 500
"""Characters: a prompt as long may be cut at its end, so what is added goes first."""


def holds(text: str, words: str) -> bool:
    """Whether the words stand in the text, in any capitals, hyphened or not."""
    return words.casefold().replace("-", " ") in text.casefold().replace("-", " ")


def sentence(words: str) -> str:
    """With a capital, and a full stop after a letter, a number or a bracket; nothing stays nothing."""
    if not words:
        return ""
    first = words[0].upper() if words[0].isascii() else words[0]
    kind = unicodedata.category(words[-1])
    return first + words[1:] + ("." if kind[0] in "LMN" or kind == "Pe" else "")


def joined(*parts: str) -> str:
    """The parts as sentences of one text; a single one is left as it is."""
    filled = [part for part in (part.strip() for part in parts) if part]
    return " ".join(map(sentence, filled)) if len(filled) > 1 else "".join(filled)


def added(text: str, words: str) -> str:
    """The text with one more sentence, unless it says so already: at its end, or first where the text is long."""
    if holds(text, words):
        return text
    return joined(words, text) if len(text) > _LONG else joined(text, words)


def without(text: str, words: str) -> str:
    """The text without these words, where they are a part that can be left out: `with a dog`, `, a dog`, `A dog.`

    Unchanged where something would be left hanging.
    """
    thing = _thing(words)
    if not thing:
        return text
    named = rf"(?:{_ARTICLE})?(?:[\w-]+\s+)?{thing}"
    strict = rf"(?:{_ARTICLE}(?:[\w-]+\s+)?)?{thing}"
    begins = r"(?:(?<=^)|(?<=[.!?;]\s))"
    ways = (
        rf"{begins}{named}\s*(?:[.!?;]\s*|$)",
        rf"{begins}{strict}\s+and\s+",
        rf"(?<!\s)(?:\s*,)?\s+(?:and|with|plus|or|as well as)\s+{strict}{_ENDS}",
        rf"(?<!\s)\s*,\s*{named}(?=\s*[,.;!?]|\s*$)",
        rf"{begins}{thing}\s*,\s*",
    )
    left = (re.sub(way, "", text, flags=re.IGNORECASE) for way in ways)
    return next((_mended(each, text) for each in left if each != text), text)


def exchanged(text: str, old: str, new: str) -> str:
    """The text with `new` wherever `old` stands as whole words; unchanged where it does not."""
    thing = _thing(old)
    instead = bare_thing(new)
    if not thing or not instead:
        return text
    article = "an" if instead[0].lower() in "aeiou" else "a"
    pattern = re.compile(rf"\b(?:(an?)\s+)?{thing}", re.IGNORECASE)
    return pattern.sub(lambda found: f"{_like(found[1], article)} {instead}" if found[1] else instead, text)


def bare_thing(words: str) -> str:
    """Words without their article: `the red car` is `red car`."""
    return re.sub(rf"^{_ARTICLE}", "", words.strip(), flags=re.IGNORECASE)


def _thing(words: str) -> str:
    """A pattern of the words without their article, singular or plural, with the camera command beside them."""
    spaced = r"\s+".join(map(re.escape, bare_thing(words).split()))
    return rf"(?<!\w){spaced}(?:s|es)?(?!\w)(?:\s*\[[^\]]*\])?" if spaced else ""


def _like(found: str, article: str) -> str:
    return article.capitalize() if found[0].isupper() else article


def _mended(left: str, whole: str) -> str:
    tidy = re.sub(r"(?<!\s)\s+([.,;!?])", r"\1", re.sub(r"[ \t]{2,}", " ", left)).strip(" ,;")
    return tidy[:1].upper() + tidy[1:] if whole[:1].isupper() else tidy
