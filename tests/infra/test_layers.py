"""Wheels for Lambda's platform are laid without Docker, once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.constructs.layers import Platform, lay
from tests.infra.stacks import Stacks, of_type

AARCH64 = 183
"""e_machine of an ELF file (ELF for the Arm 64-bit Architecture)."""


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text("jmespath==1.1.0\n")
    return file


def test_a_requirement_is_laid_once_and_found_again(requirements: Path, tmp_path: Path) -> None:
    first = lay(requirements, Platform.of_lambda(), tmp_path / "build")
    (first / "python" / "left_from_the_first_time").touch()
    began_at = time.monotonic()
    again = lay(requirements, Platform.of_lambda(), tmp_path / "build")

    assert (first / "python" / "jmespath" / "__init__.py").exists()
    assert again == first
    assert (again / "python" / "left_from_the_first_time").exists()
    assert time.monotonic() - began_at < 0.1


def test_other_requirements_or_another_platform_are_laid_apart(requirements: Path, tmp_path: Path) -> None:
    build = tmp_path / "build"
    folders = {lay(requirements, Platform.of_lambda(), build), lay(requirements, Platform.of_this_machine(), build)}
    requirements.write_text("jmespath==1.0.1\n")
    folders.add(lay(requirements, Platform.of_lambda(), build))
    assert len(folders) == 3


def test_what_has_no_wheel_leaves_nothing_behind(requirements: Path, tmp_path: Path) -> None:
    requirements.write_text("./no-such-package\n")
    with pytest.raises(subprocess.CalledProcessError):
        lay(requirements, Platform.of_lambda(), tmp_path / "build")
    assert list((tmp_path / "build").iterdir()) == []


def layer(assembly: Path, stacks: Stacks, name: str) -> Path:
    (found,) = (
        each["Metadata"]["aws:asset:path"]
        for logical_id, each in of_type(stacks.service, "AWS::Lambda::LayerVersion").items()
        if logical_id.startswith(f"Layers{name}")
    )
    return assembly / str(found)


def test_the_dependencies_are_compiled_for_arm64_and_python_3_13(assembly: Path, qa: Stacks) -> None:
    compiled = list(layer(assembly, qa, "Dependencies").rglob("*.so"))
    assert compiled
    assert {int.from_bytes(path.read_bytes()[18:20], "little") for path in compiled} == {AARCH64}
    # One that keeps to Python's stable ABI works on every version from its own on.
    assert all("cpython-313-" in path.name or ".abi3." in path.name for path in compiled)


def test_the_runtime_s_own_boto3_is_not_shipped(assembly: Path, qa: Stacks) -> None:
    shipped = {path.name for path in (layer(assembly, qa, "Dependencies") / "python").iterdir()}
    assert {"pydantic", "httpx", "aws_lambda_powertools"} <= shipped
    assert not {"boto3", "botocore"} & shipped


def test_the_code_s_layer_holds_sources_only(assembly: Path, qa: Stacks) -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(PROJECT_LAYER / "errors.py")], check=True)
    folder = layer(assembly, qa, "Offpeak")
    assert (folder / "python" / "offpeak" / "wiring.py").exists()
    assert [path for path in folder.rglob("*") if path.name == "__pycache__" or path.suffix == ".pyc"] == []


PROJECT_LAYER = Path(__file__).parents[2] / "layers" / "offpeak" / "python" / "offpeak"
