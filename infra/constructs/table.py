"""A DynamoDB table that knows its indexes and the environment variable that names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.constructs.names import pascal


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index over two string attributes; `include` None projects every attribute."""

    name: str
    partition_key: str
    sort_key: str
    include: tuple[str, ...] | None = None


class Table(Construct):
    """Pay per request, encrypted with the customer's key, restorable to any second of 35 days, hard to delete."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        key: kms.IKey,
        keys: tuple[str, ...],
        indexes: Sequence[Index] = (),
        expires: bool = False,
    ) -> None:
        """`keys`: partition key and perhaps sort key, all strings. `expires`: rows go when `expires_at` has passed."""
        super().__init__(scope, f"{pascal(name)}Table")
        self.variable = f"{name.upper()}_TABLE"
        self.key = key
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=_string(keys[0]),
            sort_key=_string(keys[1]) if len(keys) > 1 else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=35
            ),
            time_to_live_attribute="expires_at" if expires else None,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        for index in indexes:
            self.table.add_global_secondary_index(
                index_name=index.name,
                partition_key=_string(index.partition_key),
                sort_key=_string(index.sort_key),
                projection_type=(
                    dynamodb.ProjectionType.ALL if index.include is None else dynamodb.ProjectionType.INCLUDE
                ),
                non_key_attributes=None if index.include is None else list(index.include),
            )
        self.index_arns = [f"{self.table.table_arn}/index/{index.name}" for index in indexes]


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
