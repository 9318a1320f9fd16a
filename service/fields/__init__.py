"""Strips of several digits, from pictures to decisions.

answers     what a field says, and whether to believe it
boxes       where on the picture each digit stands
pipeline    one way to read fields: a reader, a threshold, constraints
batcher     what waits is read together, in a thread
engine      many callers at once: bounded, in time
"""
