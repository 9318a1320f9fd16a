"""The door: who shows no key, or the wrong one, is answered before the body is read."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.guarded import role_for
from service.api.problems import problem_response
from service.api.state import PREPAID_IMAGES
from service.auth.api_keys import ApiKeys, Authenticator, Caller, key_from
from service.errors import KeyRequired, QuotaExceeded, RoleRequired


class Guard:
    """Lets callers through whose key has the role that the path asks for.

    The caller is found as `scope["state"]["caller"]` from then on. Its quota is charged with one
    image for a start; `service.api.state.charge` charges the others.
    """

    def __init__(self, app: ASGIApp, *, access: ApiKeys) -> None:
        self.app = app
        self._callers = Authenticator(access)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the request, or answer it with what is missing."""
        if scope["type"] == "http":
            role = role_for(scope["path"])
            if role is not None:
                try:
                    caller = self._caller(scope)
                    if role not in caller.roles:
                        raise RoleRequired(
                            f"the key {caller.name!r} has not the role {role}; ask who runs the"
                            " service for one that has"
                        )
                    if caller.meter is not None:
                        caller.meter.charge(1)
                        scope["state"][PREPAID_IMAGES] = 1
                except (KeyRequired, RoleRequired, QuotaExceeded) as error:
                    response = await problem_response(Request(scope), error)
                    await response(scope, receive, send)
                    return
        await self.app(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        key = key_from(scope["headers"])
        if key is None:
            raise KeyRequired(
                "send an API key, as Authorization: Bearer <key> or as X-API-Key: <key>"
            )
        caller = self._callers.find(key)
        if caller is None:
            raise KeyRequired("the API key is not known; check it, or ask who runs the service")
        state = scope.setdefault("state", {})
        state["caller"] = caller
        state["log_fields"] = {"caller": caller.name}
        return caller
