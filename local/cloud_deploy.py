"""Deploys a cloud assembly with plain CloudFormation calls: assets to S3, then each stack, in about a second."""

from __future__ import annotations

import compileall
import io
import py_compile
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.cloud_assembly import Asset, CloudAssembly

KEPT_S = 7 * 24 * 3600
"""How long a package stays that nothing uses."""


class DeploymentFailed(Exception):
    """A stack did not come up; the text names the resources and their reasons."""


def deploy(assembly: CloudAssembly, client: Callable[[str], Any], addresses: Mapping[str, str], packages: Path) -> None:
    """Create or update every stack of `assembly`.

    `addresses` maps the stand-ins of the template to what they stand for. Zips of the assets are kept in `packages`, by
    the hash in their key. Raises DeploymentFailed.
    """
    account = client("sts").get_caller_identity()["Account"]
    s3, cloudformation = client("s3"), client("cloudformation")
    _forget_unused(packages)
    for stack in assembly.stacks:
        for asset in stack.assets:
            bucket = asset.bucket.replace("${AWS::AccountId}", account).replace("${AWS::Region}", s3.meta.region_name)
            _upload(s3, bucket, asset, packages)
        template = stack.template.read_text()
        for stand_in, address in addresses.items():
            template = template.replace(stand_in, address)
        # A template of more than 50 KB comes from a bucket.
        s3.put_object(Bucket=bucket, Key=stack.template.name, Body=template.encode())
        _apply(cloudformation, stack.name, f"{s3.meta.endpoint_url}/{bucket}/{stack.template.name}")


def _forget_unused(packages: Path) -> None:
    packages.mkdir(parents=True, exist_ok=True)
    for each in packages.glob("*.zip"):
        if time.time() - each.stat().st_mtime > KEPT_S:
            each.unlink(missing_ok=True)


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
        package.touch()
        return package
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


def _apply(cloudformation: Any, name: str, template_url: str) -> None:
    request = {
        "StackName": name,
        "TemplateURL": template_url,
        "Capabilities": ["CAPABILITY_IAM"],
    }
    try:
        if _status(cloudformation, name) is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise DeploymentFailed(f"{name}: {error.response['Error']['Message'][:2000]}") from error
    deadline = time.monotonic() + 120
    while (status := _status(cloudformation, name) or "").endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentFailed(f"{name} is {status}:\n" + "\n".join(_failures(cloudformation, name)))


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
