"""Commands of the kind `python -m MODULE`, run where TensorFlow is imported already.

An interpreter of its own takes seconds for that import; one test of each command has one.
"""

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
        module: whose `__main__` it is.
        arguments: of the command line.
        check: whether another status than 0 is an error.
        variables: of the environment; None takes one away.

    Raises:
        CalledProcessError: it is.
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
