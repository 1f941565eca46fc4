"""The cloud assembly: what synthesis makes of app.py for the local target. Made again only when its sources change."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.background import PROJECT

SOURCES = ("app.py", "cdk.json", "infra", "functions", "layers", "requirements.txt")
REST_API_ID, OPERATOR_API_ID = "offpeak", "offpeakops"
CREATED = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
STAND_INS = {
    "base_url": "http://base-url.invalid",
    "operator_url": "http://operator-url.invalid",
    "price_feed_url": "http://price-feed.invalid",
    "simulated_clock_file": "/simulated-clock.invalid",
}
"""What the template says in place of addresses that are known only once a server runs; deployment puts those in, so
that one synthesis serves every run."""


class SynthesisFailed(Exception):
    """The template could not be made; the text says what a person can do about it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A directory or file that a stack refers to by bucket and key (which may hold ${AWS::...} placeholders)."""

    path: Path
    is_directory: bool
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Stack:
    name: str
    template: Path
    assets: tuple[Asset, ...]


@dataclass(frozen=True, slots=True)
class CloudAssembly:
    """A synthesised application on disk."""

    directory: Path

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The stacks, each after those it depends on."""
        artifacts = json.loads((self.directory / "manifest.json").read_text())["artifacts"]
        stacks = {name: each for name, each in artifacts.items() if each["type"] == "aws:cloudformation:stack"}
        ordered: list[str] = []
        while len(ordered) < len(stacks):
            ordered += [
                name
                for name, stack in stacks.items()
                if name not in ordered
                and all(needed in ordered for needed in stack["dependencies"] if needed in stacks)
            ]
        return tuple(self._stack(name, stacks[name]["properties"]) for name in ordered)

    def _stack(self, name: str, properties: dict[str, Any]) -> Stack:
        manifest = json.loads((self.directory / f"{name}.assets.json").read_text())
        assets = [
            Asset(
                path=self.directory / file["source"]["path"],
                is_directory=file["source"]["packaging"] == "zip",
                bucket=destination["bucketName"],
                key=destination["objectKey"],
            )
            for file in manifest["files"].values()
            for destination in file["destinations"].values()
        ]
        return Stack(properties.get("stackName", name), self.directory / properties["templateFile"], tuple(assets))


def synthesise(kept_in: Path, project: Path = PROJECT) -> CloudAssembly:
    """Return the assembly of the local target, from `kept_in` where the sources have not changed since (about 10 ms;
    else 5 to 15 s). Raises SynthesisFailed.
    """
    directory = kept_in / fingerprint(project)
    if not directory.exists():
        _forget_old_ones(kept_in)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=kept_in))
        _run_app(project, unfinished)
        try:
            unfinished.rename(directory)
        except OSError:  # another process has made the same meanwhile
            shutil.rmtree(unfinished)
    return CloudAssembly(directory)


def table_shapes(kept_in: Path, project: Path = PROJECT) -> dict[str, Any]:
    """Return what CreateTable needs for each table of the Data stack, by the table's name in the house.

    Kept until infra/ changes, so that a change of the code alone costs no synthesis.
    """
    kept = kept_in / f"tables-{fingerprint(project, ('app.py', 'infra', 'requirements.txt'))}.json"
    if not kept.exists():
        template = json.loads(synthesise(kept_in, project).stacks[0].template.read_text())
        shapes = {
            _house_name(logical_id): {key: each for key, each in resource["Properties"].items() if key in CREATED}
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == "AWS::DynamoDB::Table"
        }
        unfinished = kept_in / f"{kept.name}-{os.getpid()}"
        unfinished.write_text(json.dumps(shapes))
        unfinished.rename(kept)
    return dict(json.loads(kept.read_text()))


def _house_name(logical_id: str) -> str:
    """ProfileRequestsTable4A6DFC4E is profile_requests here."""
    words = re.findall(r"[A-Z][a-z]+", logical_id.rpartition("Table")[0])
    return "_".join(words).lower()


def _forget_old_ones(kept_in: Path) -> None:
    """Remove assemblies of yesterday; younger ones may be in use by another run."""
    kept_in.mkdir(parents=True, exist_ok=True)
    for each in kept_in.iterdir():
        if each.is_dir() and time.time() - each.stat().st_mtime > 24 * 3600:
            shutil.rmtree(each, ignore_errors=True)


def fingerprint(project: Path, sources: Sequence[str] = SOURCES) -> str:
    """Return a hash over every source of the template and of the code that it deploys."""
    digest = hashlib.sha256(sys.version.encode())
    for source in sources:
        root = project / source
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(project)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _run_app(project: Path, output: Path) -> None:
    if shutil.which("node") is None:
        raise SynthesisFailed("Node.js is missing: the CDK needs it to make the template. Install Node.js 20 or newer.")
    ids = {"rest_api_id": REST_API_ID, "operator_api_id": OPERATOR_API_ID}
    context = {"stage": "local", "target": "local", **ids, **STAND_INS}
    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=project,
        env={
            **os.environ,
            "CDK_OUTDIR": str(output),
            "CDK_CONTEXT_JSON": json.dumps(context),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        shutil.rmtree(output, ignore_errors=True)
        said = [line for line in (run.stderr or run.stdout).splitlines() if not line.startswith("b'!!")]
        raise SynthesisFailed("The template could not be synthesised:\n" + "\n".join(said[-20:]))
