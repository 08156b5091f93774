"""EventDB and DynamoTable: the only module that calls DynamoDB.

Expressions name attributes by #placeholder only: DynamoDB refuses bare names that begin with an underscore.
"""

from __future__ import annotations

import os
import random
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoRegionError, WaiterError

from facets.core import json
from facets.core.dynamodb.paging import Span, find_page
from facets.core.errors import (
    FacetError,
    InvalidRecord,
    SequenceConflict,
    StateReplaced,
    StoreUnavailable,
    TableNotFound,
)
from facets.core.history import Log, LogEntry, in_history_order, log_of
from facets.core.pages import MAX_UNPLACED, Place, Window
from facets.core.records import (
    LONGEST_RNG,
    STATE_KEY,
    Item,
    Record,
    key_fits,
    kind_of,
    partition_key,
)
from facets.core.sort_keys import end_of
from facets.core.store import (
    FacetPage,
    HistoryPage,
    ReadCost,
    StatePage,
    check_transaction,
    operation_id_or_new,
)
from facets.core.streaming import LogSpan, StreamEntry, entry_of, stream
from facets.core.unreadable import (
    StoredRecord,
    UnreadableRecord,
    UnreadableState,
    is_another_state,
    is_of_another,
    read_item,
    seq_of,
    ts_of,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# One page of a list waits for at most this many 1 MB reads.
_READS_PER_PAGE = 4

# How often a write that met another transaction on the same entity is sent again, under the same token.
_CONTENTION_RETRIES = 8

# How often keys that DynamoDB left unread are asked for again without any of them being read.
_UNREAD_RETRIES = 8

# How many requests for one page of a history are under way at once.
_READERS = 8

_BATCH = 25
_LOADERS = 8

# Codes after which the same call may succeed later, and those with which AWS turns the caller away.
_UNAVAILABLE = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InternalServerError",
        "InvalidSignatureException",
        "LimitExceededException",
        "MissingAuthenticationToken",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionInProgressException",
        "UnrecognizedClientException",
    }
)


def make_client(**options: Any) -> DynamoDBClient:
    """A DynamoDB client that gives up within seconds; `options` go to `boto3.client`, `config` over what is set here.

    A call connects within 2 s and is answered within 5 s, or is tried again, 3 times in all. Share one among the
    threads of a process. The region is that of AWS_REGION, which boto3 by itself does not read.

    Raises:
        StoreUnavailable: there is no region.
    """
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=64,
        tcp_keepalive=True,
    ).merge(options.pop("config", Config()))
    try:
        return boto3.client(
            "dynamodb", config=config, **{"region_name": os.environ.get("AWS_REGION"), **options}
        )
    except NoRegionError as error:
        raise StoreUnavailable("AWS_REGION is not set.") from error


