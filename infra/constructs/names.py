"""Names of the house (plan_sessions) in the spelling of CloudFormation (PlanSessions)."""

from __future__ import annotations


def pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
