"""Starts the service: ``python -m serving.api --host … --port … --workers …``, uvicorn's options.

What would keep every worker from starting is looked for before there are any: uvicorn ends with 0
when it is its workers that refuse, and whoever supervises it would take that for a good end.
"""

import sys
from pathlib import Path

import uvicorn

from churn.streams import print_any_text
from serving.api.startup import own_settings

_LOGGING = Path(__file__).with_name("logging.json")


def main() -> None:
    """Run uvicorn with our application and our logs."""
    print_any_text()
    own_settings()
    ours = ["--factory", "serving.api.app:create_app", "--no-access-log"]
    uvicorn.main([*ours, "--log-config", str(_LOGGING), *sys.argv[1:]])


if __name__ == "__main__":
    main()
