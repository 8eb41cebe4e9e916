"""Plugins of the whole suite, and the signals that its children begin with."""

import signal

pytest_plugins = ["tests.kafka.plugin"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: children would inherit it, and ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
