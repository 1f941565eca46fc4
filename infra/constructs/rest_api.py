"""The REST API: every method for partners and tenants behind the authoriser and their own throttle, the few that are
open to anyone named as such; refusals in OCPI's shape, and a problem's (RFC 9457) at once."""

from __future__ import annotations

import json

from aws_cdk import Aws, CfnResource, Duration, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from infra import routes
from infra.constructs.acknowledge import acknowledge
from infra.constructs.function import LOG_RETENTION, Function
from infra.constructs.gateway_errors import GATEWAY_ERRORS
from infra.stage import Stage

AUTHORISATION = {
    "partner": apigateway.AuthorizationType.CUSTOM,
    "tenant": apigateway.AuthorizationType.CUSTOM,
    "driver": apigateway.AuthorizationType.NONE,
    "anyone": apigateway.AuthorizationType.NONE,
}

THROTTLED_APART = (
    (routes.OAUTH_PATH, "POST", routes.TOKEN_THROTTLE),
    (routes.PAIR_PATH, "GET", routes.PAIR_THROTTLE),
    (routes.PAIR_PATH, "POST", routes.PAIR_THROTTLE),
)
"""Methods that are open to anyone."""

OPEN = {
    "anyone": "Who asks for an access token shows his secret in the request itself, and the keys to check one are "
    "public.",
    "driver": "A driver's link has a secret in it that its function checks, with the cookie of the browser that it is "
    "bound to.",
}

ACCESS_LOG = {
    "request_id": "$context.requestId",
    # As the function's own log has it.
    "function_request_id": "$context.integration.requestId",
    "at": "$context.requestTimeEpoch",
    "partner_id": "$context.authorizer.partner_id",
    "tenant_id": "$context.authorizer.tenant_id",
    "method": "$context.httpMethod",
    # The pattern, not the path: ids in response URLs are secrets.
    "route": "$context.resourcePath",
    "status": "$context.status",
    "refusal": "$context.error.responseType",
    "authorizer_status": "$context.authorizer.status",
    "integration_status": "$context.integration.status",
    "integration_error": "$context.integration.error",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integration.latency",
    "length": "$context.responseLength",
}


