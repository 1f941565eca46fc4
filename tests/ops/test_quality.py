"""A partner's day as text: what is to be changed first, with an example, and nothing left out."""

from __future__ import annotations

from typing import Any

from ops.quality import WIDTH, quality_text

SHOWN: dict[str, Any] = {
    "partner_id": "acme",
    "day": "2027-03-01",
    "findings": [
        {
            "about": "unit of energy",
            "verdict": "fix",
            "told": "3 messages seem to count in Wh.",
            "to_do": "Send kWh. " * 30,
            "example": '"kwh": 7.2',
        },
        {"about": "order", "verdict": "good", "told": "All in order."},
    ],
    "refused_samples": [
        {
            "at": "2027-03-01T12:00:00.000Z",
            "call": "PUT sessions",
            "field": None,
            "problem": "no JSON",
            "excerpt": "<9>",
        }
    ],
}


def test_what_is_to_be_changed_comes_with_what_to_do_and_an_example() -> None:
    lines = quality_text(SHOWN).splitlines()
    assert lines[0] == "acme on 2027-03-01 (UTC)"
    assert lines[2:5] == [
        "To be changed",
        "  - unit of energy: 3 messages seem to count in Wh.",
        "    -> Send kWh. Send kWh. Send kWh. Send kWh. Send kWh. Send kWh. Send kWh. Send kWh. Send kWh. Send kWh.",
    ]
    assert '       e.g. "kwh": 7.2' in lines
    assert lines.index("Good") > lines.index("To be changed")
    assert "Would be better" not in lines, "no heading without a finding"
    assert lines[-2:] == ["  2027-03-01T12:00:00.000Z PUT sessions: body: no JSON", "       <9>"]
    assert all(len(line) <= WIDTH for line in lines)


def test_a_day_without_refusals_has_no_heading_for_them() -> None:
    assert "Refused" not in quality_text({**SHOWN, "refused_samples": []})
