"""Commands `python -m MODULE`, run in this process, which has imported TensorFlow already."""

import io
import os
import runpy
import sys
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CalledProcessError, CompletedProcess
from unittest.mock import patch


def run_here(
    module: str, *arguments: object, check: bool = True, **variables: str | None
) -> CompletedProcess[str]:
    """Run a module as a command, in this process.

    Args:
        module: package with the `__main__` module.
        arguments: command-line arguments.
        check: whether a status other than 0 raises.
        variables: environment variables; None removes one.

    Raises:
        CalledProcessError: the status is not 0.
    """
    command = [module, *map(str, arguments)]
    environment = {
        name: value for name, value in (os.environ | variables).items() if value is not None
    }
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        patch.object(sys, "argv", command),
        patch.dict(os.environ, environment, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            if isinstance(ended.code, str):
                print(ended.code, file=err)
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    if check and status:
        raise CalledProcessError(status, command, out.getvalue(), err.getvalue())
    return CompletedProcess(command, status, out.getvalue(), err.getvalue())
