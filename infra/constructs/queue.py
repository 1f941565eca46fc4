"""A queue with its dead letters and the alarms on both."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.names import pascal

MAX_RECEIVE_COUNT = 5


class Queue(Construct):
    """A FIFO queue (in order and at full speed within each message group) or a standard one (fair between groups)."""

    def __init__(self, scope: Construct, name: str, *, fifo: bool, worker_timeout_s: int, alarms: AlarmTopic) -> None:
        super().__init__(scope, f"{pascal(name)}Queue")
        self.name = name
        self.variable = f"{name.upper()}_QUEUE_URL"
        self.dead_letters = self._queue("DeadLetters", fifo=fifo, retention_period=Duration.days(14))
        self.queue = self._queue(
            "Queue",
            fifo=fifo,
            retention_period=Duration.days(4),
            # Lambda's advice: six times the function's time-out, or a message being worked could be handed out again.
            visibility_timeout=Duration.seconds(6 * worker_timeout_s),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=MAX_RECEIVE_COUNT, queue=self.dead_letters),
        )
        # One policy for both: a stack holds 500 resources.
        both = (self.queue, self.dead_letters)
        sqs.QueuePolicy(self, "Policy", queues=list(both)).document.add_statements(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["sqs:*"],
                resources=[each.queue_arn for each in both],
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            )
        )
        acknowledge(
            self.dead_letters,
            {
                (
                    "Serverless-SQSRedrivePolicy",
                ): "This is where redriven messages end; an alarm and a replay command wait."
            },
        )
        alarms.rings_when(
            self,
            "DeadLettersWait",
            self.dead_letters.metric_approximate_number_of_messages_visible(
                statistic="Maximum", period=Duration.minutes(1)
            ),
            at_least=1,
            meaning=f"Messages of the {name} queue failed {MAX_RECEIVE_COUNT} times. Find the cause in the log of the "
            "function that works it, mend it, then replay the dead letters.",
        )
        alarms.rings_when(
            self,
            "MessagesGrowOld",
            self.queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=Duration.minutes(1)),
            at_least=300,
            periods=5,
            meaning=f"Messages of the {name} queue wait for more than 5 minutes: its function fails, is throttled, or "
            "cannot keep up.",
        )

    def _queue(
        self,
        name: str,
        *,
        fifo: bool,
        retention_period: Duration,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            fifo=fifo or None,  # CloudFormation takes true or nothing
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP if fifo else None,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID if fifo else None,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            retention_period=retention_period,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
        )
