"""hde in Python: event sourcing on DynamoDB, in the format of the TypeScript library. Imports no Django."""

from facets.core.dynamodb import EventDB, create_table
from facets.core.errors import (
    FacetError,
    InvalidRecord,
    RecordTooLarge,
    SequenceConflict,
    StateReplaced,
    StoreUnavailable,
    TableNotFound,
    TransactionTooLarge,
    UnknownEventType,
)
from facets.core.events import Event
from facets.core.facet import ChangeOutput, Facet, GetOutput
from facets.core.history import HistoryFault
from facets.core.processor import Processor, ProcessResult, StateUpdaterInput
from facets.core.records import Record
from facets.core.sqlite import SqliteEventDB
from facets.core.unreadable import UnreadableRecord, UnreadableState

__all__ = [
    "ChangeOutput",
    "Event",
    "EventDB",
    "Facet",
    "FacetError",
    "GetOutput",
    "HistoryFault",
    "InvalidRecord",
    "ProcessResult",
    "Processor",
    "Record",
    "RecordTooLarge",
    "SequenceConflict",
    "SqliteEventDB",
    "StateReplaced",
    "StateUpdaterInput",
    "StoreUnavailable",
    "TableNotFound",
    "TransactionTooLarge",
    "UnknownEventType",
    "UnreadableRecord",
    "UnreadableState",
    "create_table",
]
