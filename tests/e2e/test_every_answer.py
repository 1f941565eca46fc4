"""Made-up requests of every kind to every endpoint of the deployed stack: no failure, and no answer that
docs/openapi.json does not describe. `make fuzz` sends thousands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from openapi.document import document
from tests.e2e.scene import scene_on
from tests.e2e.stage import Stage
from tests.e2e.visitors import SPOILT, Visitors, errors_logged, likely, visitors_in

IS_LONG = settings.get_current_profile_name() == "fuzz"
EXAMPLES = settings.default.max_examples if IS_LONG else 6
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OF_OTHERS = {
    "ocpi_credentials.post_credentials",
    "ocpi_credentials.put_credentials",
    "ocpi_credentials.delete_credentials",
    "oauth.post_token",
    "ops_api.rotate_tokens",
    "ocpi_pairing.pair_evse",
    "ocpi_pairing.pair_station",
    "ocpi_pairing.unpair_station",
    "app_webhooks.replay_delivery",
    "ops_tenants.show_access",
    "ops_tenants.rotate_client",
}
"""What needs a CPO that answers, a code, a secret or its client's id, or a receiver that has taken something."""
BODIES = [None] * len(SPOILT) * 7 + list(SPOILT)
"""Seven in eight are as they were made up."""
ORDER = ("post", "put", "patch", "get", "delete")
"""And what is deepest first: a user is removed after what he has."""
OPERATIONS = {
    each.definition.raw["operationId"]: each
    for each in sorted(
        (each.ok() for each in schemathesis.openapi.from_dict(document()).get_all_operations()),
        key=lambda each: (ORDER.index(each.method), -each.path.count("/")),
    )
}


@pytest.fixture(scope="module")
def visitors(stage: Stage) -> Iterator[Visitors]:
    with scene_on(stage) as scene:
        yield visitors_in(scene)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_that_is_described(name: str, visitors: Visitors) -> None:
    """T5, T6"""
    operation = OPERATIONS[name]
    callers = visitors.may_call(operation.path, operation.method.upper())

    @settings(
        max_examples=EXAMPLES,
        derandomize=not IS_LONG,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=made_up(operation), who=st.sampled_from(callers), draw=st.data())
    def ask(case: Case, who: str, draw: st.DataObject) -> None:
        likely(case, visitors, draw)
        spoilt = draw.draw(st.sampled_from(BODIES), "body") if operation.body else None
        case.validate_response(visitors.ask(case, who, spoilt), checks=CHECKS)

    ask()


@pytest.mark.skipif(not IS_LONG, reason="a handful of requests each cannot show it")
def test_each_endpoint_took_some_of_what_was_made_up(visitors: Visitors) -> None:
    assert " ".join(sorted(OPERATIONS.keys() - visitors.welcome - OF_OTHERS)) == ""


def test_nothing_broke_behind_the_answers(visitors: Visitors, stage: Stage) -> None:
    stage.cloud.wait_until_drained(60)
    assert errors_logged(stage) - visitors.errors_before == set()


def made_up(operation: schemathesis.APIOperation) -> st.SearchStrategy[Case]:
    """Requests as they are described, and such as they are not."""
    right = operation.as_strategy(GenerationMode.POSITIVE)
    if not operation.body and not operation.query and not operation.path_parameters:
        return right
    return right | operation.as_strategy(GenerationMode.NEGATIVE)
