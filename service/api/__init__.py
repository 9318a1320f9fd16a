"""The HTTP contract: one module per resource, one table of errors."""
