"""What operators' methods on an audit trail are for: the same wherever there is one."""

from __future__ import annotations

from offpeak.errors import InvalidMessage
from openapi import answers
from openapi.operation import Operation


def trail(path: str, what: str, *unknown: type[Exception]) -> dict[str, dict[str, Operation]]:
    """Return the operations on the trail, at a path, of changes to what is named; `unknown` is raised where that is
    none of ours."""
    return {
        path: {
            "GET": Operation(
                f"List who changed {what}", data=answers.AuditPage, raises=(*unknown, InvalidMessage), pages=True
            )
        },
        f"{path}/verification": {
            "GET": Operation(
                f"Check that nobody tampered with the trail of {what}", data=answers.AuditVerdict, raises=unknown
            )
        },
    }
