"""The page of results: what is measured anew takes its old place, and nothing else is touched."""

from bench.report import BY_HAND, Section, merged, page


def _page(*titles: str, remark: str) -> str:
    sections = [Section(title=title, remark=remark, figures=()) for title in titles]
    return page("python -m bench", ["here"], sections)


def test_a_section_taken_anew_stands_where_it_stood() -> None:
    old = _page("One", "Two", BY_HAND, remark="before")
    new = merged(old, _page("One", "Three", remark="after"))
    assert [line for line in new.splitlines() if line[:2] in ("# ", "##") or line in ("before", "after")] == [
        *("# Results", "## One", "after", "## Two", "before", "## Three", "after"),
        *(f"## {BY_HAND}", "before"),
    ]
    assert merged(new, _page("One", "Three", remark="after")) == new
