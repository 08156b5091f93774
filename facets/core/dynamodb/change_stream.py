"""A DynamoDB table's own stream of changes: what became of its STATE records, shard by shard, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from facets.core.dynamodb.scan import state_of
from facets.core.dynamodb.store import DynamoTable, _code, _translated
from facets.core.errors import InvalidRecord, TableNotFound
from facets.core.records import STATE_KEY, Record

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

# Streams keep their records for a day.
KEPT = 24 * 3_600_000  # milliseconds

# Whatever else a stream holds, it must hold what items became.
VIEWS = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")


class Trimmed(Exception):
    """What was asked for is older than what the stream keeps: changes were missed."""


class StreamEnded(Exception):
    """The stream was disabled: nothing is added to it any more."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of the stream; `parent` is the one to be read before it, "" for none. Closed: nothing will be added."""

    id: str
    parent: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """What became of one STATE record.

    Attributes:
        key: `FACET/ID`, the partition key.
        state: as it is since; None where it was deleted. Made as `facets.core.dynamodb.scan.state_of` does.
        at: when, in milliseconds since 1970, to the second.
    """

    key: str
    state: Record | None
    at: int


@dataclass(frozen=True, slots=True)
class ShardRead:
    """Some of a shard's records, of which `changes` are about states.

    Attributes:
        sequence: of the last record read, from where to go on; None where there was none.
        at: when that one happened.
        next: what to read on with; None at the end of a closed shard.
        unreadable: states that are not of hde's format; they were passed over.
    """

    changes: list[StateChange]
    sequence: str | None
    at: int | None
    next: str | None
    unreadable: int


class Stream:
    """The stream of a table. Each method raises StoreUnavailable, and Trimmed or StreamEnded where it says so.

    Attributes:
        enabled: whether changes were still added when `shards` was asked last.
    """

    def __init__(self, table: DynamoTable, arn: str) -> None:
        self.arn = arn
        self.enabled = True
        self._table = table.name
        self._client = _client_beside(table)

    def since(self) -> int:
        """When the stream was enabled, in milliseconds since 1970. Raises StreamEnded where it is gone."""
        found = self._described(Limit=1)
        return int(found["CreationRequestDateTime"].timestamp() * 1000)

    def shards(self) -> list[Shard]:
        """All that the stream still knows of. Raises StreamEnded where it is gone."""
        found: list[Shard] = []
        request: dict[str, Any] = {}
        while True:
            page = self._described(**request)
            self.enabled = page["StreamStatus"] in ("ENABLING", "ENABLED")
            found += [
                Shard(each["ShardId"], each.get("ParentShardId", "")) for each in page.get("Shards", [])
            ]
            if "LastEvaluatedShardId" not in page:
                return found
            request["ExclusiveStartShardId"] = page["LastEvaluatedShardId"]

    def iterator(self, shard: str, after: str = "") -> str:
        """Where to begin reading: after a sequence number, or with the oldest record there is. Raises Trimmed."""
        place: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if after:
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        with self._trimmed_named():
            answer = self._client.get_shard_iterator(StreamArn=self.arn, ShardId=shard, **place)
        return answer["ShardIterator"]

    def read(self, iterator: str) -> ShardRead | None:
        """The next records; None where the iterator is too old and another one must be asked for. Raises Trimmed."""
        try:
            with self._trimmed_named():
                answer: Any = self._client.get_records(ShardIterator=iterator, Limit=1000)
        except _Expired:
            return None
        changes: list[StateChange] = []
        unreadable = 0
        records = answer.get("Records", [])
        for each in records:
            change = each["dynamodb"]
            if change["Keys"].get("_rng", {}).get("S") != STATE_KEY:
                continue
            at = int(change["ApproximateCreationDateTime"].timestamp() * 1000)
            key = change["Keys"]["_id"]["S"]
            if each["eventName"] == "REMOVE":
                changes.append(StateChange(key, None, at))
                continue
            try:
                changes.append(StateChange(key, state_of(change.get("NewImage", {})), at))
            except InvalidRecord:
                unreadable += 1
        last = records[-1]["dynamodb"] if records else None
        return ShardRead(
            changes,
            last["SequenceNumber"] if last else None,
            int(last["ApproximateCreationDateTime"].timestamp() * 1000) if last else None,
            answer.get("NextShardIterator"),
            unreadable,
        )

    def close(self) -> None:
        self._client.close()

    def _described(self, **request: Any) -> Any:
        try:
            with _translated(self._table):
                return self._client.describe_stream(StreamArn=self.arn, **request)["StreamDescription"]
        except TableNotFound as error:
            # A disabled one can be read for another day.
            raise StreamEnded from error

    @contextmanager
    def _trimmed_named(self) -> Iterator[None]:
        with _translated(self._table):
            try:
                yield
            except ClientError as error:
                # A shard that is gone has been trimmed altogether.
                if _code(error) in ("TrimmedDataAccessException", "ResourceNotFoundException"):
                    raise Trimmed from error
                if _code(error) == "ExpiredIteratorException":
                    raise _Expired from error
                raise


class _Expired(Exception):
    """An iterator is good for a quarter of an hour."""


def _client_beside(table: DynamoTable) -> DynamoDBStreamsClient:
    """A client of the streams where the table's client is: AWS has hosts of their own for them, others have not."""
    endpoint = table.client.meta.endpoint_url
    host = urlsplit(endpoint).hostname or ""
    on_aws = host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))
    config = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 3},
        tcp_keepalive=True,
    )
    return boto3.client(
        "dynamodbstreams",
        config=config,
        region_name=table.client.meta.region_name,
        endpoint_url=None if on_aws else endpoint,
    )
