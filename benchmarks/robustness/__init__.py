"""How digits are read from bad pictures: conditions, junk, and digits of other data sets."""
