"""How long a text is as others count it."""


def utf16_units(text: str) -> int:
    """Its length in UTF-16 code units, as JavaScript and some vendors count; half a surrogate pair is one."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
