"""Files of records, read into a table."""
