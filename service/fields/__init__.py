"""From what the reader says to the digits of a field and their places in the picture."""
