"""Long work over many entities."""
