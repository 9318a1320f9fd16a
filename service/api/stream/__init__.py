"""A batch of any length, answered line by line while it comes.

parts       what comes: a body cut into parts as fast as they are read, or a batch at hand
outbox      what goes: lines waiting for their caller, in memory, then in a file
work        from parts to lines, a few parts at once
answer      the response: sends the lines, and says so where they end too early
limits      how many streams there are at once
"""
