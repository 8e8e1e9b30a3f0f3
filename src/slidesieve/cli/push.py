"""`slidesieve push`: a bundle to a repository of the Hugging Face hub."""

from __future__ import annotations

import argparse

from slidesieve.bundles.hub import push_bundle


def run(options: argparse.Namespace) -> int:
    """Send the bundle, and say where it is."""
    print(f"bundle: {push_bundle(options.bundle, options.repository, options.private)}")
    return 0
