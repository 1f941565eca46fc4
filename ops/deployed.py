"""What a stage consists of in its account, by what its stack tells of itself: nothing here knows a physical name."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

ClientFactory = Callable[[str], Any]


class NotDeployed(Exception):
    """The stage, or a part of it, is not in this account and region; the text says which."""


class FunctionFailed(Exception):
    """A function raised; the text is its message."""


class Deployed:
    """One stage of Offpeak as it is deployed. `client` makes boto3 clients of its account and region."""

    def __init__(self, client: ClientFactory, stage: str) -> None:
        self.client = client
        self.stage = stage

    @property
    def base_url(self) -> str:
        return self._output("BaseUrl")

    @property
    def operator_url(self) -> str:
        """Where the operators' API is: /ops/v1 follows."""
        return self._output("OperatorUrl")

    @cached_property
    def identity(self) -> str:
        """The ARN of whoever gives commands, as STS tells it."""
        return str(self.client("sts").get_caller_identity()["Arn"])

    def function(self, name: str) -> str:
        """Return the physical name of the function of functions/`name`.py."""
        return self._output(f"{_pascal(name)}Function")

    def queue(self, name: str) -> str:
        """Return the address of a queue: plan, send or replan."""
        return self._output(f"{_pascal(name)}QueueUrl")

    def dead_letters(self, name: str) -> str:
        """Return the address of the queue that takes what the workers of queue `name` tried in vain."""
        return self._output(f"{_pascal(name)}DeadLettersUrl")

    def call(self, function: str, event: object) -> Any:
        """Invoke a function and return its answer. Raises FunctionFailed."""
        answer = self.client("lambda").invoke(FunctionName=self.function(function), Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read() or "null")
        if "FunctionError" in answer:
            raise FunctionFailed(f"{function}: {payload.get('errorMessage', payload)}")
        return payload

    def _output(self, key: str) -> str:
        try:
            return self._outputs[key]
        except KeyError:
            raise NotDeployed(f"stage {self.stage} is deployed without {key}: is its version another one?") from None

    @cached_property
    def _outputs(self) -> dict[str, str]:
        try:
            answer = self.client("cloudformation").describe_stacks(StackName=f"Offpeak-{self.stage}-Service")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise NotDeployed(f"Stage {self.stage} is not deployed in this account and region.") from error
        return {each["OutputKey"]: each["OutputValue"] for each in answer["Stacks"][0].get("Outputs", [])}


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
