"""Variables of the environment that look like settings and are none."""

import os
import re
from collections.abc import MutableMapping

from service.settings import ENVIRONMENT_PREFIX, Settings

# Where training finds MNIST: the one variable with the prefix that is no setting of the service.
_DATA_VARIABLE = "NUMERAL_DATA"

# A Kubernetes Service named numeral gives such variables to every container of its namespace:
# https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
_SERVICE_LINK = re.compile(
    r"NUMERAL_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_.+)?)"
)
_PORT_VARIABLE = "NUMERAL_PORT"
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")


def drop_service_link(environment: MutableMapping[str, str]) -> str | None:
    """Take out of `environment` a NUMERAL_PORT that Kubernetes set; what it was.

    For a Service named numeral it holds that Service's URL, no port to listen on.
    """
    if _LINK_VALUE.match(environment.get(_PORT_VARIABLE, "")):
        return environment.pop(_PORT_VARIABLE)
    return None


def unknown_variables() -> list[str]:
    """Names of the variables `NUMERAL_*` in the environment that set nothing."""
    known = {_DATA_VARIABLE, *(ENVIRONMENT_PREFIX + name.upper() for name in Settings.model_fields)}
    return sorted(
        name
        for name in os.environ
        if name.upper().startswith(ENVIRONMENT_PREFIX)
        and name.upper() not in known
        and not _SERVICE_LINK.fullmatch(name)
    )
