"""What a REQUEST authoriser answers API Gateway: a policy, and what the functions are told of the caller. Pure.

In a policy `*` stands for slashes too, and a caller writes his own paths: `*/v1/*` would let /ocpi/emsp/2.2.1/sessions/
v1/x pass. So each method is named, and the path from its first segment on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""All that routes have."""

ANY_VERSION = "?.?*"
"""In a policy: whatever version a path has. Which of them we speak is the function's to say, in OCPI's words."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """Where the API is that is asked: its ARN, its stage, and what stands before every path ("" or "/api")."""

    api_arn: str
    stage: str
    prefix: str = ""


def deployed_at(method_arn: str, prefix: str) -> Deployed:
    """Return where a method of that ARN is."""
    api_arn, stage = method_arn.split("/")[:2]
    return Deployed(api_arn, stage, prefix)


def allowing(
    who: str, deployed: Deployed, paths: Iterable[str], told: Mapping[str, str], usage_key: str | None
) -> dict[str, object]:
    """Let a caller use `paths`, as routes write them; a path that ends in a slash stands for all below it.

    `told` is what functions learn of the caller: API Gateway hands on plain values only. It throttles by `usage_key`.
    """
    written = [f"{path}*" if path.endswith("/") else path.replace("{version}", ANY_VERSION) for path in paths]
    resources = [
        f"{deployed.api_arn}/{deployed.stage}/{method}{deployed.prefix}{path}" for path in written for method in METHODS
    ]
    answer = {**_policy(who, "Allow", resources), "context": dict(told)}
    return answer if usage_key is None else {**answer, "usageIdentifierKey": usage_key}


def denying(method_arn: str) -> dict[str, object]:
    """Make API Gateway answer 403."""
    return _policy("nobody", "Deny", [method_arn])


def _policy(who: str, effect: str, resources: list[str]) -> dict[str, object]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resources}
    return {"principalId": who, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
