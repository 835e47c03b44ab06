"""Stand-ins for the base images, made from Debian's packages, under the names asked for."""

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.binaries import WHEEL
from tests.compose.debian import ENGINE_SUITE, PYTHON_SUITE

VERSION = (3, 12)
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
CERTIFICATES = "/usr/local/share/stand-in.crt"
ENTRYPOINT = Path(__file__).with_name("postgres-entrypoint.sh")
# What the official python image has besides a minimal Debian.
_PYTHON_LIBRARIES = [
    "ca-certificates",
    "libbz2-1.0",
    "libexpat1",
    "libffi8",
    "liblzma5",
    "libncursesw6",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libuuid1",
    "netbase",
    "tzdata",
    "zlib1g",
]
_UNWANTED = shutil.ignore_patterns("__pycache__", "site-packages", "*.a", "test", "idlelib")
_ASK = """
import sys, ssl, sqlite3, ctypes, pip
if sys.version_info[:2] == (3, 12): print(sys.base_prefix)
"""
# The programs of the Docker-free stack: no stable Debian has PostgreSQL 18.
_POSTGRES_BIN = f"/opt/postgres/{'/'.join(WHEEL)}/bin"
# The official image's user, and the folder from which a new volume takes its owner.
_POSTGRES_FOLDERS = f"""
set -e
echo 'postgres:x:999:' >> "$1/etc/group"
echo 'postgres:x:999:999::/var/lib/postgresql:/bin/bash' >> "$1/etc/passwd"
install -d "$1/opt/postgres/{WHEEL[0]}" "$1/docker-entrypoint-initdb.d"
cp -a {{packages}}/{WHEEL[0]}.libs "$1/opt/postgres/"
cp -a {{packages}}/{"/".join(WHEEL)} "$1/opt/postgres/{WHEEL[0]}/"
install -d -m 1777 -o 999 -g 999 "$1/var/lib/postgresql"
install -d -m 3777 -o 999 -g 999 "$1/run/postgresql"
install -m 0755 {ENTRYPOINT} "$1/usr/local/bin/docker-entrypoint.sh"
sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" \
    "$1/opt/postgres/{"/".join(WHEEL)}/share/postgresql/postgresql.conf.sample"
"""


@dataclass(frozen=True, kw_only=True)
class Base:
    """An image to be made: packages of a suite, what is done to them, how it starts."""

    tag: str
    suite: str
    packages: tuple[str, ...]
    changes: tuple[str, ...]
    customise: str = ""

    def command(self, mmdebstrap: Path, source: str, tar: Path) -> Sequence[str]:
        """Return the command that writes the image's root file system into a tar file."""
        return [
            *("perl", str(mmdebstrap), "--mode=root", "--variant=minbase", "--quiet"),
            *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")),
            *("--dpkgopt=force-unsafe-io", "--skip=cleanup/run"),
            f"--include={','.join(self.packages)}",
            f"--customize-hook={self.customise}",
            *(self.suite, str(tar), source),
        ]


def python_base(interpreter: Path) -> Base:
    """Describe ``python:3.12-slim-bookworm`` with a CPython of this machine."""
    variables = {"PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
    trust = " ".join(f"{name}={CERTIFICATES}" for name in sorted(variables))
    copy = f'cp -a "{interpreter}/." "$1/usr/local/"'
    certificates = f'install -m 0644 {AUTHORITIES} "$1{CERTIFICATES}"'
    return Base(
        tag="python:3.12-slim-bookworm",
        suite=PYTHON_SUITE,
        packages=tuple(_PYTHON_LIBRARIES),
        customise=f'{copy} && chroot "$1" ldconfig && {certificates}',
        changes=(f"ENV {trust} LANG=C.UTF-8", 'CMD ["python3"]'),
    )


def postgres_base() -> Base:
    """Describe ``postgres:18`` with the server of this environment's wheel."""
    packages = Path(sysconfig.get_path("purelib"))
    return Base(
        tag="postgres:18",
        suite=ENGINE_SUITE,
        packages=("zlib1g",),
        customise=_POSTGRES_FOLDERS.format(packages=packages),
        changes=(
            f"ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{_POSTGRES_BIN}",
            "ENV PGDATA=/var/lib/postgresql/18/docker LANG=C.UTF-8",
            "VOLUME /var/lib/postgresql",
            "STOPSIGNAL SIGINT",
            "EXPOSE 5432",
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            'CMD ["postgres"]',
        ),
    )


def find_python() -> Path | None:
    """Return the folder of a CPython 3.12 that can be copied: one with a prefix of its own."""
    for program in _candidates():
        prefix = _prefix_of(program)
        if prefix and prefix not in {Path("/usr"), Path("/")} and (prefix / "bin").is_dir():
            return prefix
    return None


def _candidates() -> Iterator[str]:
    name = f"python{VERSION[0]}.{VERSION[1]}"
    for folder in (Path.home() / ".pyenv/versions", Path.home() / ".local/share/uv/python"):
        yield from map(str, sorted(folder.glob(f"*{VERSION[0]}.{VERSION[1]}*/bin/{name}")))
    if found := shutil.which(name):
        yield found


def _prefix_of(program: str) -> Path | None:
    done = subprocess.run([program, "-c", _ASK], capture_output=True, text=True, check=False)
    return Path(done.stdout.strip()) if done.returncode == 0 and done.stdout.strip() else None


def copy_python(prefix: Path, into: Path) -> Path:
    """Copy an interpreter with pip and nothing else that was installed into it."""
    library = f"lib/python{VERSION[0]}.{VERSION[1]}"
    shutil.copytree(prefix, into, symlinks=True, ignore=_UNWANTED)
    for package in (prefix / library / "site-packages").glob("pip*"):
        shutil.copytree(package, into / library / "site-packages" / package.name)
    for script in (into / "bin").iterdir():
        _point_to_the_copy(script, prefix)
    return into


def _point_to_the_copy(script: Path, prefix: Path) -> None:
    if script.is_symlink():
        return
    content = script.read_bytes()
    if content.startswith(b"#!" + os.fsencode(prefix)):
        script.write_bytes(re.sub(rb"^#!\S+", b"#!/usr/local/bin/python3", content))
