"""Why feedback cannot be taken, or what is asked of it not be told."""


class FeedbackOff(Exception):
    """What is read is not kept, so that nothing is known of it later."""


class FeedbackUnavailable(Exception):
    """The database cannot be used for now."""


class UnknownPrediction(LookupError):
    """No such prediction is kept, not any more, or it is another caller's."""


class AmbiguousPrediction(ValueError):
    """Several predictions fit what is asked for."""


class OtherKind(ValueError):
    """The right answer is a digit's where a field was read, or the reverse."""


class AnsweredOtherwise(Exception):
    """Another right answer was given before."""
