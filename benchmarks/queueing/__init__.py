"""The service's queue, simulated: what bursts do to waiting times, and how many cores they take.

arrivals    when requests come
simulation  what becomes of them
service     one on a core of its own, and who asks it
calibrate   what a request costs, measured on it
cores       how many a load takes
results     the form of queueing.json
report      the tables of docs/sizing.md
plot        the picture
"""
