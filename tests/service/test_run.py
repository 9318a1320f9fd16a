"""What `numeral serve` finds wrong before it starts."""

import socket

import pytest

from service.server import run, system
from service.settings import Settings


def test_a_directory_that_does_not_exist_is_refused(tmp_path, capsys):
    assert run.serve(Settings(models_dir=tmp_path / "nowhere")) == 2

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --models-dir")
    assert "nowhere" in line


def test_an_unknown_default_model_is_refused(capsys):
    assert run.serve(Settings(default_model="vgg")) == 2

    [line] = capsys.readouterr().err.splitlines()
    assert "'vgg'" in line
    assert "lenet5" in line


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_in_use_is_refused(workers, capsys):
    [other] = system.listen("127.0.0.1", 0)
    with other:
        port = other.getsockname()[1]
        with pytest.raises(run.CannotServe, match=f"cannot listen on 127.0.0.1 port {port}"):
            run._listen(Settings(port=port), workers)


def test_each_worker_has_its_own_socket_on_the_same_address():
    listeners = system.listen("127.0.0.1", 0, workers=2)

    assert len({each.fileno() for each in listeners}) == 2
    assert len({each.getsockname() for each in listeners}) == 1
    with socket.create_connection(listeners[0].getsockname()):
        pass
    for each in listeners:
        each.close()
