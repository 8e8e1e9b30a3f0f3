"""`slidesieve view`: the slides of a finished study in a browser."""

from __future__ import annotations

import argparse
import sys

from slidesieve.errors import ConfigError
from slidesieve.viewer import library
from slidesieve.viewer.routes import Routes
from slidesieve.viewer.server import ViewerServer
from slidesieve.viewer.study import open_study


def run(options: argparse.Namespace) -> int:
    """Serve the viewer until it is interrupted, or install the library that it needs."""
    if options.install:
        print(f"OpenSeadragon {library.VERSION}: {library.install()}")
        return 0
    if options.results is None:
        raise ConfigError(["name the dataset: slidesieve view results/my_study"])
    library.read_script()
    routes = Routes(open_study(options.results, options.truth))
    try:
        server = ViewerServer(routes, options.port)
    except OSError as error:
        raise ConfigError([f"port {options.port} cannot be had: {error.strerror}"]) from error
    with server:
        print(f"open in a browser on this machine: {server.address}")
        print("stop with Ctrl+C")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    routes.close()
    return 0
