"""docs/integration.md and docs/apps.md, run as they stand: the shell blocks of each in one shell, each answer against
the one that is shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.background import PROJECT
from local.cloud_server import REGION
from tests.e2e.scene import Scene

CPOS = PROJECT / "docs" / "integration.md"
APPS = PROJECT / "docs" / "apps.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "=== block"
LONGEST_S = 120


@dataclass(frozen=True)
class Step:
    """A block that is run, where it begins in the guide, and the answer that the guide shows for it."""

    line: int
    script: str
    shown: Any = None


def steps(guide: Path) -> Iterator[Step]:
    """Yield a guide's shell blocks, each with the JSON block that follows it, if one does."""
    text = guide.read_text()
    blocks = [(each[1], each[2], text.count("\n", 0, each.start()) + 1) for each in BLOCK.finditer(text)]
    for (kind, script, line), (next_kind, following, _) in zip(blocks, [*blocks[1:], ("", "", 0)], strict=True):
        if kind == "sh":
            yield Step(line, script, json.loads(following) if next_kind == "json" else None)


def test_the_integration_guide_works_as_it_stands(scene: Scene, tmp_path: Path) -> None:
    """C1, C3, C6, S1, S5, P1, P9, T1"""
    scene.cloud.clock.set(datetime.now(UTC), speed=1)
    _check(CPOS, scene, tmp_path)


def test_the_apps_guide_works_as_it_stands(scene: Scene, tmp_path: Path) -> None:
    settings = {"name": "Simulated CPO", "parties": ["DE-SIM"]}
    scene.cloud.invoke("ops_partners", {"action": "invite", "partner_id": "sim", "settings": settings})
    said = _check(APPS, scene, tmp_path)
    assert said[-2:] == ["CREATED", "RUNNING"]


def _check(guide: Path, scene: Scene, folder: Path) -> list[str]:
    """Run a guide, and hold what is answered against what it shows; return each block's last line of output."""
    all_steps = list(steps(guide))
    said, last_lines = _run(all_steps, scene, folder), []
    for step in all_steps:
        output = said.get(step.line)
        assert output is not None, f"line {step.line} of the guide was not reached"
        last_lines += output.strip().splitlines()[-1:]
        if step.shown is not None:
            answered = json.loads(last_lines[-1].replace("}{", "}\n{").splitlines()[-1])
            assert _shape(answered) == _shape(step.shown), f"line {step.line} of the guide: {output}"
            scene.stage.tokens |= set(_tokens(answered))
    return last_lines


def _run(guide: list[Step], scene: Scene, folder: Path) -> dict[int, str]:
    """Run all blocks in one shell, in a folder from where the operators' command works on the test's cloud; return what
    each has printed, by its line."""
    (folder / "ops").symlink_to(PROJECT / "ops")
    (folder / ".local").mkdir()
    cloud = {"endpoint_url": scene.cloud.server.url, "region": REGION}
    (folder / ".local" / "cloud.json").write_text(json.dumps(cloud))
    script = "".join(f"echo; echo '{MARK} {step.line}'\n{step.script}" for step in guide)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(folder),
            "OPERATOR_URL": scene.cloud.deployed.operator_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
        },
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    parts = re.split(rf"\n{MARK} (\d+)\n", done.stdout)
    assert done.returncode == 0, f"at line {parts[-2]} of the guide: {parts[-1]}\n{done.stderr}"
    return {int(line): output for line, output in zip(parts[1::2], parts[2::2], strict=True)}


def _shape(value: Any, name: str = "") -> Any:
    """What must be the same wherever the guide is run: names, kinds and codes; of a list what its items have."""
    if isinstance(value, dict):
        return {key: _shape(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    if name in ("status_code", "status_message", "result", "identifier", "expires_in"):
        return value
    return "number" if isinstance(value, int | float) else "text"


def _tokens(answer: Any) -> Iterator[str]:
    """Yield what in an answer opens something: no log may hold it."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name in ("token_a", "token", "access_token"):
                yield value
            else:
                yield from _tokens(value)
