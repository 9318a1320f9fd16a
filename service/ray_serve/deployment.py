"""The service as an application of Ray Serve."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from service.auth.api_keys import ApiKeys
from service.ray_serve.refusals import refusal
from service.ray_serve.replica import Replica
from service.settings import Settings, drop_service_link
from service.shared_metrics import shared_environment

if TYPE_CHECKING:
    from ray.serve import Application

NAME = "Numeral"

_CPUS_OF_A_REPLICA = 1

# The replica itself refuses what is too much, at once. Ray would let requests wait in its proxy,
# those for health and metrics among them.
_NO_LIMIT = 100_000

# Between looks at whether the requests of a replica that ends are answered.
_END_LOOP_SECONDS = 0.2
_FAREWELL_SECONDS = 5.0


def application(
    settings: Settings, access: ApiKeys, *, most: int, metrics: Path | None = None
) -> "Application":
    """The application; `serve.run` deploys it.

    Args:
        settings: what can be set.
        access: who may call.
        most: how many replicas there may be.
        metrics: a folder in which all replicas share their metrics; None: each for itself.
    """
    from ray import serve  # noqa: PLC0415 - the extra scale

    deployment = serve.deployment(
        name=NAME,
        autoscaling_config={
            "min_replicas": min(settings.min_workers, most),
            "max_replicas": most,
            "target_ongoing_requests": settings.target_requests,
        },
        max_ongoing_requests=_NO_LIMIT,
        graceful_shutdown_wait_loop_s=_END_LOOP_SECONDS,
        graceful_shutdown_timeout_s=settings.request_timeout + _FAREWELL_SECONDS,
        health_check_timeout_s=settings.worker_timeout,
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
        ray_actor_options={
            "num_cpus": _CPUS_OF_A_REPLICA,
            "runtime_env": {"env_vars": shared_environment(metrics) if metrics else {}},
        },
    )
    return deployment(serve.ingress()(Replica)).bind(settings, access)


def app(_arguments: Mapping[str, str]) -> "Application":
    """The application with the settings of the environment, for a config file of Ray Serve.

    serve run service.ray_serve.deployment:app

    Raises:
        ValueError: the service cannot run so on a cluster.
    """
    drop_service_link(os.environ)
    settings = Settings()
    access = ApiKeys.from_file(settings.api_keys_file)
    if why := refusal(settings, access, joins=True):
        raise ValueError(why)
    return application(settings, access, most=settings.workers or settings.min_workers)
