"""The SQL tables of this app, where Django looks for them; each is defined beside what uses it."""

from facets.checkpoints import Checkpoint

__all__ = ["Checkpoint"]
