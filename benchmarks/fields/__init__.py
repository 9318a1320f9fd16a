"""How fields are read: composed strips, real amounts, and a baseline."""
