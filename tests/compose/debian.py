"""Debian packages fetched and unpacked into a folder; nothing is installed on this machine."""

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.compose.progress import Progress

SOURCES = Path("/etc/apt")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ENGINE_SUITE = "trixie"
PYTHON_SUITE = "bookworm"
# The newer runc asks for a newer C library than the oldest Debian that this has to run on.
PACKAGES = tuple(
    f"{name}/{suite}"
    for suite, names in {
        ENGINE_SUITE: "docker.io docker-cli docker-compose docker-buildx containerd",
        PYTHON_SUITE: "runc tini mmdebstrap busybox-static iptables libxtables12 libip4tc2 "
        "libip6tc2 libnftnl11 libmnl0 libnetfilter-conntrack3 libnfnetlink0",
    }.items()
    for name in names.split()
)
_FETCH = """
cd "$1"; into=$2; shift 2; "$@"
for package in *.deb; do dpkg-deb -x "$package" "$into"; done
"""
_MIRROR = re.compile(
    r"^(?:URIs:|deb\s(?:\[[^]]*\])?)\s*(https?://\S+?/debian)/?(?=\s|$)", re.MULTILINE
)


def fingerprint() -> str:
    """Return a short hash of what is fetched."""
    return hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]


def find_mirror(folder: Path = SOURCES) -> str | None:
    """Return the address that this machine's own apt has Debian's packages from."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for file in files:
        if file.is_file() and (found := _MIRROR.search(file.read_text(encoding="utf-8"))):
            return found[1]
    return None


@dataclass(frozen=True)
class Archive:
    """The machine's Debian mirror, with apt's state in a folder of its own."""

    mirror: str
    folder: Path

    def line(self, suite: str) -> str:
        """Return a suite of the mirror as apt's sources name it."""
        return f"deb [signed-by={KEYRING}] {self.mirror} {suite} main"

    def unpack(self, into: Path, progress: Progress) -> None:
        """Fetch every package and unpack it into a folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("lists/partial", "archives/partial", "debs"):
            (self.folder / name).mkdir(parents=True)
        sources = "".join(f"{self.line(suite)}\n" for suite in (ENGINE_SUITE, PYTHON_SUITE))
        (self.folder / "sources.list").write_text(sources, encoding="utf-8")
        log = self.folder / "log"
        apt = ("apt-get", *self._options())
        progress.run("reading Debian's package lists", [*apt, "update"], log=log)
        fetch = ["sh", "-ec", _FETCH, "sh", str(self.folder / "debs"), str(into)]
        what = f"fetching and unpacking {len(PACKAGES)} Debian packages"
        progress.run(what, [*fetch, *apt, "download", *PACKAGES], log=log)
        shutil.rmtree(self.folder)

    def _options(self) -> list[str]:
        values = {
            "Dir::State::Lists": self.folder / "lists",
            "Dir::Cache": self.folder,
            "Dir::Etc::SourceList": self.folder / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",
            "quiet": "1",
        }
        return [word for key, value in values.items() for word in ("-o", f"{key}={value}")]
