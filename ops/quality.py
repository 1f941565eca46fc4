"""A partner's day as text that can be sent to its CPO, from what the function ops_partners answers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

HEADINGS = {
    "fix": "To be changed",
    "better": "Would be better",
    "good": "Good",
    "nothing": "Nothing to say about",
}
WIDTH = 110


def quality_text(shown: Mapping[str, Any]) -> str:
    """Return a paragraph for each finding, what is to be changed first, then the refused objects."""
    return "\n".join(_lines(shown))


def _lines(shown: Mapping[str, Any]) -> Iterator[str]:
    yield f"{shown['partner_id']} on {shown['day']} (UTC)"
    for verdict, heading in HEADINGS.items():
        found = [each for each in shown["findings"] if each["verdict"] == verdict]
        if found:
            yield ""
            yield heading
        for finding in found:
            yield from _wrapped(f"{finding['about']}: {finding['told']}", "  - ")
            if finding.get("to_do"):
                yield from _wrapped(finding["to_do"], "    -> ")
            if finding.get("example"):
                yield f"       e.g. {finding['example']}"
    if shown["refused_samples"]:
        yield ""
        yield "Refused objects, one of each kind; values that may be secret or personal are taken out"
    for sample in shown["refused_samples"]:
        yield f"  {sample['at']} {sample['call']}: {sample['field'] or 'body'}: {sample['problem']}"
        yield f"       {sample['excerpt']}"


def _wrapped(text: str, mark: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False)
