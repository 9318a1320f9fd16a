"""The processes that answer: how many, who listens, how they start, are replaced, and end."""
