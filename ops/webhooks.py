"""The command that shows webhooks: those that are paused, or all of one tenant."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ops.asking import ask
from ops.deployed import Deployed


def add_commands(command: Callable[..., Any]) -> None:
    shown = command("webhooks", show, "show the webhooks that are paused, or all of a tenant")
    shown.add_argument("--tenant", help="show how all of this tenant's webhooks go")


def show(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    asked = {"tenant_id": chosen.tenant} if chosen.tenant else {}
    webhooks = ask(offpeak, "ops_webhooks", **asked)["webhooks"]
    for each in webhooks:
        print(webhook_line(each))
    if not webhooks:
        print(f"{chosen.tenant} has no webhooks" if chosen.tenant else "No webhook is paused.")


def webhook_line(webhook: dict[str, Any]) -> str:
    """Return a webhook in one line."""
    told = [f"{webhook['tenant_id']:<20} {webhook['webhook_id']:<28} {webhook['state']:<8}"]
    if webhook["since"]:
        told.append(f"since {webhook['since'][:16]}Z, {webhook['failures']} failures: {webhook['reason']}")
    return " ".join(told).rstrip()
