"""Bulk scoring by Ray: speed by workers, memory, and what is left after a node was killed."""
