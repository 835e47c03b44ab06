# ruff: noqa: INP001 - a script of the images, not a package
"""Health probe of the Airflow parts that answer no requests: ``heartbeat.py JOB_TYPE``.

Exit 0 when this container's part has put a fresh heartbeat into Airflow's database. It asks the
database itself, in a fifth of the time that ``airflow jobs check`` takes.
"""

import os
import socket
import sys

import psycopg

LONGEST_SECONDS = 30
QUERY = """
    SELECT extract(epoch FROM now() - max(latest_heartbeat))::int
    FROM job
    WHERE job_type = %s AND hostname = %s AND state = 'running'
"""


def main(job_type: str) -> None:
    """Fail with one line that states what is wrong."""
    address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "", 1)
    with psycopg.connect(address, connect_timeout=5) as connection:
        row = connection.execute(QUERY, [job_type, socket.gethostname()]).fetchone()
    age = row[0] if row else None
    if age is None:
        sys.exit(f"no {job_type} runs here")
    if age > LONGEST_SECONDS:
        sys.exit(f"the last heartbeat of {job_type} is {age} s old")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except psycopg.Error as error:
        sys.exit(f"no heartbeat can be read: {error}")
