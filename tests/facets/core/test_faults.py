"""What fails between us and DynamoDB: answers that are lost, servers that are dead or busy, credentials that are not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from facets.core import (
    Event,
    EventDB,
    Facet,
    FacetError,
    InvalidRecord,
    Processor,
    SequenceConflict,
    StoreUnavailable,
    TableNotFound,
    create_table,
)
from facets.core.dynamodb import DynamoTable, make_client
from facets.core.records import inbound_record, state_record
from tests.facets.core.tables import dump
from tests.support.dynamodb_local import DynamoDBLocal

# Nothing listens on the port of the discard protocol.
DEAD = "http://127.0.0.1:9"


def counting(table: DynamoTable) -> Facet:
    rules = {"X": lambda given: {"count": given.state["count"] + 1}}
    return Facet("A", table.db("A"), Processor(rules, lambda: {"count": 0}))


class Wire:
    """Stands between a client and the network: notes each request, and does to its answer what the test says.

    A script has one entry for each request of `operation`, in order: None lets it pass, an exception is raised
    in place of the answer after the request was carried out, a (status, body) is answered without asking anybody.
    """

    def __init__(self, client: Any, operation: str = "TransactWriteItems") -> None:
        self.operation = operation
        self.sent = 0
        self.script: list[Any] = []
        self._session = client._endpoint.http_session
        client._endpoint.http_session = self

    def send(self, request: Any) -> AWSResponse:
        if request.headers["X-Amz-Target"].decode().endswith("." + self.operation):
            self.sent += 1
            fault = self.script.pop(0) if self.script else None
        else:
            fault = None
        if isinstance(fault, tuple):
            status, body = fault
            return _answer(request.url, status, body)
        if fault in _NEVER_SENT:
            raise fault(endpoint_url=request.url)
        answer = self._session.send(request)
        if fault:
            raise fault(endpoint_url=request.url)
        return answer  # type: ignore[no-any-return]

    def close(self) -> None:
        self._session.close()


_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError)
THROTTLED = (400, {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow down"})
BUSY = (500, {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "oops"})
LOST = [ReadTimeoutError, ConnectionClosedError]


def cancelled(*codes: str) -> tuple[int, dict[str, Any]]:
    return (
        400,
        {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "message": f"Transaction cancelled [{', '.join(codes)}]",
            "CancellationReasons": [{"Code": code} for code in codes],
        },
    )


@pytest.fixture
def once(dynamodb_local: DynamoDBLocal, dynamodb_table: DynamoTable) -> Iterator[DynamoTable]:
    """The table, by a client that sends each request once."""
    with _table(dynamodb_local, dynamodb_table.name, attempts=1) as table:
        yield table


@pytest.fixture
def thrice(dynamodb_local: DynamoDBLocal, dynamodb_table: DynamoTable) -> Iterator[DynamoTable]:
    """The table, by a client that sends each request up to three times, as `make_client` makes it."""
    with _table(dynamodb_local, dynamodb_table.name, attempts=3) as table:
        yield table


# A lost answer.


@pytest.mark.parametrize("lost", LOST)
def test_botocores_own_retry_after_a_lost_answer_appends_once(thrice, lost):
    facet, wire = counting(thrice), Wire(thrice.client)
    wire.script = [lost]

    output = facet.append("1", Event("X", {}))

    assert wire.sent == 2
    assert (output.seq, output.item) == (1, {"count": 1})
    assert [record.rng for record in facet.db.get_records("1")] == ["INBOUND/X/1", "STATE"]


@pytest.mark.parametrize("lost", LOST)
def test_our_own_retry_after_a_lost_answer_appends_once(once, lost):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [lost, lost]

    output = facet.append("1", Event("X", {}), retries=2)

    assert wire.sent == 3
    assert (output.seq, output.item) == (1, {"count": 1})
    assert [record.rng for record in facet.db.get_records("1")] == ["INBOUND/X/1", "STATE"]


@pytest.mark.parametrize("lost", LOST)
def test_without_retries_a_lost_answer_says_that_it_may_have_been_written(once, lost):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [lost]

    with pytest.raises(StoreUnavailable) as unavailable:
        facet.append("1", Event("X", {}))

    assert unavailable.value.maybe_written
    assert facet.get("1").record.seq == 1


def test_who_repeats_an_operation_after_a_lost_answer_appends_once(once):
    """A console that asks again later, with the operation id and the seq that it noted before."""
    facet, wire = counting(once), Wire(once.client)
    wire.script = [ReadTimeoutError]
    facet.clock = lambda: 1_795_422_597_273
    with pytest.raises(StoreUnavailable):
        facet.append_to("1", None, 0, Event("X", {}), operation_id="4b4d4f5e")
    before = dump(once)

    # Not append_to, which would read and find the entity moved on: the same records again.
    state, event = (facet.db.get_records("1")[place] for place in (1, 0))
    facet.db.put_state(state, 0, [event], operation_id="4b4d4f5e")

    assert dump(once) == before


def test_a_lost_answer_then_a_dead_connection_may_have_been_written(thrice):
    """The last of botocore's attempts was never sent; the first one was."""
    facet, wire = counting(thrice), Wire(thrice.client)
    wire.script = [ReadTimeoutError, ConnectTimeoutError, ConnectTimeoutError]

    with pytest.raises(StoreUnavailable) as unavailable:
        facet.append("1", Event("X", {}))

    assert wire.sent == 3
    assert unavailable.value.maybe_written


