"""A headless Chromium of the distribution, driven through its DevTools pipe: no driver, no port."""

from __future__ import annotations

import base64
import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from pathlib import Path

# Chromium reads commands from descriptor 3 and writes answers to 4.
ON_3_AND_4 = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """The program, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page of a browser of its own; use it as a context manager.

    Args:
        program: See `find_chromium`.
        profile: An empty folder for the browser.
        size: Of the window, px.
    """

    def __init__(self, program: str, profile: Path, size: tuple[int, int] = (1400, 1000)) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        command = [
            *(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe"),
            *(f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", "about:blank"),
        ]
        ends = (to_browser, from_browser)
        self._process = subprocess.Popen(
            [sys.executable, "-c", ON_3_AND_4, *map(str, ends), *command],
            pass_fds=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in ends:
            os.close(end)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._read, selectors.EVENT_READ)
        self._buffer, self._number, self._session = b"", 0, None
        self.console: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._session = None
        try:
            self.call("Browser.close")
            self._process.wait(timeout=10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._ready.close()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, **params: object) -> dict:
        """Call a method of the DevTools protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._note(answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, address: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=address)

    def run(self, script: str) -> object:
        """Evaluate JavaScript in the page; promises are waited for."""
        result = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_for(self, condition: str, seconds: float = 30) -> None:
        """Wait until JavaScript gives something true."""
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds:g} s: {condition}\n{self.console}")
            time.sleep(0.05)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag the mouse with its left button."""
        steps = [("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)]
        for kind, (x, y) in [("mouseMoved", start), *steps]:
            button = "none" if (kind, (x, y)) == ("mouseMoved", start) else "left"
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)
            time.sleep(0.05)

    def screenshot(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _next(self) -> dict:
        while b"\0" not in self._buffer:
            if not self._ready.select(timeout=60):
                raise AssertionError("the browser has not answered for a minute")
            received = os.read(self._read, 1 << 20)
            if not received:
                raise AssertionError("the browser has ended")
            self._buffer += received
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event: dict) -> None:
        """Keep what the page complains about."""
        entry = event.get("params", {}).get("entry", {})
        if entry.get("level") == "error":
            self.console.append(entry["text"])
        if event.get("method") == "Runtime.exceptionThrown":
            self.console.append(json.dumps(event["params"]["exceptionDetails"]))
