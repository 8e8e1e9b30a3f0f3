"""`slidesieve inspect`: shapes, attributes, statistics and NaNs of HDF5 files."""

from __future__ import annotations

import argparse
import sys

from slidesieve.errors import ContractError
from slidesieve.store.inspect import describe


def run(options: argparse.Namespace) -> int:
    """Describe each file; 1 if any cannot be read."""
    exit_code = 0
    for path in options.files:
        try:
            for line in describe(path):
                print(line)
        except ContractError as error:
            sys.stderr.write(f"{error}\n")
            exit_code = 1
    return exit_code