def test_a_lost_answer_then_throttling_may_have_been_written(thrice):
    facet, wire = counting(thrice), Wire(thrice.client)
    wire.script = [ReadTimeoutError, THROTTLED, THROTTLED]

    with pytest.raises(StoreUnavailable) as unavailable:
        facet.append("1", Event("X", {}))

    assert unavailable.value.maybe_written


def test_our_own_retry_that_is_never_sent_leaves_it_open_whether_the_first_was_written(once):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [ReadTimeoutError, ConnectTimeoutError]

    with pytest.raises(StoreUnavailable) as unavailable:
        facet.append("1", Event("X", {}), retries=1)

    assert wire.sent == 2
    assert unavailable.value.maybe_written
    assert facet.get("1").record.seq == 1


def test_our_own_retry_outlasts_a_connection_that_is_refused(once):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [ReadTimeoutError, ConnectTimeoutError]

    assert facet.append("1", Event("X", {}), retries=2).seq == 1
    assert len(facet.db.get_records("1")) == 2


def test_what_an_earlier_call_lost_says_nothing_of_this_one(once):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [ReadTimeoutError, ConnectTimeoutError]
    with pytest.raises(StoreUnavailable):
        facet.append("1", Event("X", {}))

    with pytest.raises(StoreUnavailable) as unavailable:
        facet.append("1", Event("X", {}))

    assert not unavailable.value.maybe_written


@pytest.mark.parametrize("never_sent", _NEVER_SENT)
def test_what_was_never_sent_was_not_written(once, never_sent):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [never_sent]

    with pytest.raises(StoreUnavailable) as unavailable:
        facet.append("1", Event("X", {}), retries=3)

    assert not unavailable.value.maybe_written
    assert wire.sent == 1
    assert facet.get("1") is None


def test_a_server_error_may_have_been_written(once):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [BUSY]

    with pytest.raises(StoreUnavailable, match="InternalServerError") as unavailable:
        facet.append("1", Event("X", {}))

    assert unavailable.value.maybe_written


def test_a_lost_answer_to_a_read_wrote_nothing(once):
    facet, wire = counting(once), Wire(once.client, "GetItem")
    wire.script = [ReadTimeoutError]

    with pytest.raises(StoreUnavailable) as unavailable:
        facet.get("1")

    assert not unavailable.value.maybe_written