def create_table(
    client: DynamoDBClient, table: str, *, states_index: bool = False, stream: bool = False
) -> None:
    """Make a table with hde's key schema and on-demand billing; returns when it is ACTIVE.

    A table of that name that is there already is left as it is.

    Args:
        states_index: with an index from which all states can be read without the events; see `facets.core.dynamodb.scan`.
        stream: with a stream of its changes; see `facets.core.dynamodb.change_stream`.

    Raises:
        StoreUnavailable
    """
    options: dict[str, Any] = {}
    if states_index:
        options["GlobalSecondaryIndexes"] = [_STATES_INDEX]
    if stream:
        options["StreamSpecification"] = _STREAM
    with _translated(table):
        try:
            client.create_table(
                TableName=table,
                KeySchema=[
                    {"AttributeName": "_id", "KeyType": "HASH"},
                    {"AttributeName": "_rng", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=_KEY_ATTRIBUTES,
                BillingMode="PAY_PER_REQUEST",
                **options,
            )
        except ClientError as error:
            if _code(error) != "ResourceInUseException":
                raise
        client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def extend_table(
    client: DynamoDBClient, table: str, *, states_index: bool = False, stream: bool = False
) -> None:
    """Add to a table that is there what `create_table` can make it with. DynamoDB goes on with it after this returns.

    Raises:
        InvalidRecord: the table has it already, under the same name.
        TableNotFound, StoreUnavailable
    """
    # One change at a time is all that DynamoDB takes.
    with _translated(table):
        if stream:
            client.update_table(TableName=table, StreamSpecification=_STREAM)
            client.get_waiter("table_exists").wait(
                TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
        if states_index:
            client.update_table(
                TableName=table,
                AttributeDefinitions=_KEY_ATTRIBUTES,
                GlobalSecondaryIndexUpdates=[{"Create": _STATES_INDEX}],
            )


_KEY_ATTRIBUTES: Any = [
    {"AttributeName": "_id", "AttributeType": "S"},
    {"AttributeName": "_rng", "AttributeType": "S"},
]
_STATES_INDEX: Any = {
    "IndexName": "states",
    "KeySchema": [
        {"AttributeName": "_rng", "KeyType": "HASH"},
        {"AttributeName": "_id", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["_facet", "_seq", "_ts", "_itm"]},
}
_STREAM: Any = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}


class EventDB:
    """One facet's records in a DynamoDB table. See EventStore for what each method promises.

    Args:
        client: boto3.client("dynamodb"); may be shared by threads. `make_client` makes one with short timeouts.
    """

    def __init__(self, client: DynamoDBClient, table: str, facet: str) -> None:
        self.client = client
        self.table = table
        self.facet = facet
        _watch_for_lost_answers(client)

    def get_state(self, id: str) -> Record | None:
        state = self.read_state(id)
        if isinstance(state, UnreadableRecord):
            raise UnreadableState(state)
        return state

    def read_state(self, id: str) -> StoredRecord | None:
        item = self.get_item(id, STATE_KEY)
        return read_item(item, self.facet) if item else None

    def get_item(self, id: str, rng: str) -> Item | None:
        if not key_fits(self.facet, id) or not 0 < len(rng.encode(errors="surrogatepass")) <= LONGEST_RNG:
            return None
        with _translated(self.table):
            answer = self.client.get_item(
                TableName=self.table,
                Key={"_id": {"S": partition_key(self.facet, id)}, "_rng": {"S": rng}},
                ConsistentRead=True,
            )
        item = answer.get("Item")
        return item if item and not is_of_another(item, self.facet) else None

    def get_foreign(self, id: str, *, limit: int = MAX_UNPLACED) -> list[UnreadableRecord]:
        if not key_fits(self.facet, id):
            return []
        found: list[UnreadableRecord] = []
        for condition, bounds in _FOREIGN:
            request = self._of_partition(id)
            request["KeyConditionExpression"] += f" AND {condition}"
            request["ExpressionAttributeNames"]["#rng"] = "_rng"
            request["ExpressionAttributeValues"] |= {name: {"S": key} for name, key in bounds.items()}
            with _translated(self.table):
                # One answer of each stretch: to name some is enough.
                page = self.client.query(Limit=limit, **request)
            records = [read_item(item, self.facet) for item in page["Items"]]
            found += [r for r in records if isinstance(r, UnreadableRecord) and r.kind is None]
        return found[:limit]

    def get_records(self, id: str) -> list[StoredRecord]:
        return in_history_order(record for item in self._query(id) if (record := self._read(item)))

    def _read(self, item: Item) -> StoredRecord | None:
        """A record of the entity; None for what is foreign or another facet's."""
        record = read_item(item, self.facet)
        return record if record and record.kind else None

    def get_log(self, id: str) -> Log:
        try:
            # Whether a record is of hde's form is asked where the records are, so that the rest need not travel.
            items = list(self._query(id, sound=True))
        except _Unsound:
            return self._log_with_unreadable(id)
        state_seq: int | None = None
        state_itm: str | None = None
        entries: list[LogEntry] = []
        for item in items:
            rng = item["_rng"]["S"]
            seq = seq_of(item)
            if seq is None or kind_of(rng) is None:
                return self._log_with_unreadable(id)
            if rng.startswith("INBOUND/"):
                entries.append(LogEntry(seq, item["_typ"]["S"], item["_itm"]["S"]))
            elif rng == STATE_KEY:
                state_seq, state_itm = seq, item["_itm"]["S"]
        entries.sort()
        return Log(state_seq, state_itm, entries)

    def _log_with_unreadable(self, id: str) -> Log:
        return log_of(self.get_records(id))

    def stream(
        self, id: str, *, after: int = 0, upto: int | None = None, inbound_types: Collection[str] = ()
    ) -> Generator[StreamEntry, None, None]:
        if key_fits(self.facet, id):
            yield from stream(_Log(self, id), inbound_types, after=after, upto=upto)

    def get_page(
        self,
        id: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        inbound_types: Collection[str] = (),
        outbound_types: Collection[str] = (),
    ) -> HistoryPage:
        place = Place(before, after, limit)
        if not key_fits(self.facet, id):
            return Window(place).page(
                None, ReadCost(0, 0, 0.0), inbound_types=inbound_types, outbound_types=outbound_types
            )
        return find_page(_Keys(self, id), place, inbound_types, outbound_types)

    def put_state(
        self,
        state: Record,
        previous_seq: int,
        inbound: Sequence[Record] = (),
        outbound: Sequence[Record] = (),
        *,
        previous: StoredRecord | None = None,
        operation_id: str | None = None,
    ) -> None:
        records = check_transaction(self.facet, state, inbound, outbound)
        condition = "#seq = :previous AND #facet = :facet"
        names = {"#seq": "_seq", "#facet": "_facet"}
        values: dict[str, Any] = {":previous": {"N": str(previous_seq)}, ":facet": {"S": self.facet}}
        if isinstance(previous, UnreadableRecord):
            condition, names, values = _unchanged(previous)
        elif previous is not None:
            condition += " AND #ts = :ts AND #itm = :itm"
            names |= {"#ts": "_ts", "#itm": "_itm"}
            values |= {":ts": {"N": str(previous.ts)}, ":itm": {"S": previous.itm}}
        elif previous_seq == 0:
            condition = f"attribute_not_exists(#id) OR ({condition})"
            names["#id"] = "_id"
        puts: list[Any] = [
            {
                "Put": {
                    "TableName": self.table,
                    "Item": record.to_item(),
                    "ConditionExpression": "attribute_not_exists(#id)",
                    "ExpressionAttributeNames": {"#id": "_id"},
                }
            }
            for record in records
        ]
        puts[-1]["Put"] |= {
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        } | ({"ExpressionAttributeValues": values} if values else {})
        token = operation_id_or_new(operation_id)
        for attempt in range(_CONTENTION_RETRIES + 1):
            if attempt:
                time.sleep(random.uniform(0, min(0.2, 0.004 * 2**attempt)))
            try:
                with _translated(self.table, writes=True):
                    self.client.transact_write_items(TransactItems=puts, ClientRequestToken=token)
                return
            except _Cancelled as cancelled:
                self._explain(cancelled, state, previous_seq, previous)
        # Every attempt met another transaction on the entity: who writes that much has moved it on, or will.
        now = self.read_state(state.entity_id)
        actual_seq = (now.seq or 0) if now else 0
        if actual_seq != previous_seq:
            raise SequenceConflict(state.entity_id, expected_seq=previous_seq, actual_seq=actual_seq)
        raise StoreUnavailable("Other writers hold this entity; nothing was written.")

    def _explain(
        self, cancelled: _Cancelled, state: Record, previous_seq: int, previous: StoredRecord | None
    ) -> None:
        """Raise what a cancelled transaction means; return where it merely met another one and can be sent again."""
        reasons = cancelled.reasons
        codes = {reason.get("Code") for reason in reasons} - {"None"}
        if "ConditionalCheckFailed" in codes:
            last = reasons[-1]
            if last.get("Code") == "ConditionalCheckFailed" and "Item" in last:
                now = read_item(last["Item"], self.facet)
            else:
                # An event is there that STATE does not know of, or the engine does not return what it found.
                now = self.read_state(state.entity_id)
            actual_seq = (now.seq or 0) if now else 0
            if actual_seq == previous_seq:
                if previous and now and is_another_state(now, previous):
                    raise StateReplaced(state.entity_id, seq=previous_seq) from cancelled.__cause__
                actual_seq = self.get_log(state.entity_id).seq
            raise SequenceConflict(
                state.entity_id, expected_seq=previous_seq, actual_seq=actual_seq
            ) from cancelled.__cause__
        if codes & _UNAVAILABLE:
            raise StoreUnavailable(", ".join(sorted(map(str, codes)))) from cancelled.__cause__
        if "ItemCollectionSizeLimitExceeded" in codes or "ValidationError" in codes:
            raise InvalidRecord(
                f"DynamoDB refused the records: {cancelled}", id=state.id
            ) from cancelled.__cause__
        if codes - {"TransactionConflict"}:
            raise FacetError(str(cancelled)) from cancelled.__cause__

    def _of_partition(self, id: str) -> dict[str, Any]:
        return {
            "TableName": self.table,
            "KeyConditionExpression": "#id = :id",
            "ExpressionAttributeNames": {"#id": "_id"},
            "ExpressionAttributeValues": {":id": {"S": partition_key(self.facet, id)}},
            "ConsistentRead": True,
        }

    def _query(self, id: str, *, sound: bool = False) -> Iterator[dict[str, Any]]:
        """Every item of the entity's partition, in the order of their keys, page after page.

        Args:
            sound: of each only what a replay needs; raises _Unsound where one of them is not of hde's form.
        """
        if not key_fits(self.facet, id):
            return
        request = self._of_partition(id)
        if sound:
            request |= {
                "FilterExpression": _IS_SOUND,
                "ProjectionExpression": "#rng, #seq, #typ, #itm",
            }
            request["ExpressionAttributeNames"] |= _SOUND_NAMES | {"#rng": "_rng"}
            request["ExpressionAttributeValues"] |= _SOUND_VALUES | {":facet": {"S": self.facet}}
        while True:
            with _translated(self.table):
                page = self.client.query(**request)
            if sound and page["Count"] != page["ScannedCount"]:
                raise _Unsound
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


class _Unsound(Exception):
    """An item of the partition is not a record of hde's form."""


# Whether an item is a record of hde's form, but for the range of its numbers. Keys cannot stand in a filter.
_IS_SOUND = (
    "#facet = :facet AND attribute_type(#typ, :text) AND attribute_type(#seq, :number)"
    " AND attribute_type(#ts, :number) AND attribute_type(#date, :text) AND attribute_type(#itm, :text)"
    " AND (attribute_not_exists(#meta) OR attribute_type(#meta, :text))"
)
_SOUND_NAMES = {f"#{name}": f"_{name}" for name in ("facet", "typ", "seq", "ts", "date", "itm", "meta")}
_SOUND_VALUES = {":text": {"S": "S"}, ":number": {"S": "N"}}

# The stretches of a partition in which no key is one of hde's; the ends of two of them are.
_FOREIGN = (
    ("#rng < :end", {":end": "INBOUND/"}),
    ("#rng BETWEEN :begin AND :end", {":begin": end_of("INBOUND/"), ":end": "OUTBOUND/"}),
    ("#rng BETWEEN :begin AND :end", {":begin": end_of("OUTBOUND/"), ":end": STATE_KEY}),
    ("#rng > :begin", {":begin": STATE_KEY}),
)


def _unchanged(previous: UnreadableRecord) -> tuple[str, dict[str, str], dict[str, Any]]:
    """A condition that STATE is still what was read, attribute by attribute, with its names and values."""
    names = {f"#{name}": f"_{name}" for name in ("facet", "typ", "seq", "ts", "date", "itm", "meta")}
    there = {name for name, attribute in names.items() if attribute in previous.item}
    parts = [f"{name} = :{name[1:]}" if name in there else f"attribute_not_exists({name})" for name in names]
    values = {f":{name[1:]}": previous.item[names[name]] for name in there}
    return " AND ".join(["attribute_exists(#id)", *parts]), names | {"#id": "_id"}, values


class _Keys:
    """One entity's records by their sort keys, and what it cost to read them. See KeyReader."""

    def __init__(self, db: EventDB, id: str) -> None:
        self._db = db
        self._id = id
        self._key = {"S": partition_key(db.facet, id)}
        self._lock = threading.Lock()
        self._records = self._requests = 0
        self._capacity = 0.0

    def query(
        self,
        first: str | None,
        last: str | None,
        *,
        limit: int | None = None,
        seqs: range | None = None,
        start: str | None = None,
    ) -> Span:
        request: dict[str, Any] = {
            "KeyConditionExpression": "#id = :id",
            "ExpressionAttributeNames": {"#id": "_id"},
            "ExpressionAttributeValues": {":id": self._key},
        }
        if first or last:
            bounds = {":first": first, ":last": last}
            request["KeyConditionExpression"] += (
                " AND #rng BETWEEN :first AND :last"
                if first and last
                else " AND #rng <= :last"
                if last
                else " AND #rng >= :first"
            )
            request["ExpressionAttributeNames"]["#rng"] = "_rng"
            request["ExpressionAttributeValues"] |= {name: {"S": key} for name, key in bounds.items() if key}
        if seqs is not None:
            # One whose seq is no number may belong there too.
            request["FilterExpression"] = "#seq BETWEEN :low AND :high OR NOT attribute_type(#seq, :number)"
            request["ExpressionAttributeNames"]["#seq"] = "_seq"
            request["ExpressionAttributeValues"] |= {
                ":low": {"N": str(seqs[0])},
                ":high": {"N": str(seqs[-1])},
                ":number": {"S": "N"},
            }
        if limit is not None:
            request["Limit"] = limit
        if start is not None:
            request["ExclusiveStartKey"] = {"_id": self._key, "_rng": {"S": start}}
        page = self._ask(request)
        stopped_at = page["LastEvaluatedKey"]["_rng"]["S"] if "LastEvaluatedKey" in page else None
        records = (read_item(item, self._db.facet) for item in page["Items"])
        return Span([record for record in records if record], stopped_at)

    def below(self, key: str) -> str | None:
        page = self._ask(
            {
                "KeyConditionExpression": "#id = :id AND #rng < :key",
                "ProjectionExpression": "#rng",
                "ExpressionAttributeNames": {"#id": "_id", "#rng": "_rng"},
                "ExpressionAttributeValues": {":id": self._key, ":key": {"S": key}},
                "Limit": 1,
            }
        )
        return next((item["_rng"]["S"] for item in page["Items"]), None)

    def get(self, keys: Sequence[str]) -> list[StoredRecord]:
        items: list[Item] = []
        wanted = [{"_id": self._key, "_rng": {"S": key}} for key in keys]
        for found, capacity in batch_get(self._db.client, self._db.table, wanted):
            self._count(len(found), capacity)
            items += found
        return [record for item in items if (record := read_item(item, self._db.facet))]

    def state(self) -> StoredRecord | None:
        item = self._db.get_item(self._id, STATE_KEY)
        self._count(1, _read_units(item) if item else 1)
        return read_item(item, self._db.facet) if item else None

    def together(self, jobs: Sequence[Callable[[], list[StoredRecord]]]) -> list[StoredRecord]:
        if len(jobs) < 2:
            return [record for job in jobs for record in job()]
        # A pool for each call: one that is kept would not survive the fork of a server's workers.
        with ThreadPoolExecutor(min(len(jobs), _READERS)) as pool:
            return [record for records in pool.map(lambda job: job(), jobs) for record in records]

    def cost(self) -> ReadCost:
        return ReadCost(self._records, self._requests, self._capacity)

    def _ask(self, request: dict[str, Any]) -> Any:
        with _translated(self._db.table):
            page = self._db.client.query(
                TableName=self._db.table,
                ConsistentRead=True,
                ScanIndexForward=False,
                ReturnConsumedCapacity="TOTAL",
                **request,
            )
        self._count(page["ScannedCount"], _capacity(page))
        return page

    def _count(self, records: int, capacity: float) -> None:
        with self._lock:
            self._records += records
            self._requests += 1
            self._capacity += capacity


class _Log:
    """One entity's inbound events by their sort keys, with only what a replay needs of each. See LogReader."""

    def __init__(self, db: EventDB, id: str) -> None:
        self._db = db
        self._keys = _Keys(db, id)
        self._id = id

    def state_seq(self) -> int | None:
        state = self._db.read_state(self._id)
        return state.seq if state else None

    def everything(self) -> list[StreamEntry]:
        entries: list[StreamEntry] = []
        start = None
        while True:
            page = self._ask("INBOUND/", end_of("INBOUND/"), None, start)
            records = (read_item(item, self._db.facet) for item in page["Items"])
            entries += [entry_of(record) for record in records if record and record.kind]
            if "LastEvaluatedKey" not in page:
                entries.sort()
                return entries
            start = page["LastEvaluatedKey"]["_rng"]["S"]

    def span(self, first: str, last: str, seqs: range, start: str | None, limit: int) -> LogSpan:
        page = self._ask(first, last, seqs, start, limit)
        stopped_at = page["LastEvaluatedKey"]["_rng"]["S"] if "LastEvaluatedKey" in page else None
        entries = (_entry(item) for item in page["Items"])
        return LogSpan([entry for entry in entries if entry], stopped_at)

    def below(self, key: str) -> str | None:
        return self._keys.below(key)

    def entries(self, keys: Collection[str]) -> list[StreamEntry]:
        keys = list(keys)
        chunks = [keys[place : place + 100] for place in range(0, len(keys), 100)]
        records = self._keys.together([partial(self._keys.get, chunk) for chunk in chunks])
        return [entry_of(record) for record in records]

    def ahead(self, spans: Callable[[str | None], LogSpan]) -> Iterator[StreamEntry]:
        # A thread for each stream, and for no longer than it is used: see _Keys.together.
        with ThreadPoolExecutor(1) as pool:
            span = spans(None)
            while True:
                following = pool.submit(spans, span.stopped_at) if span.stopped_at is not None else None
                yield from span.entries
                if following is None:
                    return
                span = following.result()

    def _ask(
        self, first: str, last: str, seqs: range | None, start: str | None, limit: int | None = None
    ) -> Any:
        request: dict[str, Any] = {
            "KeyConditionExpression": "#id = :id AND #rng BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#id": "_id", "#rng": "_rng"},
            "ExpressionAttributeValues": {
                ":id": {"S": partition_key(self._db.facet, self._id)},
                ":first": {"S": first},
                ":last": {"S": last},
            },
        }
        if seqs is not None:
            # Of those of hde's form only what a replay needs; where another is missed, everything is read.
            request["FilterExpression"] = f"#seq BETWEEN :low AND :high AND {_IS_SOUND}"
            request["ProjectionExpression"] = "#rng, #seq, #typ, #ts, #itm"
            request["ExpressionAttributeNames"] |= _SOUND_NAMES
            request["ExpressionAttributeValues"] |= {
                ":low": {"N": str(seqs[0])},
                ":high": {"N": str(seqs[-1])},
                ":facet": {"S": self._db.facet},
                **_SOUND_VALUES,
            }
        if limit is not None:
            request["Limit"] = limit
        if start is not None:
            request["ExclusiveStartKey"] = {
                "_id": {"S": partition_key(self._db.facet, self._id)},
                "_rng": {"S": start},
            }
        with _translated(self._db.table):
            return self._db.client.query(TableName=self._db.table, ConsistentRead=True, **request)


def _entry(item: Item) -> StreamEntry | None:
    """An event out of the attributes that a replay needs; None where one of its numbers is not of hde's form."""
    seq, ts = seq_of(item), ts_of(item)
    if seq is None or ts is None:
        return None
    return StreamEntry(seq, item["_typ"]["S"], item["_itm"]["S"], ts, item["_rng"]["S"])


class DynamoTable:
    """A DynamoDB table of several facets. See Table for what each method promises."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self.client = client
        self.name = name

    def create(self) -> None:
        create_table(self.client, self.name)

    def check(self) -> None:
        with _translated(self.name):
            self.client.get_item(TableName=self.name, Key={"_id": {"S": "-"}, "_rng": {"S": STATE_KEY}})

    def is_empty(self) -> bool:
        with _translated(self.name):
            return not self.client.scan(TableName=self.name, Limit=1, ConsistentRead=True)["Items"]

    def db(self, facet: str) -> EventDB:
        return EventDB(self.client, self.name, facet)

    def browse(self, facet: str, *, after: str | None = None, limit: int = 50) -> StatePage:
        states: list[Record] = []
        unreadable: list[InvalidRecord] = []
        start = _decode_key(after)
        looked_at = requests = 0
        capacity = 0.0
        while requests < _READS_PER_PAGE:
            page = self._scan(
                start,
                FilterExpression="#rng = :state AND #facet = :facet",
                ExpressionAttributeNames={"#rng": "_rng", "#facet": "_facet"},
                ExpressionAttributeValues={":state": {"S": STATE_KEY}, ":facet": {"S": facet}},
            )
            requests += 1
            looked_at += page["ScannedCount"]
            capacity += _capacity(page)
            room = limit - len(states) - len(unreadable)
            taken = page["Items"][:room]
            for item in taken:
                try:
                    states.append(Record.from_item(item))
                except InvalidRecord as error:
                    unreadable.append(error)
            start = page.get("LastEvaluatedKey")
            if len(page["Items"]) > room:
                start = {name: taken[-1][name] for name in ("_id", "_rng")}
            if start is None or len(taken) == room:
                break
        cost = ReadCost(looked_at, requests, capacity)
        return StatePage(states, _encode_key(start), cost, unreadable)

    def facets(self, *, after: str | None = None) -> FacetPage:
        page = self._scan(
            _decode_key(after),
            FilterExpression="#rng = :state",
            ProjectionExpression="#facet",
            ExpressionAttributeNames={"#rng": "_rng", "#facet": "_facet"},
            ExpressionAttributeValues={":state": {"S": STATE_KEY}},
        )
        counts = Counter(item["_facet"]["S"] for item in page["Items"] if "S" in item.get("_facet", {}))
        cost = ReadCost(page["ScannedCount"], 1, _capacity(page))
        return FacetPage(dict(counts), _encode_key(page.get("LastEvaluatedKey")), cost)

    def load(self, items: Iterable[Item]) -> int:
        todo = iter(items)
        batches = iter(lambda: list(islice(todo, _BATCH)), [])
        with ThreadPoolExecutor(_LOADERS) as pool:
            # In windows: a pool takes in all that it is given at once, and a table may not fit into memory.
            windows = iter(lambda: list(islice(batches, 4 * _LOADERS)), [])
            return sum(sum(pool.map(self._load_batch, window)) for window in windows)

    def _load_batch(self, items: list[Item]) -> int:
        for item in items:
            Record.from_item(item)
        unsent: Any = [{"PutRequest": {"Item": item}} for item in items]
        for attempt in range(12):
            time.sleep(random.uniform(0, min(2, 0.05 * 2**attempt)) if attempt else 0)
            with _translated(self.name):
                answer = self.client.batch_write_item(RequestItems={self.name: unsent})
            unsent = answer.get("UnprocessedItems", {}).get(self.name)
            if not unsent:
                return len(items)
        raise StoreUnavailable("DynamoDB keeps throttling the load; part of it is written.")

    def _scan(self, start: Any, **options: Any) -> Any:
        if start is not None:
            options["ExclusiveStartKey"] = start
        with _translated(self.name):
            return self.client.scan(TableName=self.name, ReturnConsumedCapacity="TOTAL", **options)


class _Cancelled(Exception):
    """DynamoDB cancelled a transaction; `reasons` has one for each of its records, in their order."""

    def __init__(self, reasons: list[dict[str, Any]]) -> None:
        super().__init__(str([(reason.get("Code"), reason.get("Message")) for reason in reasons]))
        self.reasons = reasons


@contextmanager
def _translated(table: str, *, writes: bool = False) -> Iterator[None]:
    """Raise what AWS raises in the core's own words, the cause kept."""
    _calls.answer_lost = False
    try:
        yield
    except ClientError as error:
        code = _code(error)
        message = error.response.get("Error", {}).get("Message", "")
        if code == "TransactionCanceledException":
            reasons: Any = error.response.get("CancellationReasons", [])
            raise _Cancelled(reasons) from error
        if code == "ResourceNotFoundException":
            raise TableNotFound(table) from error
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _UNAVAILABLE or status >= 500:
            raise StoreUnavailable(
                f"{code}: {message}", maybe_written=writes and _calls.answer_lost
            ) from error
        if code == "IdempotentParameterMismatchException":
            raise InvalidRecord("This operation id was used before, for other records.") from error
        if code in ("ValidationException", "SerializationException"):
            raise InvalidRecord(f"DynamoDB refused the request: {message}") from error
        raise FacetError(f"{code}: {message}") from error
    except (BotoCoreError, WaiterError) as error:
        raise StoreUnavailable(str(error), maybe_written=writes and _calls.answer_lost) from error


class _Calls(threading.local):
    """Whether an attempt of this thread's current write was sent and its answer lost; botocore tells only of the
    last of its attempts."""

    answer_lost = False


_calls = _Calls()


def _watch_for_lost_answers(client: DynamoDBClient) -> None:
    def note(response: Any = None, caught_exception: Exception | None = None, **_: Any) -> None:
        # What fails to connect is a ConnectionError; an HTTPClientError comes after the request was sent.
        if isinstance(caught_exception, HTTPClientError) or (response and response[0].status_code >= 500):
            _calls.answer_lost = True

    client.meta.events.register_first(
        "needs-retry.dynamodb.TransactWriteItems", note, unique_id="hde-lost-answers"
    )


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def batch_get(client: DynamoDBClient, table: str, keys: Sequence[Any]) -> Iterator[tuple[list[Item], float]]:
    """Those items that exist, of at most 100 keys, strongly consistent: for each request, its items and read units.

    Raises:
        TableNotFound, StoreUnavailable: also where DynamoDB keeps leaving keys unread.
    """
    unread: Any = keys
    attempt = 0
    while unread:
        if attempt > _UNREAD_RETRIES:
            raise StoreUnavailable("DynamoDB keeps throttling the read.")
        time.sleep(random.uniform(0, min(0.5, 0.02 * 2**attempt)) if attempt else 0)
        with _translated(table):
            answer = client.batch_get_item(
                RequestItems={table: {"Keys": unread, "ConsistentRead": True}},
                ReturnConsumedCapacity="TOTAL",
            )
        found: Any = answer["Responses"].get(table, [])
        rest: Any = answer.get("UnprocessedKeys", {})
        left = rest[table]["Keys"] if rest else []
        missing = len(unread) - len(left) - len(found)
        reported = sum(float(part.get("CapacityUnits", 0)) for part in answer.get("ConsumedCapacity", []))
        # A missing key costs a unit. AWS says so; DynamoDB Local leaves it out of what it reports.
        yield found, max(reported, missing + sum(map(_read_units, found)))
        # What does not fit into one answer is left as well, and is no reason to give up.
        attempt = attempt + 1 if len(left) == len(unread) else min(attempt, 1)
        unread = left


def _read_units(item: Any) -> int:
    """What a consistent read of one item costs."""
    size = sum(len(name) + len(str(next(iter(typed.values()))).encode()) for name, typed in item.items())
    return max(1, -(-size // 4096))


def _capacity(page: Any) -> float:
    """Read units; some engines that speak DynamoDB's API do not count them."""
    return float(page.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0))


def _encode_key(key: Any) -> str | None:
    if key is None:
        return None
    return urlsafe_b64encode(json.dumps([key["_id"]["S"], key["_rng"]["S"]]).encode()).decode()


def _decode_key(text: str | None) -> Any:
    if text is None:
        return None
    try:
        id, rng = json.loads(urlsafe_b64decode(text.encode()).decode())
        if not (isinstance(id, str) and isinstance(rng, str) and id and rng):
            raise ValueError
    except (ValueError, TypeError, InvalidRecord):
        raise InvalidRecord("The place to continue from is not one that a page gave.") from None
    return {"_id": {"S": id}, "_rng": {"S": rng}}
