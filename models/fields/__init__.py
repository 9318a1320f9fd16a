"""From a reader's probabilities to the digits of a field: one way for export and the service."""
