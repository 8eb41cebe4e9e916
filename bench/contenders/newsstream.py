"""Our own worker, with its default settings."""

from __future__ import annotations

import os
import sys

from bench.contenders import work
from stream import cli

if __name__ == "__main__":
    place = work.place()
    defaults = {
        "BOOTSTRAP_SERVERS": place.bootstrap,
        "TOPIC_PREFIX": place.prefix,
        "GROUP_ID": place.group,
        "PROCESSES": place.processes,
        "SESSION_TIMEOUT": place.session,
        "HEARTBEAT_INTERVAL": 1,
        "PROBES_PORT": 0,
        "LOG_FORMAT": "json",
    }
    for name, value in defaults.items():
        os.environ.setdefault(f"NEWSSTREAM_{name}", str(value))
    sys.exit(cli.main(["worker"]))
