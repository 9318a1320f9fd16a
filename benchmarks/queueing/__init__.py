"""The service's queue, simulated: what bursts do to waiting times, and how many cores they take.

arrivals    when requests come
simulation  what becomes of them
calibrate   what a request costs, measured on a running service
compare     the same load measured and simulated
cores       how many a load takes
"""
