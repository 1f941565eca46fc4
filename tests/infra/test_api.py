"""The partners' API: complete, closed to strangers, throttled per partner, OCPI-shaped where it answers by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match

from infra import routes
from infra.constructs.gateway_errors import GATEWAY_ERRORS
from infra.stage import Stage
from tests.infra.stacks import Stacks, of_api, of_type, only, synthesised

PROJECT = Path(__file__).parents[2]


GUARDED = [route for route in routes.ROUTES if route.caller not in ("anyone", "driver")]


def deployed_routes(stacks: Stacks, api: str = "RestApi") -> set[tuple[str, str, str]]:
    """Method, path and function of each method of an API."""
    resources = {
        logical_id: each["Properties"]
        for logical_id, each in of_api(stacks.service, "AWS::ApiGateway::Resource", api).items()
    }

    def path(reference: dict[str, Any]) -> str:
        if "Fn::GetAtt" in reference:
            return ""
        here = resources[reference["Ref"]]
        return f"{path(here['ParentId'])}/{here['PathPart']}"

    return {
        (method["HttpMethod"], path(method["ResourceId"]), stacks.function_at(method["Integration"]["Uri"]))
        for method in methods(stacks, api)
    }


def methods(stacks: Stacks, api: str = "RestApi") -> list[dict[str, Any]]:
    return [each["Properties"] for each in of_api(stacks.service, "AWS::ApiGateway::Method", api).values()]


def test_every_route_of_the_house_is_deployed_and_nothing_else(qa: Stacks) -> None:
    assert deployed_routes(qa) == {
        (method, route.path, route.function) for route in routes.ROUTES for method in route.methods
    }


def test_what_operators_ask_reaches_the_function_that_knows_it(qa: Stacks) -> None:
    deployed = {(method, path): function for method, path, function in deployed_routes(qa, "OperatorApi")}
    for route in routes.OPERATOR_ROUTES:
        place = routes.operator_place(route)
        for method in route.methods:
            found = [deployed.get((method, route.path)), deployed.get(("ANY", place))]
            assert route.function in found
            assert route.path == place or route.function in (found[0], deployed.get(("ANY", f"{place}/{{below+}}")))
    assert set(deployed.values()) == OPERATED


def test_a_path_prefix_stands_before_every_route_and_in_the_base_url(tmp_path: Path) -> None:
    stacks = synthesised(Stage("qa", path_prefix="/api"), tmp_path)

    assert all(path.startswith("/api/") for _, path, _ in deployed_routes(stacks))
    assert json.dumps(stacks.service["Outputs"]["BaseUrl"]).count("/qa/api") == 1


def test_every_method_for_partners_and_tenants_passes_the_authoriser_and_a_throttle(qa: Stacks) -> None:
    (authoriser,) = of_type(qa.service, "AWS::ApiGateway::Authorizer")
    guarded = [method for method in methods(qa) if method["AuthorizationType"] == "CUSTOM"]
    assert all(method["AuthorizerId"] == {"Ref": authoriser} and method["ApiKeyRequired"] for method in guarded)
    assert len(guarded) == sum(len(route.methods) for route in GUARDED)
    invoked = {(each["Integration"]["Type"], each["Integration"]["IntegrationHttpMethod"]) for each in methods(qa)}
    assert invoked == {("AWS_PROXY", "POST")}


def test_what_is_open_to_anyone_is_the_way_to_a_token_and_drivers_pages(qa: Stacks) -> None:
    opened = {route.path for route in routes.ROUTES if route.caller == "anyone"}
    assert opened == {"/oauth/token", "/.well-known/jwks.json"}
    assert {route.path for route in routes.ROUTES if route.caller == "driver"} == {"/pair/{token}"}
    assert sum(method["AuthorizationType"] == "NONE" for method in methods(qa)) == 4


def test_every_method_for_operators_asks_iam(qa: Stacks) -> None:
    assert {method["AuthorizationType"] for method in methods(qa, "OperatorApi")} == {"AWS_IAM"}


def test_an_operator_is_refused_with_a_problem(qa: Stacks) -> None:
    responses = [
        each["Properties"] for each in of_api(qa.service, "AWS::ApiGateway::GatewayResponse", "OperatorApi").values()
    ]
    assert {"MISSING_AUTHENTICATION_TOKEN", "ACCESS_DENIED", "DEFAULT_4XX", "DEFAULT_5XX"} <= {
        each["ResponseType"] for each in responses
    }
    for each in responses:
        assert {"type", "title", "detail"} <= json.loads(each["ResponseTemplates"]["application/json"]).keys()
        assert each["ResponseParameters"] == {"gatewayresponse.header.Content-Type": "'application/problem+json'"}


def test_the_operators_stage_waits_for_the_role_that_writes_access_logs(qa: Stacks) -> None:
    (account,) = of_type(qa.service, "AWS::ApiGateway::Account")
    (stage,) = of_api(qa.service, "AWS::ApiGateway::Stage", "OperatorApi").values()
    assert account in stage["DependsOn"]


def test_the_authoriser_is_asked_about_every_request_whatever_its_headers(qa: Stacks) -> None:
    qa.service_template.has_resource_properties(
        "AWS::ApiGateway::Authorizer",
        {"Type": "REQUEST", "AuthorizerResultTtlInSeconds": 0, "IdentitySource": Match.absent()},
    )


def test_a_partner_is_throttled_by_the_key_that_the_authoriser_names(qa: Stacks) -> None:
    qa.service_template.has_resource_properties("AWS::ApiGateway::RestApi", {"ApiKeySourceType": "AUTHORIZER"})
    qa.service_template.has_resource_properties(
        "AWS::ApiGateway::UsagePlan", {"Throttle": {"RateLimit": 1000, "BurstLimit": 2000}}
    )
    (stage,) = of_api(qa.service, "AWS::ApiGateway::Stage")
    (covered,) = only(of_type(qa.service, "AWS::ApiGateway::UsagePlan"))["ApiStages"]
    assert covered["Stage"] == {"Ref": stage}


def test_the_whole_api_is_throttled_too(qa: Stacks) -> None:
    [settings] = [
        each
        for each in only(of_api(qa.service, "AWS::ApiGateway::Stage"))["MethodSettings"]
        if (each["HttpMethod"], each["ResourcePath"]) == ("*", "/*")
    ]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (5000, 5000)


def test_whoever_floods_drivers_pages_takes_nothing_from_others(qa: Stacks) -> None:
    settings = only(of_api(qa.service, "AWS::ApiGateway::Stage"))["MethodSettings"]
    throttled = {each["HttpMethod"]: each for each in settings if each["ResourcePath"] == "/~1pair~1{token}"}
    assert set(throttled) == {"GET", "POST"}
    assert all(each["ThrottlingRateLimit"] < 5000 / 10 for each in throttled.values())


def test_one_partner_alone_cannot_use_up_the_api() -> None:
    assert routes.PARTNER_THROTTLE.requests_per_s < routes.API_THROTTLE.requests_per_s
    assert routes.PARTNER_THROTTLE.burst < routes.API_THROTTLE.burst


def test_a_function_has_one_permission_to_be_invoked_however_many_routes_it_has(qa: Stacks) -> None:
    permissions = [each["Properties"] for each in of_type(qa.service, "AWS::Lambda::Permission").values()]
    invoked = sorted(qa.function_at(permission["FunctionName"]) for permission in permissions)
    routed = {route.function for route in (*routes.ROUTES, *routes.OPERATOR_ROUTES)}
    assert invoked == sorted(routed | {"authorise"})
    assert all("test-invoke-stage" not in json.dumps(permission) for permission in permissions)


OPERATED = {route.function for route in routes.OPERATOR_ROUTES}


def test_only_this_stage_of_its_api_invokes_a_function(qa: Stacks) -> None:
    (partners,) = of_api(qa.service, "AWS::ApiGateway::RestApi")
    (operators,) = of_api(qa.service, "AWS::ApiGateway::RestApi", "OperatorApi")
    for permission in (each["Properties"] for each in of_type(qa.service, "AWS::Lambda::Permission").values()):
        source = permission["SourceArn"]["Fn::Join"][1]
        is_operators = qa.function_at(permission["FunctionName"]) in OPERATED
        api = operators if is_operators else partners
        assert {"Ref": api} in source
        assert any(str(part).startswith(("/qa/", "/authorizers/")) for part in source)


@pytest.mark.parametrize("error", GATEWAY_ERRORS, ids=lambda error: error.type)
def test_a_refusal_of_the_gateway_is_ocpis_and_a_problem_and_gives_the_ids_back(qa: Stacks, error: Any) -> None:
    """T3, T5"""
    (response,) = (
        each["Properties"]
        for each in of_api(qa.service, "AWS::ApiGateway::GatewayResponse").values()
        if each["Properties"]["ResponseType"] == error.type
    )
    body = json.loads(response["ResponseTemplates"]["application/json"])
    assert {"status_code", "status_message", "timestamp"} | {"type", "title", "detail"} <= set(body)
    assert body.get("status") == error.http_status
    assert 2000 <= body["status_code"] < 4000
    assert response["ResponseParameters"]["gatewayresponse.header.X-Request-ID"] == "method.request.header.X-Request-ID"
    assert "gatewayresponse.header.X-Correlation-ID" in response["ResponseParameters"]


@pytest.mark.parametrize(
    ("cause", "http_status"),
    [("UNAUTHORIZED", "401"), ("THROTTLED", "429"), ("MISSING_AUTHENTICATION_TOKEN", "404"), ("ACCESS_DENIED", "403")],
)
def test_a_cause_has_the_http_status_that_ocpi_gives_it(qa: Stacks, cause: str, http_status: str) -> None:
    """T1, T6"""
    qa.service_template.has_resource_properties(
        "AWS::ApiGateway::GatewayResponse", {"ResponseType": cause, "StatusCode": http_status}
    )


def test_what_has_no_answer_of_its_own_falls_back_to_one_of_ocpi(qa: Stacks) -> None:
    causes = {error.type for error in GATEWAY_ERRORS}
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= causes


def test_the_access_log_has_the_cause_of_a_refusal_and_no_secret(qa: Stacks) -> None:
    stage = only(of_api(qa.service, "AWS::ApiGateway::Stage"))
    logged = json.loads(stage["AccessLogSetting"]["Format"])
    assert logged["refusal"] == "$context.error.responseType"
    for secret in ("$context.path", "apiKey", "identity", "header", "requestOverride"):
        assert secret not in stage["AccessLogSetting"]["Format"]
    assert not stage["TracingEnabled"], "X-Ray would keep whole paths"
    assert stage["MethodSettings"][0]["DataTraceEnabled"] is False
    assert "LoggingLevel" not in stage["MethodSettings"][0]


def test_functions_make_addresses_of_the_api_without_waiting_for_its_deployment(qa: Stacks) -> None:
    (api,) = of_api(qa.service, "AWS::ApiGateway::RestApi")
    base_url = qa.functions["ocpi_versions"]["Environment"]["Variables"]["BASE_URL"]
    assert {"Ref": api} in base_url["Fn::Join"][1]
    assert "Deployment" not in json.dumps(base_url)
    assert base_url == qa.service["Outputs"]["BaseUrl"]["Value"]


def test_responses_are_not_compressed_and_the_api_is_regional(qa: Stacks) -> None:
    qa.service_template.has_resource_properties(
        "AWS::ApiGateway::RestApi",
        {"EndpointConfiguration": {"Types": ["REGIONAL"]}, "MinimumCompressionSize": Match.absent()},
    )


def test_the_role_that_all_stages_of_an_account_share_stays_when_one_goes(qa: Stacks) -> None:
    (account,) = of_type(qa.service, "AWS::ApiGateway::Account").values()
    assert account["DeletionPolicy"] == "Retain"
