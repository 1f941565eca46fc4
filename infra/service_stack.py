"""What can be rebuilt at any time from the code: functions, API, queues, clocks, alarms."""

from __future__ import annotations

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Stack
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from infra import routes
from infra.alarms import NAMESPACE
from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.alarms import Alarms
from infra.constructs.clock import Clocks
from infra.constructs.dashboard import Dashboard
from infra.constructs.function import Function, Tracing
from infra.constructs.layers import Layers, Platform
from infra.constructs.names import pascal
from infra.constructs.operator_api import OperatorApi
from infra.constructs.queue import Queue
from infra.constructs.rest_api import RestApi
from infra.constructs.worker import work
from infra.data_stack import DataStack
from infra.stage import Stage

NOTICING = (
    "ocpi_sessions",
    "ocpi_locations",
    "ocpi_tariffs",
    "ocpi_chargingprofiles",
    "ocpi_pairing",
    "plan_sessions",
    "send_profiles",
    "sweep_sessions",
)
"""The functions that notice how a partner's system behaves, and count it by the day."""


class ServiceStack(Stack):
    def __init__(self, scope: Construct, stage: Stage, data: DataStack) -> None:
        super().__init__(
            scope,
            f"Offpeak-{stage.name}-Service",
            description=f"Offpeak {stage.name}: functions, API, queues, clocks, alarms. Rebuildable.",
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        self._stage = stage
        self._layers = Layers(
            self, "Layers", wheels_for=Platform.of_this_machine() if stage.is_local else Platform.of_lambda()
        )
        self._tracing = Tracing(self, "Tracing")
        self._functions: dict[str, Function] = {}
        self._alarm_topic = AlarmTopic(self, "AlarmTopic")
        self._api = RestApi(self, "RestApi", stage)
        self._operator_api = OperatorApi(self, "OperatorApi", stage, logging_role=self._api.logging_role)
        self._queues = {
            worker.queue: Queue(
                self,
                worker.queue,
                fifo=worker.fifo,
                worker_timeout_s=worker.timeout_s,
                alarms=self._alarm_topic,
            )
            for worker in routes.WORKERS
        }
        self._make_functions(data)
        self._connect()
        if data.domain:
            apigateway.BasePathMapping(
                self, "Address", domain_name=data.domain, rest_api=self._api.api, stage=self._api.api.deployment_stage
            )
        Alarms(self, "Alarms", stage, self._alarm_topic, self._functions, self._api)
        Dashboard(self, "Dashboard", stage, self._functions, self._queues, self._api)
        self._tell()

    def _make_functions(self, data: DataStack) -> None:
        """Each function with all that it may do."""
        partners, sessions, requests, prices = data.partners, data.sessions, data.profile_requests, data.prices
        locations, tariffs, signals, groups = data.locations, data.tariffs, data.grid_signals, data.limit_groups
        plan, send, replan = self._queues["plan"], self._queues["send"], self._queues["replan"]
        history, pages = data.history, self._queues["history"]
        base_url = ("BASE_URL", self._api.base_url)
        token_key = (data.token_key, "TOKEN_KEY_ID")

        # behind the API
        # The first use of a new token ends the one before it, so the authoriser writes.
        authoriser = self._function("authorise", timeout_s=5, memory_mb=1024)
        authoriser.can_read(partners, data.tenants).can_write(partners).knows(*base_url)
        # It makes signing keys when they are due.
        oauth = self._function("oauth", timeout_s=10, memory_mb=1024)
        oauth.can_read(partners, data.tenants).can_write(partners).can_use_key(*token_key).knows(*base_url)
        self._function("ocpi_versions", timeout_s=5, memory_mb=1024).can_read(partners).knows(*base_url)
        # A POST asks the partner's versions while it waits, so it may take nearly as long as API Gateway allows.
        credentials = self._function("ocpi_credentials", timeout_s=25, memory_mb=1024)
        credentials.can_read(partners).can_write(partners).can_append(data.audit).can_use_key(*token_key)
        credentials.knows(*base_url)
        # A PUT may bring two thousand charging periods to a cold start.
        receiver = self._function("ocpi_sessions", timeout_s=25, memory_mb=1024)
        receiver.can_read(sessions, partners).can_write(sessions).can_send(plan)
        receiver.can_read(history, data.evse_ownership).can_write(history).can_send(pages)
        # A PUT of a Location may bring a thousand EVSEs.
        self._function("ocpi_locations", timeout_s=25, memory_mb=1024).can_read(locations).can_write(locations)
        self._function("ocpi_tariffs", timeout_s=10, memory_mb=1024).can_read(tariffs).can_write(tariffs)
        hub_clients = self._function("ocpi_hubclientinfo", timeout_s=10)
        hub_clients.can_read(data.hub_clients).can_write(data.hub_clients)
        results = self._function("ocpi_chargingprofiles", timeout_s=10, memory_mb=1024)
        results.can_read(sessions, requests, partners).can_write(sessions, requests).can_send(send, plan)

        self._make_app_functions(data)
        self._make_pairing_functions(data)

        # behind the queues
        planner = self._function("plan_sessions", memory_mb=1024)
        planner.can_read(sessions, requests, partners, prices).can_write(sessions, requests).can_send(send, plan)
        planner.can_read(locations, tariffs, signals, groups, data.habits).can_write(groups, data.habits)
        planner.can_read(data.evse_ownership, data.users).can_write(data.users, data.own_markets)
        sender = self._function("send_profiles")
        sender.can_read(partners, sessions, requests).can_write(partners, sessions, requests).can_send(send, plan)
        sender.can_use_key(*token_key).knows(*base_url)
        self._function("want_plans").can_read(sessions).can_write(sessions).can_send(plan, replan)

        puller = self._function("pull_history")
        puller.can_read(partners, sessions, history).can_write(partners, sessions, history).can_send(pages, plan)
        puller.can_read(locations, tariffs, data.hub_clients).can_write(locations, tariffs, data.hub_clients)
        puller.can_read(data.evse_ownership)
        puller.can_use_key(*token_key)

        self._make_webhook_functions(data)

        # behind the clocks
        sweep = self._function("sweep_sessions", timeout_s=50)
        sweep.can_read(sessions, requests, partners).can_write(sessions, requests).can_send(plan, send)
        sweep.can_read(signals, groups, data.own_markets).can_write(signals, groups).can_send(replan)
        self._function("replan_sessions", timeout_s=60).can_read(partners).can_send(replan)
        fetch = self._function("fetch_prices", timeout_s=60).can_read(prices, partners).can_write(prices)
        fetch.can_read(data.own_markets).can_send(replan).knows("PRICE_FEED_URL", self._stage.price_feed_url)
        carbon = self._function("fetch_carbon", timeout_s=60).can_read(signals, partners).can_write(signals)
        carbon.can_read(data.own_markets).can_send(replan).knows("PRICE_FEED_URL", self._stage.price_feed_url)

        sync = self._function("sync_history", timeout_s=60)
        sync.can_read(partners, history).can_write(history).can_send(pages)

        refresh = self._function("refresh_tokens", timeout_s=300)
        refresh.can_read(partners).can_write(partners).can_use_key(*token_key)

        # A partner calls back before it answers, and there may be twenty of them.
        rotation = self._function("rotate_tokens", timeout_s=600)
        rotation.can_read(partners).can_write(partners).can_append(data.audit).can_use_key(*token_key)
        rotation.knows(*base_url)

        # Who makes plans, and hears what becomes of profiles, tells tenants.
        for tells in (results, planner, sender, sweep):
            tells.can_write(data.events).can_send(self._queues["events"])

        for name in NOTICING:
            self._functions[name].can_count(data.quality)

        # behind the operators' API and commands
        administration = self._function("ops_partners", timeout_s=60)
        operators = self._function("ops_api", timeout_s=25, memory_mb=1024)
        for administers in (administration, operators):
            administers.can_read(partners, data.quality).can_write(partners).can_append(data.audit).can_send(replan)
            administers.can_use_key(*token_key).knows(*base_url)
            self._may_hand_out_keys(administers)
        keeps_groups = self._function("ops_groups", timeout_s=25, memory_mb=1024)
        keeps_groups.can_read(data.limit_groups).can_write(data.limit_groups).can_append(data.audit)
        keeps_groups.can_send(plan, replan)
        announcer = self._function("ops_signals", timeout_s=25, memory_mb=1024)
        announcer.can_read(signals, partners, groups, data.own_markets).can_write(signals, groups).can_append(
            data.audit
        ).can_send(replan, plan)
        keeps_tenants = self._function("ops_tenants", timeout_s=25, memory_mb=1024)
        keeps_tenants.can_read(data.tenants, partners, data.users).can_write(data.tenants).can_append(data.audit)
        # A tenant's webhooks end with it, and what it was told of its partners' trouble.
        keeps_tenants.can_read(data.webhooks, data.events).can_write(data.webhooks, data.events).knows(*base_url)
        self._may_hand_out_keys(keeps_tenants)
        admits = self._function("ops_access", timeout_s=60)
        admits.can_read(partners).can_write(partners).can_append(data.audit).can_use_key(*token_key).knows(*base_url)
        viewer = self._function("ops_sessions", timeout_s=60)
        viewer.can_read(partners, sessions, requests, locations, tariffs).can_write(partners, requests)
        viewer.can_read(data.evse_ownership, data.users)
        viewer.can_write(sessions).can_send(send)
        viewer.can_use_key(*token_key)
        orders = self._function("ops_history", timeout_s=60)
        orders.can_read(partners, history).can_write(history).can_send(pages)

        if self._stage.is_local:
            for calls_peers in (
                viewer,
                authoriser,
                credentials,
                sender,
                puller,
                refresh,
                admits,
                rotation,
                administration,
                operators,
            ):
                calls_peers.knows("LOOPBACK_PEERS", "allowed")

    def _make_app_functions(self, data: DataStack) -> None:
        """What tenants' apps call."""
        base_url = ("BASE_URL", self._api.base_url)
        users = self._function("app_users", timeout_s=10, memory_mb=1024)
        users.can_read(data.users, data.app_requests).can_write(data.users, data.app_requests, data.own_markets)
        users.knows(*base_url)
        erases = self._function("erase_users", timeout_s=50)
        touched = (data.users, data.sessions, data.connect_sessions, data.habits, data.app_requests, data.events)
        erases.can_read(*touched, data.evse_ownership).can_write(*touched, data.evse_ownership)
        erases.can_send(self._queues["events"], self._queues["plan"])
        connects = self._function("app_connect", timeout_s=10, memory_mb=1024)
        connects.can_read(data.tenants, data.users, data.connect_sessions, data.app_requests)
        connects.can_write(data.connect_sessions, data.app_requests).knows(*base_url)
        chargers = self._function("app_chargers", timeout_s=10, memory_mb=1024)
        chargers.can_read(data.users, data.profile_requests, data.partners, data.locations, data.tariffs)
        chargers.can_read(data.app_requests, data.evse_ownership)
        chargers.can_write(data.users, data.app_requests, data.evse_ownership, data.events)
        chargers.can_send(self._queues["events"])
        # A change of settings, or of a charging location, wants plans in the same transaction.
        for wishes in (users, chargers):
            wishes.can_read(data.sessions).can_write(data.sessions).can_send(self._queues["plan"])

    def _make_pairing_functions(self, data: DataStack) -> None:
        """What lets drivers connect their chargers: the pages, who asks CPOs for codes, and who takes up what got
        lost."""
        pairing, events, plan = self._queues["pairing"], self._queues["events"], self._queues["plan"]
        pages = self._function("pair", timeout_s=10, memory_mb=1024)
        pages.can_read(data.tenants, data.users, data.partners, data.connect_sessions)
        pages.can_write(data.connect_sessions).can_send(pairing)
        links = self._function("pair_chargers")
        links.can_read(data.partners, data.users, data.evse_ownership, data.connect_sessions, data.sessions)
        links.can_write(data.partners, data.users, data.evse_ownership, data.connect_sessions, data.sessions)
        links.can_write(data.events, data.own_markets).can_send(pairing, events, plan)
        links.can_use_key(data.token_key, "TOKEN_KEY_ID")
        # What CPOs begin. It calls nobody.
        hears = self._function("ocpi_pairing", timeout_s=25, memory_mb=1024)
        hears.can_read(data.tenants, data.users, data.evse_ownership, data.connect_sessions, data.sessions)
        hears.can_write(data.users, data.evse_ownership, data.connect_sessions, data.sessions, data.events)
        hears.can_write(data.own_markets).can_send(events, plan)
        shows = self._function("ops_pairings", timeout_s=25)
        shows.can_read(data.partners, data.evse_ownership, data.connect_sessions).can_write(data.evse_ownership)
        sweep = self._function("sweep_pairings", timeout_s=55)
        sweep.can_read(data.users, data.connect_sessions).can_write(data.connect_sessions).can_send(pairing)
        # It also tells CPOs of un-pairings.
        sweep.can_read(data.partners, data.evse_ownership, data.sessions)
        sweep.can_write(data.partners, data.evse_ownership, data.sessions).can_send(plan)
        sweep.can_use_key(data.token_key, "TOKEN_KEY_ID")
        if self._stage.is_local:
            for calls_peers in (links, sweep):
                calls_peers.knows("LOOPBACK_PEERS", "allowed")

    def _make_webhook_functions(self, data: DataStack) -> None:
        """What tells tenants' receivers of events, and what tenants call about that."""
        events, webhooks = self._queues["events"], self._queues["webhooks"]
        publisher = self._function("publish_events")
        publisher.can_read(data.events, data.webhooks).can_write(data.events, data.webhooks).can_send(events, webhooks)
        courier = self._function("deliver_webhooks").can_read(data.webhooks, data.tenants).can_write(data.webhooks)
        courier.can_send(webhooks).can_use_key(data.token_key, "TOKEN_KEY_ID", encrypt=False)
        sweep = self._function("sweep_webhooks", timeout_s=50)
        sweep.can_read(data.events, data.webhooks, data.partners, data.tenants).can_write(data.events)
        sweep.can_send(events, webhooks)
        # Operators see what is paused; tenants have it go on.
        self._function("ops_webhooks", timeout_s=30).can_read(data.webhooks)
        # A test call waits for the tenant's receiver.
        calls = self._function("app_webhooks", timeout_s=15, memory_mb=1024)
        calls.can_read(data.webhooks, data.app_requests).can_write(data.webhooks, data.app_requests)
        calls.can_send(webhooks).can_use_key(data.token_key, "TOKEN_KEY_ID").knows("BASE_URL", self._api.base_url)
        if self._stage.is_local:
            for calls_receivers in (courier, calls):
                calls_receivers.knows("LOOPBACK_PEERS", "allowed")

    def _may_hand_out_keys(self, function: Function) -> None:
        """Make API keys, and put them into this stage's usage plan.

        The plan waits for all functions behind the partners' API, so that none of those can be told of it.
        """
        plan_id = self._api.usage_plan.usage_plan_id
        root = f"arn:{self.partition}:apigateway:{self.region}::"
        function.may(("apigateway:POST",), f"{root}/apikeys", f"{root}/usageplans/{plan_id}/keys")
        function.knows("USAGE_PLAN_ID", plan_id)

    def _connect(self) -> None:
        """Lead requests, messages and ticks to the functions that routes.py names."""
        functions = self._functions
        self._api.authorise_with(functions["authorise"])
        for route in routes.ROUTES:
            self._api.route(route, functions[route.function])
        for name in {route.function: None for route in routes.ROUTES}:
            self._api.may_invoke(functions[name])
        places = routes.operator_places()
        for place, name in places.items():
            self._operator_api.serve(place, functions[name])
        for route in routes.OPERATOR_ROUTES:
            if routes.operator_place(route) not in places:
                self._operator_api.route(route, functions[route.function])
        for name in {route.function: None for route in routes.OPERATOR_ROUTES}:
            self._operator_api.may_invoke(functions[name])
        for worker in routes.WORKERS:
            work(functions[worker.function], self._queues[worker.queue], worker)
        Clocks(self, "Clocks", routes.CLOCKS, functions)

    def _function(self, name: str, *, timeout_s: int | None = None, memory_mb: int = 512) -> Function:
        """A worker's time-out is in routes.py, because its queue needs it too. Who keeps somebody waiting gets 1 GB,
        for the processor that a cold start needs; who waits himself, or runs by the clock, is cheaper with less."""
        timeouts = {worker.function: worker.timeout_s for worker in routes.WORKERS}
        environment = {
            "POWERTOOLS_SERVICE_NAME": self._stage.service_name,
            "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        if self._stage.simulated_clock_file:
            environment["SIMULATED_CLOCK_FILE"] = self._stage.simulated_clock_file
        function = self._functions[name] = Function(
            self,
            name,
            layers=self._layers.both,
            tracing=self._tracing,
            environment=environment,
            timeout_s=timeout_s or timeouts[name],
            memory_mb=memory_mb,
        )
        return function

    def _tell(self) -> None:
        """Output what operators' commands and the local cloud look up, by the names of the house."""
        CfnOutput(self, "BaseUrl", value=self._api.base_url)
        CfnOutput(self, "OperatorUrl", value=self._operator_api.url)
        CfnOutput(self, "AlarmTopicArn", value=self._alarm_topic.topic.topic_arn)
        for name, function in self._functions.items():
            CfnOutput(self, f"{pascal(name)}Function", value=function.function.function_name)
        for name, queue in self._queues.items():
            CfnOutput(self, f"{pascal(name)}QueueUrl", value=queue.queue.queue_url)
            CfnOutput(self, f"{pascal(name)}DeadLettersUrl", value=queue.dead_letters.queue_url)
