"""The field reader: composed and real strips of digits, a network, its loss and its training."""
