"""The searchable copy of current states, in SQL."""