class RestApi(Construct):
    """Made before the functions, which need its base_url; then each function is routed."""

    def __init__(self, scope: Construct, name: str, stage: Stage) -> None:
        super().__init__(scope, name)
        self._stage = stage
        log = logs.LogGroup(
            self, "AccessLog", retention=LOG_RETENTION, removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        )
        self.api = apigateway.RestApi(
            self,
            "Api",
            # Not a physical name (many APIs may have it), but the dimension of its metrics.
            rest_api_name=stage.service_name,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER,
            # The role by which API Gateway writes access logs is one per account and region: whichever stage set it
            # last, it must not go with that stage.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            deploy_options=apigateway.StageOptions(
                stage_name=stage.name,
                # A segment of API Gateway's has the whole path: start links and response URLs are secrets.
                tracing_enabled=False,
                throttling_rate_limit=routes.API_THROTTLE.requests_per_s,
                throttling_burst_limit=routes.API_THROTTLE.burst,
                method_options={
                    f"{stage.path_prefix}{path}/{method}": apigateway.MethodDeploymentOptions(
                        throttling_rate_limit=throttle.requests_per_s, throttling_burst_limit=throttle.burst
                    )
                    for path, method, throttle in THROTTLED_APART
                },
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
            ),
        )
        self.api.node.try_remove_child("Endpoint")  # an output of its own; base_url is the one address
        if stage.rest_api_id:
            api = self.api.node.default_child
            assert isinstance(api, apigateway.CfnRestApi)
            api.tags.set_tag("ms-custom-id", stage.rest_api_id)
        for error in GATEWAY_ERRORS:
            self.api.add_gateway_response(
                error.type,
                type=apigateway.ResponseType.of(error.type),
                status_code=None if error.http_status is None else str(error.http_status),
                response_headers=dict(error.headers),
                templates={"application/json": error.template},
            )
        self.usage_plan = self.api.add_usage_plan(
            "UsagePlan",
            description=f"Offpeak {stage.name}: what one partner or tenant may ask for",
            throttle=apigateway.ThrottleSettings(
                rate_limit=routes.PARTNER_THROTTLE.requests_per_s, burst_limit=routes.PARTNER_THROTTLE.burst
            ),
            api_stages=[apigateway.UsagePlanPerApiStage(api=self.api, stage=self.api.deployment_stage)],
        )
        self._authoriser: apigateway.RequestAuthorizer | None = None
        acknowledge(
            self,
            {
                ("AwsSolutions-APIG2",): "OCPI answers an invalid message with HTTP 200 and a status code of its own, "
                "which only a function can give; each validates all that comes in.",
                ("AwsSolutions-APIG3",): "A web ACL costs more than the rest of an idle stage. Every method needs "
                "credentials and has a throttle; whoever wants one attaches it to the stage's ARN.",
                ("AwsSolutions-APIG6",): "Execution logs would hold the callers' headers and live in a log group "
                "without end. The access log has the status, cause and latency of every request.",
                ("AwsSolutions-COG4",): "OCPI's credentials tokens are looked up by our own authoriser.",
                ("Serverless-APIGWXrayEnabled",): "Its segments would hold the secrets that stand in paths. Functions "
                "have traces of their own, and the access log names each one's request.",
            },
        )
        role = self.api.node.find_child("CloudWatchRole")
        acknowledge(
            role,
            {
                (
                    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
                    "AmazonAPIGatewayPushToCloudWatchLogs]",
                ): "API Gateway's own policy for its own role; it writes logs and nothing else."
            },
        )

    @property
    def logging_role(self) -> IDependable:
        """The setting of the account that lets API Gateway write access logs, of other APIs too."""
        return self.api.node.find_child("Account")

    @property
    def base_url(self) -> str:
        """The one address from which all others are made. Where the stage says none, it is made of the API's id alone:
        the deployed stage's url would make every function wait for the deployment, which waits for every function."""
        if self._stage.base_url:
            return self._stage.base_url
        if self._stage.domain_name:
            return f"https://{self._stage.domain_name}{self._stage.path_prefix}"
        host = f"{self.api.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"
        return f"https://{host}/{self._stage.name}{self._stage.path_prefix}"

    def authorise_with(self, function: Function) -> None:
        """Ask `function` about each request. API Gateway's cache stays off and no header is demanded beforehand: a
        request that lacks one must reach the function to be refused in OCPI's words."""
        self._authoriser = apigateway.RequestAuthorizer(
            self, "Authoriser", handler=function.function, identity_sources=[], results_cache_ttl=Duration.seconds(0)
        )
        # CDK writes an empty list of sources as an empty source.
        resource = self._authoriser.node.find_child("Resource")
        assert isinstance(resource, CfnResource)
        resource.add_property_deletion_override("IdentitySource")

    def route(self, route: routes.Route, function: Function) -> None:
        """Send the route's methods to the function."""
        resource = self.api.root.resource_for_path(f"{self._stage.path_prefix}{route.path}")
        is_guarded = route.caller not in OPEN
        for name in route.methods:
            method = resource.add_method(
                name,
                invocation_of(function),
                authorization_type=AUTHORISATION[route.caller],
                authorizer=self._authoriser if is_guarded else None,
                api_key_required=is_guarded,
            )
            if route.caller in OPEN:
                acknowledge(
                    method, {("AwsSolutions-APIG4", "Serverless-APIGWDefaultAuthorization"): OPEN[route.caller]}
                )

    def may_invoke(self, function: Function) -> None:
        """Let any method of this stage invoke the function: one permission, however many routes it has, because a
        function's policy holds 20 KB."""
        function.function.add_permission(
            "Api",
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=self.api.arn_for_execute_api(stage=self._stage.name),
        )


def invocation_of(function: Function) -> apigateway.Integration:
    """Invoke the function with the whole request. CDK's own LambdaIntegration would add two permissions per method."""
    return apigateway.AwsIntegration(
        service="lambda", path=f"2015-03-31/functions/{function.function.function_arn}/invocations", proxy=True
    )
