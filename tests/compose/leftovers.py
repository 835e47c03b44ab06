"""What an engine of ours leaves on the machine, found and removed by the folder that it ran in."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

PREFIX = "churn-compose-"
MARK = "CHURN_COMPOSE_RUN"
_OWNER = "owner"
_CGROUPS = Path("/sys/fs/cgroup")
_LINKS = Path("/sys/class/net")
_END_SECONDS = 20.0


def cgroup_name(folder: Path) -> str:
    """Return the control group that every container of the engine in this folder is under."""
    return folder.name


def bridge_name(folder: Path, network: str) -> str:
    """Return what a network's bridge is called; the kernel allows 15 letters."""
    return f"c{folder.name[-8:]}{network[:5]}"


def processes(folder: Path) -> list[psutil.Process]:
    """Return what was started for this folder's engine, and what runs in its containers."""
    return [one for one in psutil.process_iter() if _is_ours(one, folder)]


def mounts(folder: Path) -> list[str]:
    """Return what is mounted at or under the folder, the latest first."""
    table = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    points = [line.split()[1] for line in table]
    return [one for one in reversed(points) if one == str(folder) or one.startswith(f"{folder}/")]


def cgroups(folder: Path) -> list[Path]:
    """Return the control groups of the engine's containers, the innermost first."""
    name = cgroup_name(folder)
    tops = [path for path in (*_CGROUPS.glob(f"*/{name}"), _CGROUPS / name) if path.is_dir()]
    return [Path(inner) for top in tops for inner, _, _ in os.walk(top, topdown=False)]


def links(folder: Path) -> list[str]:
    """Return the bridges of the engine's networks."""
    return [path.name for path in _LINKS.glob(f"{bridge_name(folder, '')}*")]


def find(folder: Path) -> list[str]:
    """Return, in words, whatever is left of the engine that ran in this folder."""
    return [
        *(f"process {one.pid}" for one in processes(folder)),
        *(f"mount {one}" for one in mounts(folder)),
        *(f"control group {one}" for one in cgroups(folder)),
        *(f"network link {one}" for one in links(folder)),
        *([f"folder {folder}"] if folder.exists() else []),
    ]


def remove(folder: Path) -> None:
    """End and remove whatever is left of the engine that ran in this folder."""
    _end(processes(folder))
    for name in links(folder):
        subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
    for point in mounts(folder):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)
    for group in cgroups(folder):
        _remove_group(group)
    shutil.rmtree(folder, ignore_errors=True)


def abandoned(place: Path) -> Iterator[Path]:
    """Yield the folders of runs that were killed before they could clean up."""
    for folder in sorted(place.glob(f"{PREFIX}*")):
        if not _is_owned(folder):
            yield folder


def own(folder: Path) -> None:
    """Note that this process answers for the folder."""
    me = psutil.Process()
    (folder / _OWNER).write_text(f"{me.pid} {me.create_time()}", encoding="utf-8")


def _is_owned(folder: Path) -> bool:
    try:
        pid, created = (folder / _OWNER).read_text(encoding="utf-8").split()
        return psutil.Process(int(pid)).create_time() == float(created)
    except (OSError, ValueError, psutil.NoSuchProcess):
        return False


def _is_ours(process: psutil.Process, folder: Path) -> bool:
    try:
        groups = Path(f"/proc/{process.pid}/cgroup").read_text(encoding="utf-8")
        return f":/{cgroup_name(folder)}" in groups or process.environ().get(MARK) == str(folder)
    except (OSError, psutil.Error):
        return False


def _end(found: list[psutil.Process]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        for process in found:
            try:
                process.send_signal(how)
            except psutil.NoSuchProcess:
                continue
        _, found = psutil.wait_procs(found, timeout=_END_SECONDS / 4)


def _remove_group(group: Path) -> None:
    deadline = time.monotonic() + _END_SECONDS
    while group.exists() and time.monotonic() < deadline:
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.1)
