"""Why feedback cannot be taken, or what is asked of it not be told."""


class AmbiguousPrediction(ValueError):
    """Several predictions fit what is asked for."""


class OtherKind(ValueError):
    """The right answer is a digit's where a field was read, or the reverse."""
