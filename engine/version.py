"""The program's version, as `--version` prints it and runs record it."""

VERSION = "0.1.0"
