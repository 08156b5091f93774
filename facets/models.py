"""The SQL tables of this app, where Django looks for them; each is defined beside what uses it."""

from facets.checkpoints import Checkpoint
from facets.directory.models import (
    Entity,
    FileMark,
    Follower,
    IndexPass,
    PassPart,
    SensitiveValue,
    StreamShard,
    TableFacet,
)

__all__ = [
    "Checkpoint",
    "Entity",
    "FileMark",
    "Follower",
    "IndexPass",
    "PassPart",
    "SensitiveValue",
    "StreamShard",
    "TableFacet",
]
