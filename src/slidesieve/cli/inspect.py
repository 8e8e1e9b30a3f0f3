"""`slidesieve inspect`: the content of HDF5 files and of bundles."""

from __future__ import annotations

import argparse
import sys

from slidesieve.bundles.describe import describe_bundle
from slidesieve.errors import ContractError
from slidesieve.store.inspect import describe


def run(options: argparse.Namespace) -> int:
    """Describe each file or bundle; 1 if any cannot be read."""
    exit_code = 0
    for path in options.files:
        try:
            for line in describe_bundle(path) if path.is_dir() else describe(path):
                print(line)
        except ContractError as error:
            sys.stderr.write(f"{error}\n")
            exit_code = 1
    return exit_code
