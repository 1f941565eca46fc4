"""Deploys a cloud assembly with plain CloudFormation calls: assets to S3, then each stack, in about a second."""

from __future__ import annotations

import compileall
import io
import json
import py_compile
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.cloud_assembly import Asset, CloudAssembly, Stack


class DeploymentFailed(Exception):
    """A stack did not come up; the text names the resources and their reasons."""


def deploy(
    assembly: CloudAssembly, client: Callable[[str], Any], parameters: Mapping[str, str], packages: Path
) -> tuple[str, ...]:
    """Create or update every stack of `assembly`, and return their names.

    Of `parameters` each stack gets those that its template declares. Zips of the assets are kept in `packages`, by the
    hash in their key. Raises DeploymentFailed.
    """
    account = client("sts").get_caller_identity()["Account"]
    region = client("sts").meta.region_name
    s3, cloudformation, ssm = client("s3"), client("cloudformation"), client("ssm")
    # The template checks this version of the CDK's bootstrap, as it does on AWS.
    ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True)
    for stack in assembly.stacks:
        for asset in stack.assets:
            bucket = asset.bucket.replace("${AWS::AccountId}", account).replace("${AWS::Region}", region)
            _upload(s3, bucket, asset, packages)
        _apply(cloudformation, stack, parameters)
    return tuple(stack.name for stack in assembly.stacks)


def _upload(s3: Any, bucket: str, asset: Asset, packages: Path) -> None:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    body = _package(asset, packages) if asset.is_directory else asset.path
    with body.open("rb") as content:
        s3.put_object(Bucket=bucket, Key=asset.key, Body=content)


def _package(asset: Asset, packages: Path) -> Path:
    """Zip a directory, with its modules compiled for this interpreter.

    A Lambda here starts from an unpacked zip in a fresh folder, so what is not compiled in advance is compiled at
    every cold start; checked by nothing, because unpacking changes the time that Python would check.
    """
    package = packages / asset.key
    if package.exists():
        return package
    packages.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=packages) as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(asset.path, tree)
        compileall.compile_dir(
            tree, quiet=2, stripdir=str(tree), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(tree.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(tree))
        unfinished = Path(folder) / "zip"
        unfinished.write_bytes(packed.getvalue())
        unfinished.rename(package)
    return package


def _apply(cloudformation: Any, stack: Stack, parameters: Mapping[str, str]) -> None:
    template = stack.template.read_text()
    declared = json.loads(template).get("Parameters", {})
    request = {
        "StackName": stack.name,
        "TemplateBody": template,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items() if key in declared
        ],
    }
    try:
        if _status(cloudformation, stack.name) is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise
    deadline = time.monotonic() + 120
    while (status := _status(cloudformation, stack.name) or "").endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentFailed(f"{stack.name} is {status}:\n" + "\n".join(_failures(cloudformation, stack.name)))


def _status(cloudformation: Any, name: str) -> str | None:
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except ClientError:
        return None


def _failures(cloudformation: Any, name: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    ]
