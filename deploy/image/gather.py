"""Collect everything the service needs in a directory, to be the whole image.

    python deploy/image/gather.py /opt/numeral /image

Runs in the builder of the image, on Debian. Copies the environment, its Python, and the system
libraries that both load: no shell, no package manager.
"""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

_SYSTEM_FILES = (
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/openssl.cnf",
)
_USERS = "root:x:0:0:root:/:/sbin/nologin\nnumeral:x:10001:10001::/nonexistent:/sbin/nologin\n"
_GROUPS = "root:x:0:\nnumeral:x:10001:\n"


def gather(environment: Path, image: Path) -> None:
    """Copy `environment` and everything it needs into `image`, under the same paths."""
    base = Path(sys.base_prefix)
    programs = [each for each in base.glob("bin/python*") if "config" not in each.name]
    standard = Path(sysconfig.get_path("stdlib"))
    for path in (environment, standard, *programs, *base.glob("lib/libpython*.so*")):
        _copy(path, image)
    libraries = system_libraries(image)
    for file in (*libraries, *map(Path, _SYSTEM_FILES)):
        _copy(file.resolve(), image, file)
    _run("ldconfig", "-r", image)
    _name_packages(libraries, image)
    _lay_out(image)


def system_libraries(folder: Path) -> list[Path]:
    """Return the system libraries that files in `folder` load, including the loader."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    libraries = {path for file in files if _is_elf(file) for path in _loads(file)}
    # Libraries in the folder are already there.
    return sorted(path for path in libraries if folder not in path.resolve().parents)


def _is_elf(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"


def _loads(binary: Path) -> Iterator[Path]:
    for line in _run("ldd", binary).splitlines():
        if "not found" in line:
            raise FileNotFoundError(f"{binary}: {line.strip()}; install its package in the builder")
        for word in line.split():
            if word.startswith("/"):
                yield Path(word)


def _name_packages(libraries: Iterable[Path], image: Path) -> None:
    # For vulnerability scanners, with the licences.
    folder = image / "var" / "lib" / "dpkg" / "status.d"
    folder.mkdir(parents=True)
    for owner in {_owner(file) for file in libraries} - {""}:
        (folder / owner).write_text(_run("dpkg-query", "--status", owner))
        licence = Path("/usr/share/doc") / owner / "copyright"
        if licence.exists():
            _copy(licence.resolve(), image, licence)


def _owner(library: Path) -> str:
    """Return the package of `library`, or an empty string."""
    real = library.resolve()
    # /lib is /usr/lib, and the package can list either.
    for name in (real, f"/{real.relative_to('/usr')}" if real.is_relative_to("/usr") else real):
        asked = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return asked.stdout.partition(":")[0]
    return ""


def _lay_out(image: Path) -> None:
    (image / "etc" / "passwd").write_text(_USERS)
    (image / "etc" / "group").write_text(_GROUPS)
    temporary = image / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)


def _copy(source: Path, image: Path, place: Path | None = None) -> None:
    target = image / (place or source).relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    gather(Path(sys.argv[1]), Path(sys.argv[2]))
