"""All STATE records of a DynamoDB table, in parts that can be read side by side; from an index where one serves.

A secondary index serves where its hash key is `_rng`, or `_facet` and `_rng`, and its range key `_id`: its states lie
together, so that no event is read. The table itself has to be read whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facets.core import json
from facets.core.dynamodb.store import DynamoTable, _capacity, _translated, batch_get
from facets.core.errors import InvalidRecord
from facets.core.records import STATE_KEY, Item, Record, partition_key, whole_number
from facets.core.store import ReadCost

# What a list needs of a state, beside its sort key.
_NEEDED = ("_id", "_facet", "_seq", "_ts", "_itm")
_NAMES = {f"#{name[1:]}": name for name in (*_NEEDED, "_rng")}

_BATCH = 100


@dataclass(frozen=True, slots=True)
class StatesIndex:
    """A secondary index that holds all states together; those of each facet if `by_facet`."""

    name: str
    by_facet: bool


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What DynamoDB says of a table without reading it; `items` and `size` (bytes) are some hours old.

    Attributes:
        index: which serves to read all states, if there is one.
        stream: the ARN of its stream; "" where none is enabled.
        stream_view: what the stream holds, such as NEW_IMAGE.
    """

    items: int
    size: int
    index: StatesIndex | None
    stream: str
    stream_view: str

    @property
    def scan_capacity(self) -> float:
        """Read units that reading all of the table takes, eventually consistent."""
        return -(-self.size // 8192)

    @property
    def item_size(self) -> float:
        """Bytes of an item, on average; 0 where the table says nothing yet."""
        return self.size / self.items if self.items else 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several readers reads: a segment of the table, or an index, of a facet or of all (`facet` "")."""

    number: int
    of: int
    facet: str = ""
    index: StatesIndex | None = None


@dataclass(frozen=True, slots=True)
class StatesRead:
    """Some STATE records. Of each only what a list needs is read: `typ`, `date` and `meta` are
    made up.

    Attributes:
        unreadable: how many that are not of hde's format were passed over.
        next: where to go on, text for `read_part`; None at the end.
    """

    states: list[Record]
    unreadable: int
    next: str | None
    cost: ReadCost


def facts_of(table: DynamoTable) -> TableFacts:
    """Ask DynamoDB about the table. Raises TableNotFound, StoreUnavailable."""
    with _translated(table.name):
        found: Any = table.client.describe_table(TableName=table.name)["Table"]
    indexes = [
        index for each in found.get("GlobalSecondaryIndexes", []) if (index := states_index(each)) is not None
    ]
    return TableFacts(
        items=found.get("ItemCount", 0),
        size=found.get("TableSizeBytes", 0),
        # The one over all facets finds those that nobody defined, too.
        index=min(indexes, key=lambda index: index.by_facet, default=None),
        stream=found.get("LatestStreamArn", "")
        if found.get("StreamSpecification", {}).get("StreamEnabled")
        else "",
        stream_view=found.get("StreamSpecification", {}).get("StreamViewType", ""),
    )


def states_index(description: Mapping[str, Any]) -> StatesIndex | None:
    """What a secondary index, as DynamoDB describes it, is good for; None where it does not serve."""
    keys = description.get("KeySchema", [])
    hashes = {key["AttributeName"] for key in keys if key["KeyType"] == "HASH"}
    ranges = [key["AttributeName"] for key in keys if key["KeyType"] == "RANGE"]
    if hashes not in ({"_rng"}, {"_facet", "_rng"}) or ranges != ["_id"]:
        return None
    if description.get("IndexStatus", "ACTIVE") != "ACTIVE" or description.get("Backfilling"):
        return None
    projection = description.get("Projection", {})
    if projection.get("ProjectionType") != "ALL":
        held = {*projection.get("NonKeyAttributes", ()), "_id", "_rng", *hashes}
        if not held.issuperset(_NEEDED):
            return None
    return StatesIndex(description["IndexName"], by_facet="_facet" in hashes)


def read_part(
    table: DynamoTable,
    part: Part,
    after: str | None = None,
    *,
    facets: Sequence[str] = (),
    limit: int | None = None,
) -> StatesRead:
    """Read the next page of a part, eventually consistent: up to 1 MB, or `limit` items.

    Args:
        facets: those that are wanted; all if empty. Of a table, others cost the same.

    Raises:
        InvalidRecord: `after` is of another part.
        TableNotFound, StoreUnavailable
    """
    request: dict[str, Any] = {
        "TableName": table.name,
        "ProjectionExpression": ", ".join(f"#{name[1:]}" for name in _NEEDED),
        "ExpressionAttributeNames": dict(_NAMES),
        "ExpressionAttributeValues": {":state": {"S": STATE_KEY}},
        "ReturnConsumedCapacity": "TOTAL",
    }
    if after is not None:
        request["ExclusiveStartKey"] = json.loads(after)
    if limit is not None:
        request["Limit"] = limit
    values = request["ExpressionAttributeValues"]
    with _translated(table.name):
        page: Any
        if part.index is None:
            request["FilterExpression"] = "#rng = :state"
            if facets:
                values |= {f":facet{place}": {"S": facet} for place, facet in enumerate(facets)}
                wanted = ", ".join(f":facet{place}" for place in range(len(facets)))
                request["FilterExpression"] += f" AND #facet IN ({wanted})"
            page = table.client.scan(Segment=part.number, TotalSegments=part.of, **request)
        else:
            request["IndexName"] = part.index.name
            request["KeyConditionExpression"] = "#rng = :state"
            if part.facet:
                values[":facet"] = {"S": part.facet}
                if part.index.by_facet:
                    request["KeyConditionExpression"] += " AND #facet = :facet"
                else:
                    request["KeyConditionExpression"] += " AND begins_with(#id, :prefix)"
                    request["FilterExpression"] = "#facet = :facet"
                    values[":prefix"] = {"S": partition_key(part.facet, "")}
            page = table.client.query(**request)
    states: list[Record] = []
    for item in page["Items"]:
        try:
            states.append(state_of(item))
        except InvalidRecord:
            continue
    last = page.get("LastEvaluatedKey")
    return StatesRead(
        states,
        len(page["Items"]) - len(states),
        json.dumps(last) if last else None,
        ReadCost(page["ScannedCount"], 1, _capacity(page)),
    )


def read_states(table: DynamoTable, ids: Sequence[tuple[str, str]]) -> StatesRead:
    """The STATE records of entities, given as (facet, id), strongly consistent; of those that have one.

    Raises:
        TableNotFound, StoreUnavailable
    """
    found: list[Record] = []
    unreadable = requests = 0
    capacity = 0.0
    for start in range(0, len(ids), _BATCH):
        keys = [
            {"_id": {"S": partition_key(facet, id)}, "_rng": {"S": STATE_KEY}}
            for facet, id in ids[start : start + _BATCH]
        ]
        for items, used in batch_get(table.client, table.name, keys):
            requests += 1
            capacity += used
            for item in items:
                try:
                    found.append(state_of(item))
                except InvalidRecord:
                    unreadable += 1
    return StatesRead(found, unreadable, None, ReadCost(len(found) + unreadable, requests, capacity))


def state_of(item: Item) -> Record:
    """A STATE item as a record, of which only what a list needs is known to be true.

    Raises:
        InvalidRecord: it is not of hde's format.
    """
    try:
        id, facet = item["_id"]["S"], item["_facet"]["S"]
        if not facet or not id.startswith(f"{facet}/") or len(id) == len(facet) + 1:
            raise ValueError("_id is not _facet, a slash and an id")
        seq, ts = whole_number(item["_seq"]["N"]), whole_number(item["_ts"]["N"])
        return Record(id, STATE_KEY, facet, facet, seq, ts, "", item["_itm"]["S"])
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise InvalidRecord(f"Not hde's format: {error!r}") from error