def test_a_lost_answer_whose_entity_moved_on_is_still_appended_once(once):
    """Between our lost answer and our retry another writer appends: the token still tells what was ours."""
    facet, other, wire = counting(once), counting(once), Wire(once.client)

    class LostAndOvertaken(ReadTimeoutError):  # type: ignore[misc]
        def __init__(self, **facts: Any) -> None:
            wire.script = []
            other.append("1", Event("X", {}))
            super().__init__(**facts)

    wire.script = [LostAndOvertaken]

    output = facet.append("1", Event("X", {}), retries=2)

    assert output.seq == 1
    assert facet.get("1").record.seq == 2
    assert len(facet.db.get_records("1")) == 3


# A store that is down.


def test_a_dead_endpoint_is_given_up_after_bounded_attempts():
    attempts = []
    client = make_client(endpoint_url=DEAD, region_name="eu-west-1")
    client.meta.events.register("before-send.dynamodb", lambda request, **_: attempts.append(request.url))
    table = DynamoTable(client, "ledger")
    asks: list[Callable[[], Any]] = [
        lambda: table.db("A").get_state("1"),
        lambda: table.db("A").get_records("1"),
        lambda: table.db("A").get_log("1"),
        lambda: list(table.db("A").stream("1")),
        lambda: table.browse("A"),
        table.facets,
        table.is_empty,
        table.check,
    ]

    for ask in asks:
        attempts.clear()
        with pytest.raises(StoreUnavailable) as unavailable:
            ask()
        assert not unavailable.value.maybe_written
        assert 1 <= len(attempts) <= 3
    client.close()


def test_a_dead_endpoint_takes_no_write():
    client = make_client(endpoint_url=DEAD, region_name="eu-west-1")

    with pytest.raises(StoreUnavailable) as unavailable:
        EventDB(client, "ledger", "A").put_state(state_record("A", "1", 0, "{}", 0), 0)

    assert not unavailable.value.maybe_written
    client.close()


def test_a_clients_waits_are_of_seconds_and_its_attempts_are_counted():
    config = make_client(endpoint_url=DEAD, region_name="eu-west-1").meta.config

    assert 0 < config.connect_timeout <= 5
    assert 0 < config.read_timeout <= 10
    assert config.retries["mode"] in ("standard", "adaptive")
    assert config.retries["total_max_attempts"] <= 5


def test_a_silent_server_is_given_up(dynamodb_table):
    """It takes the request and never answers."""
    wire = Wire(dynamodb_table.client, "Query")
    wire.script = [ReadTimeoutError] * 10

    with pytest.raises(StoreUnavailable):
        dynamodb_table.db("A").get_records("1")
    assert wire.sent == 3


