"""Start one supervised program: end the orphan processes of an earlier one, then become it.

`python -m local.launch PROGRAM`, started by supervisord.
"""

import os
import signal
import sys

from local import orphans
from local.environment import common_environment
from local.layout import Layout
from local.orphans import Mark
from local.parent_death import end_with_parent
from local.programs import POSTGRES, WATCHDOG, find_program
from local.stack import inherited, open_stack

# The new program waits for it; PostgreSQL gets longer.
PATIENCE_SECONDS = 3.0


def main() -> None:
    """Become the program named on the command line."""
    os.umask(0o077)
    name = sys.argv[1]
    stack = open_stack(os.environ)
    mark = Mark(stack.credentials.stack_id, stack.layout.run)
    clear(name, stack.layout, mark)
    mark.note_session()
    program = find_program(name, stack)
    environment = {
        **inherited(),
        **common_environment(stack),
        **program.environment,
    }
    if name != WATCHDOG:  # it outlives the supervisor to start it again
        end_with_parent(signal.SIGTERM)
    os.execvpe(program.command[0], program.command, environment)  # noqa: S606


def clear(name: str, layout: Layout, mark: Mark) -> None:
    """End what an earlier database server, or any other program that ended, left running."""
    if name == POSTGRES:
        clear_postgres(layout)
    else:
        orphans.end(orphans.find_orphans(mark, layout.database), patience=PATIENCE_SECONDS)


def clear_postgres(layout: Layout) -> None:
    """End an earlier server, and remove its lock file."""
    folder = layout.database
    orphans.end(orphans.find_server(folder), with_signal=signal.SIGINT)
    # After a crash another program may have the id in it, and PostgreSQL would refuse to start.
    (folder / "postmaster.pid").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
