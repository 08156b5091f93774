"""The SQL tables of this app, where Django looks for them; each is defined beside what uses it."""

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
from facets.entities.checkpoints import Checkpoint

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
