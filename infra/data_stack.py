"""What must outlive every deployment: tables, keys, and the address that partners know."""

from __future__ import annotations

from aws_cdk import DefaultStackSynthesizer, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as route53_targets
from constructs import Construct

from infra.constructs.table import Index, Table
from infra.stage import Stage


class DataStack(Stack):
    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(
            scope,
            f"Offpeak-{stage.name}-Data",
            description=f"Offpeak {stage.name}: tables, keys and address. Retained when deleted.",
            termination_protection=True,
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        table_key = self._key("TableKey", "Encrypts Offpeak's tables")
        self.token_key = self._key("TokenKey", "Encrypts the tokens that Offpeak and its partners call each other with")

        self.partners = Table(
            self,
            "partners",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[Index("directory", "directory", "zone_and_partner")],
        )
        self.sessions = Table(
            self,
            "sessions",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[
                Index("by_plan_wanted", "plan_shard", "plan_wanted_at", ("plan_wanted", "partner_id", "session_id")),
                Index("by_wake", "wake_shard", "wake_at", ("partner_id", "session_id")),
                Index("by_active", "active_shard", "pk", ("partner_id", "session_id")),
                Index("by_evse", "evse_key", "pk", ("partner_id", "session_id")),
                Index("by_user", "user_key", "charger_start", ("partner_id", "session_id")),
            ],
            expires=True,
        )
        self.profile_requests = Table(
            self,
            "profile_requests",
            key=table_key,
            keys=("request_id",),
            indexes=[Index("by_session", "session_key", "created_at"), Index("by_due", "due_shard", "due_at")],
            expires=True,
        )
        self.prices = Table(self, "prices", key=table_key, keys=("pk", "sk"))
        self.grid_signals = Table(
            self,
            "grid_signals",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[Index("by_replan_wanted", "replan_shard", "replan_wanted_at", ("wanted",))],
            expires=True,
        )
        self.habits = Table(self, "habits", key=table_key, keys=("pk", "sk"), expires=True)
        self.locations = Table(
            self,
            "locations",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[Index("by_evse", "evse_key", "pk", ("chargers",))],
        )
        self.limit_groups = Table(
            self,
            "limit_groups",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[
                Index("by_plan_wanted", "plan_shard", "plan_wanted_at", ("plan_wanted", "root_id")),
                Index("directory", "directory", "root_and_group", ("root_id", "group_id", "name", "kind", "parent_id")),
            ],
        )
        self.tariffs = Table(self, "tariffs", key=table_key, keys=("tariff_key",))
        self.tenants = Table(
            self,
            "tenants",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[Index("directory", "directory", "tenant_id")],
            expires=True,
        )
        self.app_requests = Table(self, "app_requests", key=table_key, keys=("pk", "sk"), expires=True)
        self.users = Table(
            self,
            "users",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[Index("directory", "directory", "user_id")],
            expires=True,
        )
        self.own_markets = Table(self, "own_markets", key=table_key, keys=("pk", "sk"), expires=True)
        self.evse_ownership = Table(
            self, "evse_ownership", key=table_key, keys=("pk", "sk"), indexes=[Index("by_due", "due_shard", "due_at")]
        )
        self.connect_sessions = Table(
            self,
            "connect_sessions",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[Index("by_due", "due_shard", "due_at", ("tenant_id", "user_id", "connect_id"))],
            expires=True,
        )
        self.events = Table(
            self,
            "events",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[Index("by_due", "due_shard", "due_at", ("tenant_id", "user_id", "charger_id", "event_id"))],
            expires=True,
        )
        self.webhooks = Table(
            self,
            "webhooks",
            key=table_key,
            keys=("pk", "sk"),
            indexes=[Index("by_due", "due_shard", "due_at")],
            expires=True,
        )
        self.hub_clients = Table(self, "hub_clients", key=table_key, keys=("partner_id", "party"))
        self.history = Table(self, "history", key=table_key, keys=("pk", "sk"))
        self.audit = Table(self, "audit", key=table_key, keys=("pk", "sk"))
        self.quality = Table(self, "quality", key=table_key, keys=("pk", "sk"), expires=True)
        self.domain = self._domain(stage) if stage.domain_name else None

    def _key(self, name: str, description: str) -> kms.Key:
        return kms.Key(
            self, name, description=description, enable_key_rotation=True, removal_policy=RemovalPolicy.RETAIN
        )

    def _domain(self, stage: Stage) -> apigateway.DomainName:
        """The stage's domain, with the certificate given or one proven through the hosted zone."""
        assert stage.domain_name
        zone = (
            route53.HostedZone.from_hosted_zone_attributes(
                self,
                "Zone",
                hosted_zone_id=stage.hosted_zone_id,
                zone_name=stage.hosted_zone_name or stage.domain_name,
            )
            if stage.hosted_zone_id
            else None
        )
        certificate: acm.ICertificate = (
            acm.Certificate.from_certificate_arn(self, "Certificate", stage.certificate_arn)
            if stage.certificate_arn
            else acm.Certificate(
                self,
                "Certificate",
                domain_name=stage.domain_name,
                validation=acm.CertificateValidation.from_dns(zone),
            )
        )
        domain = apigateway.DomainName(
            self,
            "Domain",
            domain_name=stage.domain_name,
            certificate=certificate,
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        if zone:
            route53.ARecord(
                self,
                "Address",
                zone=zone,
                record_name=f"{stage.domain_name}.",
                target=route53.RecordTarget.from_alias(route53_targets.ApiGatewayDomain(domain)),
            )
        return domain
