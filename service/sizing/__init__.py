"""How fast this machine reads: what to reckon with when a service is planned.

pictures    digits and fields, drawn here: no data set is needed
machine     what it is
measure     one core's time for each step, picture by picture and in batches
"""
