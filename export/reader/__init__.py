"""Export of the field reader: convert, verify, calibrate, measure."""
