"""Ray itself: what it sends and to whom it listens, and what is said where it is missing."""

import socket
import subprocess
import sys

from tests.e2e.command import numeral, surroundings

START_AND_LOOK = """
import ipaddress, psutil
from service.scoring.ray.cluster import cluster

found = []
with cluster(None, 1):
    import ray
    from ray._common.usage.usage_lib import usage_stats_enabled

    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        for one in process.net_connections("inet"):
            if one.status == psutil.CONN_LISTEN:
                address = ipaddress.ip_address(one.laddr.ip)
                address = getattr(address, "ipv4_mapped", None) or address
                found.append(("listens", address.is_loopback))
    found.append(("sends", usage_stats_enabled()))
    found.append(("dashboard", bool(ray._private.worker.get_dashboard_url())))
found.append(("ended", not ray.is_initialized()))
for each in found:
    print(*each)
"""

IMPORT_THE_REST = """
import sys
import service.app, service.cli.score
print(*{name.partition(".")[0] for name in sys.modules})
"""

HIDE_RAY = """
import sys
from importlib.machinery import PathFinder
from service.cli import app

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == "ray" else find(name, *rest)
app(sys.argv[1:])
"""


def test_a_cluster_of_its_own_listens_here_alone_and_sends_nothing():
    looked = subprocess.run(
        [sys.executable, "-c", START_AND_LOOK],
        env=surroundings(RAY_ADDRESS="192.0.2.1:6379"),
        capture_output=True,
        text=True,
        check=True,
    )

    lines = looked.stdout.splitlines()
    assert lines.count("listens True") >= 3
    assert set(lines) == {"listens True", "sends False", "dashboard False", "ended True"}
    assert looked.stderr == ""


def test_ray_is_imported_by_its_own_engine_alone():
    finished = subprocess.run(
        [sys.executable, "-c", IMPORT_THE_REST], capture_output=True, text=True, check=True
    )

    imported = set(finished.stdout.split())
    assert "service" in imported
    assert not imported & {"ray", "pyarrow", "fsspec"}


def test_a_cluster_that_cannot_be_reached_is_named(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        (tmp_path / "a.png").write_bytes(b"")

        result = numeral(
            *("score", "a.png", "--engine", "ray", "--address", address, "--out", "out"),
            folder=tmp_path,
        )

    assert (result.returncode, address in result.stderr.decode()) == (2, True), result.stderr
    assert not (tmp_path / "out").exists()


def test_without_the_extra_it_says_how_to_get_it(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")

    result = subprocess.run(
        [sys.executable, "-c", HIDE_RAY, "score", "a.png", "--engine", "ray", "--out", "out"],
        cwd=tmp_path,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, "-e '.[scale]'" in result.stderr) == (2, True), result.stderr


def test_a_file_is_no_folder_and_an_address_wants_the_engine(tmp_path):
    wrong = [
        ("--engine", "ray"),
        ("--engine", "ray", "--out", "all.csv"),
        ("--address", "127.0.0.1:6379", "--out", "all.csv"),
    ]

    assert [numeral("score", tmp_path, *options).returncode for options in wrong] == [2, 2, 2]
