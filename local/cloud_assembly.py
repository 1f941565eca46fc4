"""The cloud assembly: what synthesis makes of app.py for the local target. Made again only when its sources change."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
SOURCES = ("app.py", "cdk.json", "infra", "functions", "layers", "requirements.txt")


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
        unfinished = kept_in / f"unfinished-{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _run_app(project, unfinished)
        older = [each for each in kept_in.iterdir() if each != unfinished]
        if not directory.exists():
            unfinished.rename(directory)
        for each in older:
            shutil.rmtree(each, ignore_errors=True)
    return CloudAssembly(directory)


def fingerprint(project: Path) -> str:
    """Return a hash over every source of the template and of the code that it deploys."""
    digest = hashlib.sha256(sys.version.encode())
    for source in SOURCES:
        root = project / source
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(project)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _run_app(project: Path, output: Path) -> None:
    if shutil.which("node") is None:
        raise SynthesisFailed("Node.js is missing: the CDK needs it to make the template. Install Node.js 20 or newer.")
    # What the CDK CLI would do: the context of cdk.json reaches the app through the environment.
    context = {**json.loads((project / "cdk.json").read_text()).get("context", {}), "target": "local"}
    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=project,
        env={
            **os.environ,
            "CDK_OUTDIR": str(output),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        shutil.rmtree(output, ignore_errors=True)
        raise SynthesisFailed(f"The template could not be synthesised:\n{(run.stderr or run.stdout)[-4000:]}")
