"""The demo's other processes: the community server and sync, by the same commands that systemd starts.

They end with the demo, also when it is killed outright (kiosk.commands.demo_child).
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kiosk.errors import SyncError
from kiosk.model import DeviceId
from web.community.devices import register_device, write_secret

START_S: Final = 20.0
STOP_S: Final = 5.0
POLL_S: Final = 0.05
ASK_S: Final = 3.0


class Child:
    """One process of ours; its output is added to a file. Ends with :meth:`stop`, at the latest with us."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "kiosk.commands.demo_child", str(os.getpid()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                # Control-C is for the demo, which stops its children in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """The last line of its output."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def stop(self) -> None:
        """Ask it to end, and make it end if it does not; any number of times."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Community:
    """A community server of the demo's own, on loopback, and the way to ask it what it holds."""

    def __init__(self, folder: Path, device: str) -> None:
        self.device = device
        self.data = folder / "community"
        self.data.mkdir(mode=0o700)
        self.secret_file = folder / "device.secret"
        self._secret = write_secret(self.secret_file)
        register_device(self.data, DeviceId(device), self._secret, simulated=True)
        self.gone = False
        """The scenario has taken the server away (:meth:`go`)."""
        self._log = folder / "community.log"
        self._closing = ExitStack()
        self._closing.callback(lambda: self.child.stop())
        port_file = folder / "community.port"
        self.child = self._start(0, "--port-file", str(port_file))
        self.port = self._port(port_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def address(self) -> str:
        """For a browser and for sync."""
        return f"http://127.0.0.1:{self.port}"

    def go(self) -> None:
        """The server ends, as in a power cut at its place; sync keeps trying."""
        self.gone = True
        self.child.stop()

    def come_back(self) -> None:
        """The server starts again at the same address with all it has stored."""
        if self.gone:
            self.gone = False
            self.child = self._start(self.port)

    def add_sync(self, config: Path, log: Path) -> Child:
        """Start the courier beside it; it is stopped first."""
        child = Child("sync", ["sync", "--config", str(config)], log)
        self._closing.callback(child.stop)
        return child

    def passages(self) -> int | None:
        """How many passages of the demo's gate the server holds; None when it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ASK_S)
        try:
            headers = {"Authorization": f"Bearer {self._secret}"}
            connection.request("GET", f"/api/v1/devices/{self.device}/counts", headers=headers)
            answer = connection.getresponse()
            return int(json.loads(answer.read(65_536))["passages"]) if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return None
        finally:
            connection.close()

    def wait_for(self, passages: int, seconds: float) -> int | None:
        """What the server holds once it is at least so many, or after so many real seconds."""
        limit = time.monotonic() + seconds
        held = self.passages()
        while (held is None or held < passages) and time.monotonic() < limit and self.child.running:
            time.sleep(POLL_S)
            held = self.passages()
        return held

    def _start(self, port: int, *more: str) -> Child:
        arguments = ["community", "run", "--data", str(self.data), "--listen", f"127.0.0.1:{port}"]
        return Child("community", [*arguments, *more], self._log)

    def _port(self, file: Path) -> int:
        limit = time.monotonic() + START_S
        while time.monotonic() < limit and self.child.running:
            with suppress(OSError, ValueError):
                return int(file.read_text())
            time.sleep(POLL_S)
        self._closing.close()
        raise SyncError(f"the community server did not start: {self.child.last_words()}")
