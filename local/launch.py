"""Start one supervised program: end what its former life left behind, then become it.

`python -m local.launch PROGRAM`, started by supervisord.
"""

import os
import signal
import sys

from local import leftovers
from local.environment import PROGRAM_VARIABLE, common_environment
from local.layout import Layout
from local.leftovers import Mark
from local.programs import GUARD, POSTGRES, find_program
from local.stack import Stack, inherited, open_stack
from local.tether import tie_to_parent

# A new life waits for it; PostgreSQL gets longer.
PATIENCE_SECONDS = 3.0


def main() -> None:
    """Become the program named on the command line."""
    os.umask(0o077)
    name = sys.argv[1]
    stack = open_stack(os.environ)
    clear(name, stack)
    leftovers.note_origin(Mark(stack.credentials.stack_id, stack.layout.run, name))
    program = find_program(name, stack)
    environment = {
        **inherited(),
        **common_environment(stack),
        **program.environment,
        PROGRAM_VARIABLE: name,
    }
    if name != GUARD:  # the guard outlives the supervisor to start it again
        tie_to_parent(signal.SIGTERM)
    os.execvpe(program.command[0], program.command, environment)  # noqa: S606


def clear(name: str, stack: Stack) -> None:
    """End the processes that an earlier life of the program left behind."""
    if name == POSTGRES:
        clear_postgres(stack.layout)
    else:
        left = leftovers.marked(Mark(stack.credentials.stack_id, stack.layout.run, name))
        leftovers.end(left, patience=PATIENCE_SECONDS)


def clear_postgres(layout: Layout) -> None:
    """End leftovers of the server, and remove the lock file nobody holds any more."""
    folder = layout.database
    leftovers.end(leftovers.serving_folder(folder), with_signal=signal.SIGINT)
    # After a crash its number may belong to a stranger, and PostgreSQL would then refuse to start.
    (folder / "postmaster.pid").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
