"""From normalised images to decisions: sessions, micro-batches, thresholds."""
