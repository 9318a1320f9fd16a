"""What a load takes, reckoned from what the other benchmarks have measured.

recorded    the figures, read from their files
plans       what so many pictures take
report      the tables of docs/sizing.md
"""
