"""Which kiosks may report, by a secret each. The server's file holds digests, never the secrets.

Enrolment with keys made on the device replaces this file later; until then whoever sets up both sides
(the demo, an admin) calls :func:`write_secret` for the kiosk and :func:`register_device` for the server.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from pathlib import Path
from typing import Any, Final

from kiosk.errors import ConfigError
from kiosk.files import read_private, write_atomic
from kiosk.model import DeviceId

DEVICES_FILE: Final = "devices.json"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NOBODY: Final = "0" * 64
"""No secret has this digest; compared with all the same, so that an unknown device takes as long."""
_MIN_SECRET: Final = 32


def write_secret(path: Path) -> str:
    """Make a new secret of 256 bits for a kiosk, in a file that only its owner may read."""
    secret = secrets.token_urlsafe(32)
    write_atomic(path, secret.encode() + b"\n", mode=0o600)
    return secret


def register_device(data_dir: Path, device: DeviceId, secret: str, *, simulated: bool = False) -> None:
    """Let a kiosk report to the server whose data is in ``data_dir``; a second secret replaces the first.

    ``simulated``: the server's pages say so from the start, before the kiosk has said it itself.
    ConfigError for an id that can't stand in an address or a secret that can be guessed.
    """
    check_id(device)
    if len(secret) < _MIN_SECRET:
        raise ConfigError(f"the secret of {device} is shorter than {_MIN_SECRET} characters")
    path = data_dir / DEVICES_FILE
    entries = _read(path) if path.exists() else {}
    entries[device] = {"secret_sha256": _digest(secret)} | ({"simulated": True} if simulated else {})
    text = json.dumps({"devices": dict(sorted(entries.items()))}, indent=1)
    write_atomic(path, text.encode() + b"\n", mode=0o600)


def check_id(device: DeviceId) -> None:
    """ConfigError for an id that can't stand in an address."""
    if not _ID.fullmatch(device):
        raise ConfigError(f"device id {device!r}: letters, digits, '.', '_' and '-' only, at most 64")


class DeviceBook:
    """The file as it is now: a kiosk registered or struck out while the server runs counts at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._entries: dict[str, dict[str, Any]] = {}
        if path.exists():
            self._refresh()

    def simulated(self) -> frozenset[str]:
        """Kiosks that were registered as simulated, as of the last look: never an error."""
        return frozenset(name for name, entry in self._entries.items() if entry.get("simulated"))

    def knows(self, device: str, secret: str) -> bool:
        """Whether this is the device's secret; compared in constant time, known device or not."""
        self._refresh()
        entry = self._entries.get(device)
        stored = _NOBODY if entry is None else str(entry["secret_sha256"])
        return hmac.compare_digest(_digest(secret), stored)

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._seen, self._entries = None, {}
            return
        # An atomic replacement is a new inode; the mode is in the key so that a chmod is noticed too.
        seen = (status.st_ino, status.st_mtime_ns, status.st_mode)
        if seen != self._seen:
            self._entries = _read(self._path)
            self._seen = seen


def _digest(secret: str) -> str:
    # The secrets are random and long, so a plain hash is enough: there is nothing to guess.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        devices = json.loads(read_private(path, limit=16 * 1024 * 1024))["devices"]
        entries = {name: dict(entry) for name, entry in devices.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is not a list of devices: {error}") from None
    for name, entry in entries.items():
        digest = entry.get("secret_sha256")
        if not _ID.fullmatch(name) or not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise ConfigError(f"{path}: the entry of {name!r} is not an id with a SHA-256")
    return entries
