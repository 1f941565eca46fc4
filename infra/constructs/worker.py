"""A function that works a queue; each message of a batch fails or succeeds by itself."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources

from infra import routes
from infra.constructs.acknowledge import acknowledge
from infra.constructs.function import Function
from infra.constructs.queue import Queue


def work(function: Function, queue: Queue, worker: routes.Worker) -> None:
    """Let Lambda hand the queue's messages to the function. FIFO queues have no batching window, so none has."""
    source = sources.SqsEventSource(
        queue.queue,
        batch_size=worker.batch_size,
        max_concurrency=worker.max_concurrency,
        report_batch_item_failures=True,
    )
    function.function.add_event_source(source)
    for mapping in function.function.node.find_all():
        if isinstance(mapping, lambda_.CfnEventSourceMapping):
            acknowledge(
                mapping,
                {
                    ("Serverless-LambdaEventSourceMappingDestination",): "Lambda has no destination for failed SQS "
                    "messages: the queue itself moves them to its dead letters."
                },
            )
