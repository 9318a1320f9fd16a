"""Python client for Numeral, the service that reads handwritten digits.

from numeral_client import Client

with Client("http://127.0.0.1:8000") as numeral:
    print(numeral.predict("digit.png").digit)
"""

from numeral_client import errors
from numeral_client.cards import (
    ModelDetail,
    ModelList,
    ModelSummary,
    ReaderDetail,
    ReaderSummary,
)
from numeral_client.client import AsyncClient, Client
from numeral_client.errors import (
    NumeralError,
    ProblemError,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
    UnusableImage,
)
from numeral_client.images import Image, Item, Pixels
from numeral_client.retry import Retry
from numeral_client.schemas import (
    BatchFailure,
    BatchField,
    BatchPrediction,
    FieldAlternative,
    FieldDigit,
    Health,
    KeptFeedback,
    KeptPrediction,
    Prediction,
    Problem,
    ReadField,
    Review,
)

__all__ = [
    "AsyncClient",
    "BatchFailure",
    "BatchField",
    "BatchPrediction",
    "Client",
    "FieldAlternative",
    "FieldDigit",
    "Health",
    "Image",
    "Item",
    "KeptFeedback",
    "KeptPrediction",
    "ModelDetail",
    "ModelList",
    "ModelSummary",
    "NumeralError",
    "Pixels",
    "Prediction",
    "Problem",
    "ProblemError",
    "ReadField",
    "ReaderDetail",
    "ReaderSummary",
    "Retry",
    "Review",
    "TimedOut",
    "UnexpectedAnswer",
    "Unreachable",
    "UnusableImage",
    "errors",
]
