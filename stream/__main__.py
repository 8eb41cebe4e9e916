"""``python -m stream`` and the command ``newsstream``."""

import sys

from stream import cli


def main() -> None:
    """Run the command line; the status is the process's own."""
    sys.exit(cli.main(sys.argv[1:]))


if __name__ == "__main__":
    main()
