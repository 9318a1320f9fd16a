"""What the application is put together from, made once in a process."""

from dataclasses import dataclass

from service.api.held import HeldBytes
from service.auth.api_keys import ApiKeys
from service.errors import PROBLEMS
from service.inference.decisions import Decision, Reason
from service.inference.field_answers import FieldReason
from service.lifecycle import Lifecycle
from service.metrics import Metrics
from service.settings import Settings
from service.tracing import Tracing


@dataclass(frozen=True)
class Parts:
    """The settings of a process, and what follows from them before any request comes.

    Attributes:
        settings: what can be set.
        access: who may call.
        metrics: what is counted.
        tracing: where traces go, if they are asked for.
        held: what the bodies of all requests hold.
        lifecycle: where the process tells the service that it stops.
        load_first: whether the models are loaded before the server listens, not while it does.
    """

    settings: Settings
    access: ApiKeys
    metrics: Metrics
    tracing: Tracing | None
    held: HeldBytes
    lifecycle: Lifecycle
    load_first: bool

    @classmethod
    def of(
        cls,
        settings: Settings,
        access: ApiKeys | None = None,
        lifecycle: Lifecycle | None = None,
        *,
        load_first: bool = False,
    ) -> "Parts":
        """The parts for `settings`; `access` is given where several processes share it.

        Raises:
            KeysFileError: the file of the keys cannot be used.
        """
        metrics = Metrics()
        metrics.expect(
            problems=[kind.slug for kind in PROBLEMS],
            decisions=list(Decision),
            reasons=list(dict.fromkeys([*Reason, *FieldReason])),
        )
        return cls(
            settings,
            access or ApiKeys.from_file(settings.api_keys_file),
            metrics,
            Tracing() if settings.tracing else None,
            HeldBytes(settings.max_total_body_bytes),
            lifecycle or Lifecycle(),
            load_first,
        )
