"""Several workers under a supervisor: they share requests, are replaced, leave no orphans."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.callers import callers
from tests.e2e.running import COMMAND, run_service

pytestmark = pytest.mark.own_processes("Ray starts, watches and replaces replicas itself")

_ESTABLISHED = "01"  # in /proc/net/tcp

# Ends every process that multiprocessing has spawned, before it has imported anything.
CRASH = """\
import os, sys
if "--multiprocessing-fork" in sys.orig_argv:
    os._exit(9)
"""

# Lets SIGUSR1 block the event loop, while other threads go on.
HANG = """\
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(3600))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service of two workers, which tests may replace."""
    with run_service(tmp_path_factory.mktemp("workers"), workers=2) as running:
        running.wait_until_all_serve(2)
        yield running


def test_the_address_is_logged_once(service):
    assert service.log.count("listens on") == 1
    assert "workers: 2" in service.log


def test_an_option_says_how_many_workers_there_are(start):
    service = start("--workers", "3")

    service.wait_until_all_serve(3)


def test_an_address_that_another_service_uses_is_refused(service):
    second = _serve("--port", str(urlsplit(service.url).port))

    assert second.returncode == 1
    assert "cannot listen" in second.stderr


def test_the_supervisor_itself_holds_no_models(service):
    maps = Path(f"/proc/{service.process.pid}/maps").read_text()

    assert "onnxruntime" not in maps
    assert "cv2" not in maps


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_worker_that_ends_is_replaced(service, seven, number):
    first, second = service.worker_ids()

    with _one_replacement(service):
        os.kill(first, number)
        # The other one has the connections until then.
        for _ in range(20):
            assert httpx.post(f"{service.url}/predict", content=seven).status_code == 200

    assert second in service.worker_ids()
    assert first not in service.worker_ids()
    assert f"worker {first} " in service.log


def test_every_worker_gets_work(start, seven):
    service = _ready(start)

    with callers(service.url, seven, number=32) as calling:
        service.wait_for(lambda: calling.answers[200] > 500)
        shares = [_accepted_connections(service, worker) for worker in service.worker_ids()]
        service.process.terminate()
        calling.wait_until_refused()

    assert sum(shares) == 32
    assert min(shares) > 0


def test_a_worker_that_hangs_is_replaced(start):
    service = _ready(start, worker_timeout=2)
    first, _ = service.worker_ids()

    os.kill(first, signal.SIGSTOP)

    service.wait_for(lambda: f"worker {first} gives no sign of life" in service.log)
    service.wait_until_all_serve(3)


def test_a_worker_whose_event_loop_hangs_is_replaced(start, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(HANG)
    monkeypatch.setenv("PYTHONPATH", _with_path(tmp_path))
    service = _ready(start, worker_timeout=2)
    first, second = service.worker_ids()

    os.kill(first, signal.SIGUSR1)

    service.wait_until_all_serve(3)
    assert first not in service.worker_ids()
    assert second in service.worker_ids()


def test_the_service_ends_if_no_worker_starts(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(CRASH)
    monkeypatch.setenv("PYTHONPATH", _with_path(tmp_path))

    ended = _serve("--port", "0")

    assert ended.returncode == 1
    assert "no worker comes up, so the service ends" in ended.stderr
    assert len(re.findall("ended with status 9; another one starts", ended.stderr)) < 10


def test_workers_end_when_their_supervisor_is_killed(start):
    service = _ready(start)
    workers = service.worker_ids()

    service.process.kill()
    service.process.wait()

    service.wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    with pytest.raises(httpx.ConnectError):
        httpx.get(service.url)


def _serve(*options):
    """Run a service of two workers that ends by itself."""
    return subprocess.run(
        [*COMMAND, "serve", "--workers", "2", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextlib.contextmanager
def _one_replacement(service):
    """Wait at the end until one more worker has started."""
    started = service.log.count(" serves")
    yield
    service.wait_until_all_serve(started + 1)


def _with_path(folder) -> str:
    return os.pathsep.join([str(folder), str(Path.cwd()), os.environ.get("PYTHONPATH", "")])


def _ready(start, **settings):
    service = start(**({"workers": 2} | settings))
    service.wait_until_all_serve(2)
    return service


def _accepted_connections(service, worker: int) -> int:
    """Count the connections of clients that `worker` has open."""
    port = f"{urlsplit(service.url).port:04X}"
    table = Path(f"/proc/{worker}/net/tcp").read_text().splitlines()[1:]
    established = {
        fields[9]
        for fields in map(str.split, table)
        if fields[1].endswith(f":{port}") and fields[3] == _ESTABLISHED
    }
    return sum(f"socket:[{inode}]" in _open_files(worker) for inode in established)


def _open_files(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(descriptor.readlink()))
    return found
