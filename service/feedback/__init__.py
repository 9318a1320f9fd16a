"""What was read and what was right: kept in a database, off the way of the answers."""
