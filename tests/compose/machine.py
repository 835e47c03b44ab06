"""What this machine has for the tests, or why it cannot run them."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.compose import bases, debian
from tests.compose.debian import Archive
from tests.compose.progress import Progress

REAL_IMAGES = ("postgres:18", "python:3.12-slim-bookworm")
_PULL_SECONDS = 300
_PROGRAMS = ("apt-get", "dpkg-deb", "perl", "tar", "mount", "ip", "unshare", "curl")
_OVERLAY = """
mount -t tmpfs tmpfs /mnt; cd /mnt; mkdir lower upper work merged
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged
"""
_BRIDGE = ("unshare", "--net", "ip", "link", "add", "churn0", "type", "bridge")


@dataclass(frozen=True)
class Machine:
    """How an engine is got here: ``real`` names the machine's own, else one is put together."""

    real: str = ""
    mirror: str = ""
    python: Path = Path()
    cache: Path = Path()

    @property
    def tools(self) -> Path:
        """The unpacked engine, kept between runs; named by what is in it."""
        return self.cache / f"tools-{debian.fingerprint()}"

    def fetch_tools(self, scratch: Path, progress: Progress) -> None:
        """Fetch the engine unless it is there; a run that is killed leaves no half of it."""
        if self.tools.exists():
            return
        beside = self.cache / f"new-{os.getpid()}"
        beside.mkdir(parents=True)
        try:
            Archive(self.mirror, scratch / "apt").unpack(beside, progress)
            (beside / "usr/sbin/iptables").symlink_to("xtables-nft-multi")
            (beside / "usr/sbin/docker-init").symlink_to("../bin/tini-static")
            beside.replace(self.tools)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def look() -> Machine | str:
    """Return how an engine is got here, or why it cannot be."""
    if real := _real_engine():
        return Machine(real=real)
    if reason := _why_not():
        return f"no engine that pulls images, and {reason}"
    mirror, python = debian.find_mirror(), bases.find_python()
    if not mirror:
        return "no engine that pulls images, and apt's sources name no Debian mirror"
    if not python:
        return "no engine that pulls images, and no CPython 3.12 with a prefix of its own"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Machine(mirror=mirror, python=python, cache=cache / "churn-compose")


def _real_engine() -> str:
    """Name the machine's engine if Compose 2 works with it and images can be pulled."""
    if not shutil.which("docker") or _fails("docker", "compose", "version"):
        return ""
    ask = ["docker", "version", "--format", "{{.Server.Version}}"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    pulled = done.returncode == 0 and not any(_is_out_of_reach(tag) for tag in REAL_IMAGES)
    return f"Docker {done.stdout.strip()}" if pulled else ""


def _is_out_of_reach(tag: str) -> bool:
    return _fails("docker", "image", "inspect", tag) and _fails("docker", "pull", "-q", tag)


def _why_not() -> str:
    """Return the first reason against an engine of our own, empty when there is none."""
    missing = [name for name in _PROGRAMS if not shutil.which(name)]
    reasons = {
        "this is not Linux on x86_64": (platform.system(), platform.machine())
        != ("Linux", "x86_64"),
        "not root": os.geteuid() != 0,
        f"no {', '.join(missing)}": bool(missing),
        f"no {debian.KEYRING}": not debian.KEYRING.exists(),
    }
    for reason, holds in reasons.items():
        if holds:
            return reason
    if _fails("unshare", "--mount", "sh", "-ec", _OVERLAY):
        return "no overlay file system can be mounted"
    return "no network bridge can be made" if _fails(*_BRIDGE) else ""


def _fails(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PULL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.returncode != 0
