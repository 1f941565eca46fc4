"""docs/webhooks.md says what is so: its example verifies what we send, its types are ours."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from offpeak.events.model import EventKind
from offpeak.webhooks.sign import signature

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


def verify(header: str, body: bytes, secret: str) -> bool:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    module: dict[str, Any] = {}
    exec(example, module)
    return bool(module["is_from_offpeak"](header, body, secret))


def test_the_example_takes_what_we_send_now_by_either_secret_and_nothing_else() -> None:
    now_s = int(time.time())
    header = signature(["new", "old"], b"{}", now_s)
    assert verify(header, b"{}", "new")
    assert verify(header, b"{}", "old")
    assert not verify(header, b"{ }", "new")
    assert not verify(header, b"{}", "other")
    assert not verify(signature(["new"], b"{}", now_s - 400), b"{}", "new")
    assert not verify(signature(["new"], b"{}", now_s + 400), b"{}", "new")
    for nonsense in ("", "t=", "v1=", "t=x,v1=y", "t=1,t=2", "t=-1", "=,=", "t=²,v1=é"):
        assert not verify(nonsense, b"{}", "new")


def test_every_type_of_event_is_told_of() -> None:
    assert [kind.value for kind in EventKind if f"`{kind.value}`" not in GUIDE] == []
