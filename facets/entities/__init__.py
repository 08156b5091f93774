"""Read one entity: its history, its state, and what its rules make of them."""
