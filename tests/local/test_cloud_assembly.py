"""Synthesis and deployment of the local target, shown with a small application in place of Offpeak's."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.cloud_assembly import STAND_INS, SynthesisFailed, synthesise
from local.cloud_deploy import DeploymentFailed, deploy
from local.cloud_server import CloudServer

MakeApp = Callable[..., Path]

APP = """
import json, os, pathlib

out, context = pathlib.Path(os.environ["CDK_OUTDIR"]), json.loads(os.environ["CDK_CONTEXT_JSON"])
(out / "asset.code").mkdir()
(out / "asset.code" / "code.py").write_text("answer = 42")
stack = {"type": "aws:cloudformation:stack"}
manifest = {
    "Service": {
        **stack,
        "dependencies": ["Data", "Service.assets"],
        "properties": {"templateFile": "Service.json", "stackName": "Service-OWN"},
    },
    "Data": {
        **stack,
        "dependencies": ["Data.assets"],
        "properties": {"templateFile": "Data.json", "stackName": "Data-OWN"},
    },
    "Tree": {"type": "cdk:tree"},
}
(out / "manifest.json").write_text(json.dumps({"artifacts": manifest}))
file = {
    "source": {"path": "asset.code", "packaging": "zip"},
    "destinations": {"here": {"bucketName": "assets-${AWS::AccountId}-${AWS::Region}", "objectKey": "KEY.zip"}},
}
for name in ("Data", "Service"):
    (out / f"{name}.assets.json").write_text(json.dumps({"files": {"code": file}}))
resources = {
    "Data": {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": PROPERTIES}},
    "Service": {"Topic": {"Type": "AWS::SNS::Topic"}},
}
for name, its in resources.items():
    (out / f"{name}.json").write_text(json.dumps({"Resources": its}))
"""


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    """A factory of applications with two stacks; the Data stack keeps `value` in a parameter."""
    own = secrets.token_hex(4)

    def make(value: str = "1", name: str | None = None) -> Path:
        project = tmp_path / "project"
        project.mkdir(exist_ok=True)
        properties = {"Name": name or secrets.token_hex(4), "Type": "String", "Value": value}
        app = APP.replace("PROPERTIES", repr(properties)).replace("KEY", secrets.token_hex(8)).replace("OWN", own)
        (project / "app.py").write_text(app)
        return project

    return make


def test_stacks_come_after_those_they_depend_on(make_app: MakeApp, tmp_path: Path) -> None:
    assembly = synthesise(tmp_path / "kept", make_app())
    assert [stack.name.partition("-")[0] for stack in assembly.stacks] == ["Data", "Service"]


def test_an_unchanged_application_is_synthesised_once(make_app: MakeApp, tmp_path: Path) -> None:
    project = make_app()
    first = synthesise(tmp_path / "kept", project)
    (first.directory / "seen").touch()
    assert (synthesise(tmp_path / "kept", project).directory / "seen").exists()


@pytest.mark.parametrize("source", ["app.py", "infra/stacks.py", "functions/a.py", "layers/a/b.py", "requirements.txt"])
def test_a_change_of_any_source_is_synthesised(make_app: MakeApp, tmp_path: Path, source: str) -> None:
    project = make_app()
    before = synthesise(tmp_path / "kept", project)
    (project / source).parent.mkdir(parents=True, exist_ok=True)
    with (project / source).open("a") as changed:
        changed.write("\n")
    assert synthesise(tmp_path / "kept", project).directory != before.directory


def test_an_application_that_fails_is_not_kept_and_says_why(make_app: MakeApp, tmp_path: Path) -> None:
    project = make_app()
    (project / "app.py").write_text("raise SystemExit('functions/nowhere.py: there is no such file')")
    for _ in range(2):
        with pytest.raises(SynthesisFailed, match="there is no such file"):
            synthesise(tmp_path / "kept", project)


def test_without_node_synthesis_says_what_to_install(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SynthesisFailed, match=r"Install Node\.js"):
        synthesise(tmp_path / "kept", make_app())


def _parameter(server: CloudServer, name: str) -> Any:
    return server.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]


def test_deployment_puts_addresses_in_and_updates_what_has_changed(
    make_app: MakeApp, tmp_path: Path, embedded_aws: CloudServer
) -> None:
    name, stand_in = secrets.token_hex(4), STAND_INS["base_url"]
    addresses = {stand_in: "http://127.0.0.1:4600"}

    def deploy_with(value: str) -> Any:
        project = make_app(value, name=name)
        deploy(synthesise(tmp_path / "kept", project), embedded_aws.client, addresses, tmp_path / "packages")
        return _parameter(embedded_aws, name)

    assert deploy_with(f"{stand_in}/ocpi") == "http://127.0.0.1:4600/ocpi"
    assert deploy_with("changed") == "changed"
    assert deploy_with("changed") == "changed"


def test_a_stack_that_does_not_come_up_names_the_resource(
    make_app: MakeApp, tmp_path: Path, embedded_aws: CloudServer
) -> None:
    topic, alarm = '{"Type": "AWS::SNS::Topic"}', '{"Type": "AWS::CloudWatch::Alarm"}'
    project = make_app()
    app = (project / "app.py").read_text()
    (project / "app.py").write_text(app.replace(topic, alarm))
    with pytest.raises(DeploymentFailed, match=r"Topic \(AWS::CloudWatch::Alarm\): .*required"):
        deploy(synthesise(tmp_path / "kept", project), embedded_aws.client, {}, tmp_path / "packages")


def test_a_template_that_is_none_says_why(make_app: MakeApp, tmp_path: Path, embedded_aws: CloudServer) -> None:
    project = make_app()
    app = (project / "app.py").read_text()
    (project / "app.py").write_text(app.replace("AWS::SNS::Topic", "AWS::Nothing::There"))
    with pytest.raises(DeploymentFailed, match="AWS::Nothing::There"):
        deploy(synthesise(tmp_path / "kept", project), embedded_aws.client, {}, tmp_path / "packages")


def test_modules_are_packed_with_what_the_interpreter_makes_of_them(
    make_app: MakeApp, tmp_path: Path, embedded_aws: CloudServer
) -> None:
    deploy(synthesise(tmp_path / "kept", make_app()), embedded_aws.client, {}, tmp_path / "packages")
    [package] = (tmp_path / "packages").iterdir()
    names = zipfile.ZipFile(package).namelist()
    assert "code.py" in names
    assert any(name.startswith("__pycache__/code.") for name in names)
