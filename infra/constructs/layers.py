"""The two layers of every function: Offpeak itself, and what it depends on, laid without Docker."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

PROJECT = Path(__file__).parents[2]
REQUIREMENTS = PROJECT / "layers" / "dependencies" / "requirements.txt"
BUILD = PROJECT / "build" / "dependencies"

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


@dataclass(frozen=True, slots=True)
class Platform:
    """Whom the wheels are for: the arguments by which uv picks them."""

    name: str
    options: tuple[str, ...]

    @classmethod
    def of_lambda(cls) -> Platform:
        return cls(
            "lambda-arm64-3.13",
            ("--python-platform", "aarch64-manylinux2014", "--python-version", "3.13", "--only-binary", ":all:"),
        )

    @classmethod
    def of_this_machine(cls) -> Platform:
        """The embedded cloud runs functions on the interpreter that it runs on itself."""
        return cls(f"{sys.platform}-{platform.machine()}-{platform.python_version()}", ("--python", sys.executable))


class Layers(Construct):
    """`both`, in the order that the functions list them."""

    def __init__(self, scope: Construct, name: str, *, wheels_for: Platform) -> None:
        super().__init__(scope, name)
        laid = lay(REQUIREMENTS, wheels_for)
        dependencies = self._layer(
            "Dependencies",
            # The folder's name says all that decides its content; reading its thousands of files would say no more.
            lambda_.Code.from_asset(str(laid), asset_hash_type=AssetHashType.CUSTOM, asset_hash=laid.name),
        )
        offpeak = self._layer(
            "Offpeak",
            lambda_.Code.from_asset(str(PROJECT / "layers" / "offpeak"), exclude=["**/__pycache__", "**/*.pyc"]),
        )
        self.both: list[lambda_.ILayerVersion] = [dependencies, offpeak]

    def _layer(self, name: str, code: lambda_.Code) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self, name, code=code, compatible_runtimes=[RUNTIME], compatible_architectures=[ARCHITECTURE]
        )


def lay(requirements: Path, wheels_for: Platform, build: Path = BUILD) -> Path:
    """Return a folder with the wheels of `requirements` under python/, laid on first use and kept by its key.

    Raises subprocess.CalledProcessError when a requirement has no wheel for the platform.
    """
    key = hashlib.sha256(f"{wheels_for.name}\n{requirements.read_text()}".encode()).hexdigest()[:32]
    folder = build / key
    if folder.exists():
        return folder
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=build) as unfinished:
        laid = Path(unfinished) / "layer"
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", *wheels_for.options]
        subprocess.run([*install, "--target", str(laid / "python"), "-r", str(requirements)], check=True)  # noqa: S603
        with suppress(OSError):  # raised where another synthesis has laid the same meanwhile
            laid.rename(folder)
    return folder
