"""Each Lambda is made of its own file, and gets what it reads, no more."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Match

from infra import routes
from infra.constructs.function import Function, FunctionFileMissing, Tracing
from infra.synthesis import new_app
from tests.infra.stacks import Stacks, of_type

PROJECT = Path(__file__).parents[2]
FILES = {path.stem for path in (PROJECT / "functions").glob("*.py")} - {"__init__"}
ALWAYS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
LOCAL_ONLY = {"SIMULATED_CLOCK_FILE", "LOOPBACK_PEERS"}


def test_every_file_is_a_function_and_every_function_a_file(qa: Stacks) -> None:
    assert set(qa.functions) == FILES


def test_routes_queues_and_clocks_name_functions_that_exist(qa: Stacks) -> None:
    named = {each.function for each in (*routes.ROUTES, *routes.OPERATOR_ROUTES, *routes.WORKERS, *routes.CLOCKS)}
    assert named | {"authorise", "ops_partners", "ops_sessions", "ops_history", "ops_access", "ops_webhooks"} == set(
        qa.functions
    )


def test_a_function_runs_on_the_runtime_and_processor_that_its_layers_are_laid_for(qa: Stacks) -> None:
    qa.service_template.all_resources_properties(
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "Layers": [{"Ref": Match.any_value()}, {"Ref": Match.any_value()}],
            "TracingConfig": {"Mode": "Active"},
            "ReservedConcurrentExecutions": Match.absent(),
        },
    )


def test_no_function_behind_the_api_outlasts_the_29_seconds_of_api_gateway(qa: Stacks) -> None:
    behind_the_api = {route.function for route in (*routes.ROUTES, *routes.OPERATOR_ROUTES)} | {"authorise"}
    assert all(qa.functions[name]["Timeout"] < 29 for name in behind_the_api)


def test_whoever_brings_thousands_of_periods_is_given_nearly_as_long_as_api_gateway_allows(qa: Stacks) -> None:
    assert qa.functions["ocpi_sessions"]["Timeout"] == 25


def test_the_sweep_ends_before_the_next_begins(qa: Stacks) -> None:
    assert qa.functions["sweep_sessions"]["Timeout"] < 60


def test_a_function_logs_to_a_group_of_its_own_that_forgets(qa: Stacks) -> None:
    groups = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in qa.functions.values()]
    assert len(set(groups)) == len(FILES)
    qa.service_template.all_resources_properties("AWS::Logs::LogGroup", {"RetentionInDays": 30})


def test_stages_of_one_account_write_their_metrics_apart(qa: Stacks) -> None:
    names = {function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for function in qa.functions.values()}
    assert names == {"offpeak-qa"}


@pytest.mark.parametrize("function", sorted(FILES))
def test_a_function_has_the_variables_that_its_wiring_reads_and_no_other(qa: Stacks, function: str) -> None:
    deployed = set(qa.functions[function]["Environment"]["Variables"])
    assert deployed == (read_by(function) - LOCAL_ONLY) | ALWAYS


@pytest.mark.parametrize("function", sorted(FILES))
def test_on_a_laptop_a_function_may_also_know_the_simulated_clock_and_peers(
    qa: Stacks, qa_on_a_laptop: Stacks, function: str
) -> None:
    deployed = set(qa.functions[function]["Environment"]["Variables"])
    local = set(qa_on_a_laptop.functions[function]["Environment"]["Variables"])
    wanted = read_by(function) & LOCAL_ONLY
    assert wanted <= local - deployed <= LOCAL_ONLY


def read_by(function: str) -> set[str]:
    """Return the environment variables that a function file reads through offpeak.wiring, by reading both."""
    wiring = ast.parse((PROJECT / "layers" / "offpeak" / "python" / "offpeak" / "wiring.py").read_text())
    definitions = {node.name: node for node in wiring.body if isinstance(node, ast.FunctionDef)}
    source = ast.parse((PROJECT / "functions" / f"{function}.py").read_text())
    waiting = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "wiring"
    }
    seen: set[str] = set()
    variables: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for node in ast.walk(definitions[name]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isupper():
                variables.add(node.value)
            if isinstance(node, ast.Name) and node.id in definitions and node.id not in seen:
                waiting.add(node.id)
    return variables


def test_the_asset_of_a_function_holds_its_own_file_only(assembly: Path, qa: Stacks) -> None:
    for logical_id, resource in of_type(qa.service, "AWS::Lambda::Function").items():
        folder = assembly / resource["Metadata"]["aws:asset:path"]
        name = resource["Properties"]["Handler"].removesuffix(".handler")
        assert [path.name for path in folder.rglob("*")] == [f"{name}.py"], logical_id


def test_a_function_without_its_file_is_refused_by_name(tmp_path: Path) -> None:
    stack = Stack(new_app(tmp_path), "Stack")

    with pytest.raises(FunctionFileMissing, match=r"functions/tidy_up\.py"):
        Function(
            stack, "tidy_up", layers=[], tracing=Tracing(stack, "Tracing"), environment={}, timeout_s=5, memory_mb=512
        )


def test_the_outputs_name_every_function_and_queue(qa: Stacks) -> None:
    outputs = qa.service["Outputs"]
    for function in FILES:
        output = outputs[f"{''.join(word.capitalize() for word in function.split('_'))}Function"]
        assert qa.function_at(output) == function
    for worker in routes.WORKERS:
        assert f"{worker.queue.capitalize()}Queue" in json.dumps(outputs[f"{worker.queue.capitalize()}QueueUrl"])
        assert "DeadLetters" in json.dumps(outputs[f"{worker.queue.capitalize()}DeadLettersUrl"])
