"""Forms on simulated photographs: pages found, fields read, and the time that they take."""
