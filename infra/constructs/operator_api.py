"""The operators' REST API, apart from the partners': every method asks IAM, and every refusal is a problem (RFC 9457).

It is an API of its own because its function puts partners' keys into the usage plan of the other one: that plan waits
for its API's deployment, which waits for every function behind it.
"""

from __future__ import annotations

import json

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from infra import routes
from infra.constructs.acknowledge import acknowledge
from infra.constructs.function import LOG_RETENTION, Function
from infra.constructs.rest_api import invocation_of
from infra.stage import Stage

ACCESS_LOG = {
    "request_id": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "who": "$context.identity.userArn",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "refusal": "$context.error.responseType",
    "integration_error": "$context.integration.error",
    "latency_ms": "$context.responseLatency",
}
PROBLEMS = {
    "MISSING_AUTHENTICATION_TOKEN": (403, "Forbidden", "There is nothing at this address, or you have not signed."),
    "ACCESS_DENIED": (403, "Forbidden", "Your IAM identity may not do this."),
    "THROTTLED": (429, "Too Many Requests", "Try again in a second."),
    "DEFAULT_4XX": (None, "Refused", "$context.error.message"),
    "DEFAULT_5XX": (None, "Failed", "Something failed on our side; try again."),
}
"""What API Gateway answers by itself: status (None keeps its own), title and detail."""


class OperatorApi(Construct):
    def __init__(self, scope: Construct, name: str, stage: Stage, *, logging_role: IDependable) -> None:
        """`logging_role` is the account's setting without which a stage with an access log cannot be made."""
        super().__init__(scope, name)
        self._stage = stage
        log = logs.LogGroup(
            self, "AccessLog", retention=LOG_RETENTION, removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        )
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=f"{stage.service_name}-operators",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=stage.name,
                tracing_enabled=True,
                throttling_rate_limit=routes.OPERATOR_THROTTLE.requests_per_s,
                throttling_burst_limit=routes.OPERATOR_THROTTLE.burst,
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
            ),
        )
        self.api.deployment_stage.node.add_dependency(logging_role)
        self.api.node.try_remove_child("Endpoint")
        if stage.operator_api_id:
            api = self.api.node.default_child
            assert isinstance(api, apigateway.CfnRestApi)
            api.tags.set_tag("ms-custom-id", stage.operator_api_id)
        for cause, (status, title, detail) in PROBLEMS.items():
            self._answer(cause, status, title, detail)
        acknowledge(
            self,
            {
                ("AwsSolutions-APIG2",): "The function validates all that comes in, and names the field.",
                ("AwsSolutions-APIG3",): "Nobody gets in without a signature of an IAM identity of this account.",
                ("AwsSolutions-APIG6",): "Execution logs would hold signatures, and tokens in answers. The access log "
                "has who, what, the status and the cause of every request.",
                ("AwsSolutions-COG4",): "Operators are IAM identities.",
            },
        )

    @property
    def url(self) -> str:
        """Where operators' programs call; /ops/v1 follows."""
        if self._stage.operator_url:
            return self._stage.operator_url
        return f"https://{self.api.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}/{self._stage.name}"

    def serve(self, place: str, function: Function) -> None:
        """Send all that is asked at a path and below it to the function, which knows its own routes and methods: fewer
        resources than by `route`, of which a stack holds five hundred."""
        resource = self.api.root.resource_for_path(place)
        for each in (resource, resource.add_resource("{below+}")):
            each.add_method("ANY", invocation_of(function), authorization_type=apigateway.AuthorizationType.IAM)

    def route(self, route: routes.Route, function: Function) -> None:
        """Send the route's methods to the function."""
        resource = self.api.root.resource_for_path(route.path)
        for method in route.methods:
            resource.add_method(method, invocation_of(function), authorization_type=apigateway.AuthorizationType.IAM)

    def may_invoke(self, function: Function) -> None:
        """Let any method of this stage invoke the function."""
        function.function.add_permission(
            "OperatorApi",
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=self.api.arn_for_execute_api(stage=self._stage.name),
        )

    def _answer(self, cause: str, status: int | None, title: str, detail: str) -> None:
        problem: dict[str, object] = {"type": "about:blank", "title": title, "detail": detail}
        if status is not None:
            problem["status"] = status
        self.api.add_gateway_response(
            cause,
            type=apigateway.ResponseType.of(cause),
            status_code=None if status is None else str(status),
            response_headers={"Content-Type": "'application/problem+json'"},
            templates={"application/json": json.dumps(problem)},
        )
