"""`slidesieve pull`: a bundle from a repository of the Hugging Face hub."""

from __future__ import annotations

import argparse

from slidesieve.bundles.hub import pull_bundle


def run(options: argparse.Namespace) -> int:
    """Fetch the bundle, and say what to do with it."""
    commit = pull_bundle(options.repository, options.folder, options.revision)
    print(f"bundle: {options.folder} ({options.repository}@{commit})")
    print(f"next: slidesieve predict {options.folder} SLIDES --output predicted")
    return 0