@pytest.mark.parametrize("operation", ["GetItem", "Query", "TransactWriteItems"])
def test_throttling_is_given_up_after_botocores_retries(dynamodb_table, operation):
    facet, wire = counting(dynamodb_table), Wire(dynamodb_table.client, operation)
    wire.script = [THROTTLED] * 10
    ask = facet.recalculate if operation == "Query" else facet.append

    with pytest.raises(StoreUnavailable, match="ThrottlingException") as unavailable:
        ask("1", Event("X", {}))

    assert wire.sent == 3
    assert not unavailable.value.maybe_written


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "UnrecognizedClientException",
        "AccessDeniedException",
        "ExpiredTokenException",
        "TransactionInProgressException",
    ],
)
def test_a_store_that_turns_us_away_is_not_available(once, code):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [(400, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"})]

    with pytest.raises(StoreUnavailable, match=code):
        facet.append("1", Event("X", {}))


def test_an_error_that_we_do_not_know_is_still_one_of_ours(once):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [(400, {"__type": "x#BrandNewException", "message": "what"})]

    with pytest.raises(FacetError, match="BrandNewException: what") as error:
        facet.append("1", Event("X", {}))
    assert error.value.__cause__ is not None


def test_missing_credentials_are_said_to_be_missing(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    client: Any = boto3.Session().client("dynamodb", endpoint_url=DEAD, region_name="eu-west-1")

    with pytest.raises(StoreUnavailable, match="credentials") as unavailable:
        EventDB(client, "ledger", "A").put_state(state_record("A", "1", 0, "{}", 0), 0)
    assert not unavailable.value.maybe_written
    client.close()


def test_a_store_that_comes_back_is_used_again_without_a_restart(once):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [ConnectTimeoutError]
    with pytest.raises(StoreUnavailable):
        facet.append("1", Event("X", {}))

    assert facet.append("1", Event("X", {})).seq == 1


# Transactions that meet.


def test_a_transaction_that_met_another_one_is_sent_again(once):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [cancelled("None", "TransactionConflict")] * 3

    output = facet.append("1", Event("X", {}))

    assert (wire.sent, output.seq) == (4, 1)


def test_a_transaction_that_meets_others_again_and_again_wrote_nothing(once):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [cancelled("None", "TransactionConflict")] * 100

    with pytest.raises(StoreUnavailable) as unavailable:
        facet.append("1", Event("X", {}))

    assert wire.sent < 20
    assert not unavailable.value.maybe_written
    assert facet.get("1") is None


def test_a_transaction_that_met_others_until_the_entity_moved_on_is_a_conflict(once):
    facet, wire = counting(once), Wire(once.client)
    facet.append("1", Event("X", {}), Event("X", {}))
    wire.script = [cancelled("None", "TransactionConflict")] * 100

    with pytest.raises(SequenceConflict) as conflict:
        facet.append_to("1", {"count": 1}, 1, Event("X", {}))

    assert (conflict.value.expected_seq, conflict.value.actual_seq) == (1, 2)


def test_a_conflict_without_the_item_that_was_met_still_names_its_seq(once):
    """Not every engine returns it; the seq is read then."""
    facet, wire = counting(once), Wire(once.client)
    facet.append("1", Event("X", {}), Event("X", {}))
    wire.script = [cancelled("None", "ConditionalCheckFailed")]

    with pytest.raises(SequenceConflict) as conflict:
        facet.append_to("1", {"count": 1}, 1, Event("X", {}))

    assert (conflict.value.expected_seq, conflict.value.actual_seq) == (1, 2)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ProvisionedThroughputExceeded", StoreUnavailable),
        ("ThrottlingError", StoreUnavailable),
        ("ItemCollectionSizeLimitExceeded", InvalidRecord),
        ("ValidationError", InvalidRecord),
        ("SomethingNew", FacetError),
    ],
)
def test_a_cancelled_transaction_says_why(once, code, error):
    facet, wire = counting(once), Wire(once.client)
    wire.script = [cancelled("None", code)]

    with pytest.raises(error, match=code):
        facet.append("1", Event("X", {}))
    assert wire.sent == 1


# Requests.


def test_reading_follows_every_page(once):
    pad = '"' + "x" * 300_000 + '"'
    items = [inbound_record("A", "1", n, "X", pad, 0).to_item() for n in range(1, 12)]
    once.load([*items, state_record("A", "1", 11, "{}", 0).to_item()])
    wire = Wire(once.client, "Query")

    assert len(once.db("A").get_log("1").entries) == 11
    assert wire.sent >= 3
    wire.sent = 0
    assert len(once.db("A").get_records("1")) == 12
    assert wire.sent >= 3


def test_an_append_is_one_read_and_one_write(once):
    """Two requests, however long the history is."""
    facet = counting(once)
    facet.append("1", *[Event("X", {})] * 50)
    requests: list[str] = []
    once.client.meta.events.register("before-call.dynamodb", lambda model, **_: requests.append(model.name))

    facet.append("1", Event("X", {}))
    facet.append_to("1", {"count": 51}, 51, Event("X", {}))

    assert requests == ["GetItem", "TransactWriteItems", "TransactWriteItems"]


def test_every_read_of_an_entity_is_strongly_consistent(once):
    seen: list[Any] = []
    once.client.meta.events.register(
        "before-call.dynamodb",
        lambda params, model, **_: seen.append((model.name, json.loads(params["body"]))),
    )
    db = once.db("A")

    db.get_state("1")
    db.get_records("1")
    db.get_log("1")

    assert [(name, body.get("ConsistentRead")) for name, body in seen] == [
        ("GetItem", True),
        ("Query", True),
        ("Query", True),
    ]


def test_the_operation_id_is_the_request_token(once):
    tokens: list[str] = []
    once.client.meta.events.register(
        "before-call.dynamodb.TransactWriteItems",
        lambda params, **_: tokens.append(json.loads(params["body"])["ClientRequestToken"]),
    )
    facet = counting(once)

    facet.append("1", Event("X", {}), operation_id="my-operation")
    facet.append("1", Event("X", {}))
    facet.append("1", Event("X", {}))

    assert tokens[0] == "my-operation"
    assert len(set(tokens)) == 3


def test_browsing_a_table_of_several_megabytes_goes_on_where_it_stopped(once):
    pad = '"' + "x" * 350_000 + '"'
    ids = [str(n) for n in range(24)]
    once.load(
        record.to_item()
        for id in ids
        for record in (inbound_record("A", id, 1, "X", pad, 0), state_record("A", id, 1, "{}", 0))
    )

    seen, after, pages = [], None, 0
    while pages == 0 or after:
        page = once.browse("A", after=after)
        seen += [record.entity_id for record in page.states]
        after, pages = page.next, pages + 1
        assert page.cost.capacity is not None

    assert sorted(seen) == sorted(ids)
    assert pages > 1
    counted, after, pages = 0, None, 0
    while pages == 0 or after:
        facets = once.facets(after=after)
        counted += facets.counts.get("A", 0)
        after, pages = facets.next, pages + 1
    assert counted == 24
    assert pages > 1


def test_loading_sends_again_what_was_not_processed(once):
    wire = Wire(once.client, "BatchWriteItem")
    items = [inbound_record("A", "1", n, "X", "{}", 0).to_item() for n in range(1, 4)]
    wire.script = [
        (200, {"UnprocessedItems": {once.name: [{"PutRequest": {"Item": item}} for item in items]}})
    ]

    assert once.load(items) == 3
    assert wire.sent == 2
    assert len(once.db("A").get_records("1")) == 3


def test_a_table_is_made_with_hdes_key_and_no_capacity_to_plan(dynamodb_table):
    table = dynamodb_table.client.describe_table(TableName=dynamodb_table.name)["Table"]

    assert table["KeySchema"] == [
        {"AttributeName": "_id", "KeyType": "HASH"},
        {"AttributeName": "_rng", "KeyType": "RANGE"},
    ]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TableStatus"] == "ACTIVE"
    assert "GlobalSecondaryIndexes" not in table


def test_a_table_cannot_be_made_on_a_dead_endpoint():
    client = make_client(endpoint_url=DEAD, region_name="eu-west-1")

    with pytest.raises(StoreUnavailable):
        create_table(client, "ledger")
    client.close()


def test_a_table_that_vanishes_says_so(dynamodb_local):
    with (
        _table(dynamodb_local, "vanished", attempts=1) as table,
        pytest.raises(TableNotFound, match="vanished"),
    ):
        counting(table).append("1", Event("X", {}))


@contextmanager
def _table(server: DynamoDBLocal, name: str, *, attempts: int) -> Iterator[DynamoTable]:
    config = Config(
        connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": attempts}
    )
    client = server.client(config=config)
    yield DynamoTable(client, name)
    client.close()


def _answer(url: str, status: int, body: dict[str, Any]) -> AWSResponse:
    class Raw(io.BytesIO):
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield self.getvalue()

    content = json.dumps(body).encode()
    return AWSResponse(url, status, {"content-type": "application/x-amz-json-1.0"}, Raw(content))
