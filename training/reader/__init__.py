"""The field reader: real and composed strips of digits, network, loss, training."""
