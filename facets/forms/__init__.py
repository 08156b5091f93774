"""Forms that are made from the schemas of events."""
