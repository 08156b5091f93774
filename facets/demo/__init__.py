"""The demo's invented entities, and what it takes to serve them."""
