"""`numeral serve`: the service on a socket, in one process or several."""

import typer

from service.cli.options import takes_settings
from service.server import run
from service.settings import Settings


@takes_settings
def serve(settings: Settings) -> None:
    """Serve the models over HTTP until SIGINT or SIGTERM; running requests still finish.

    A second such signal ends it at once. SIGHUP reloads the models; if they
    cannot be used, the old ones stay. Without any usable model it listens all
    the same, not ready, and logs why.

    Examples:
      numeral serve --port 9000
      numeral serve --host 0.0.0.0 --workers 2 --api-keys-file keys.jsonl
      NUMERAL_DEFAULT_MODEL=lenet5 numeral serve
      numeral serve --engine ray --min-workers 1 --workers 4

    Exit status:
      0  it was told to stop
      1  the address cannot be used, no worker starts, or Ray cannot be reached
      2  a setting is wrong
    """
    raise typer.Exit(run.serve(settings))
