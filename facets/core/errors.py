"""Every exception that the core raises on purpose. They carry facts; nobody parses a message."""


class FacetError(Exception):
    """The base of them all."""


class SequenceConflict(FacetError):
    """The entity is not at the seq that the writer had seen; nothing was written."""

    def __init__(self, entity_id: str, *, expected_seq: int, actual_seq: int) -> None:
        super().__init__(f"{entity_id!r} is at seq {actual_seq}, not {expected_seq}; nothing was written.")
        self.entity_id = entity_id
        self.expected_seq = expected_seq
        self.actual_seq = actual_seq


class StateReplaced(SequenceConflict):
    """The entity is at the seq that the writer had seen, but its state has been made anew; nothing was written."""

    def __init__(self, entity_id: str, *, seq: int) -> None:
        super().__init__(entity_id, expected_seq=seq, actual_seq=seq)
        self.args = (f"The state of {entity_id!r} was made anew at seq {seq}; nothing was written.",)


class UnknownEventType(FacetError):
    """No rule handles this type of event, so it may not be appended; nothing was written."""

    def __init__(self, event_type: str) -> None:
        super().__init__(f"There is no rule for events of type {event_type!r}; nothing was written.")
        self.event_type = event_type


class InvalidRecord(FacetError):
    """A record, or a value meant for one, is not of hde's format."""

    def __init__(self, reason: str, *, id: str | None = None, rng: str | None = None) -> None:
        where = f" (_id {id!r}, _rng {rng!r})" if id is not None else ""
        super().__init__(f"{reason}{where}")
        self.reason = reason
        self.id = id
        self.rng = rng


class TransactionTooLarge(FacetError):
    """One append may write 100 records and 4 MB; this one has more. Raised before any call."""

    def __init__(self, *, records: int, size: int) -> None:
        super().__init__(
            f"One append may write 100 records and 4 MB; this one has {records} records, {size} bytes."
        )
        self.records = records
        self.size = size


class RecordTooLarge(FacetError):
    """DynamoDB keeps items of at most 400 KB; this record is larger. Raised before any call."""

    def __init__(self, id: str, rng: str, *, size: int) -> None:
        super().__init__(f"The record {rng!r} of {id!r} has {size} bytes; the most is 409,600.")
        self.id = id
        self.rng = rng
        self.size = size


class TableNotFound(FacetError):
    """The table, or the SQLite file that stands for it, does not exist."""

    def __init__(self, table: str) -> None:
        super().__init__(f"There is no table {table!r}.")
        self.table = table


class StoreUnavailable(FacetError):
    """The store did not answer, throttled us, or refused our credentials, after all retries.

    `maybe_written` is True where a write was sent and no answer came back, so that it may have been applied.
    """

    def __init__(self, reason: str, *, maybe_written: bool = False) -> None:
        super().__init__(f"The store is not available: {reason}")
        self.reason = reason
        self.maybe_written = maybe_written
