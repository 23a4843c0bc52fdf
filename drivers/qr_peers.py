"""The two decoders as they come, one call each: what ``bench qr`` holds the gate's own reading against.

Nothing here guards against their faults (:mod:`drivers.qr_libraries` does) and nothing is tried twice. Both
are asked for QR codes alone, because that is what makes pyzbar affordable.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from kiosk.errors import DeviceAbsent
from kiosk.model import Frame

Peer = Callable[[Frame], list[str]]


def pyzbar_alone() -> Peer:
    """``pyzbar.decode`` of the plain frame; :class:`DeviceAbsent` where it can't be loaded."""
    pyzbar = _load("pyzbar.pyzbar")
    symbols = [pyzbar.ZBarSymbol.QRCODE]

    def read(frame: Frame) -> list[str]:
        try:
            found = pyzbar.decode((bytes(frame.luma), frame.width, frame.height), symbols=symbols)
        except ValueError:
            # A code that is part of a series: the wrapper loses the frame.
            return []
        return [code.data.decode("utf-8", "replace") for code in found]

    return read


def zxing_alone() -> Peer:
    """``zxingcpp.read_barcodes`` of the plain frame; :class:`DeviceAbsent` where it can't be loaded."""
    zxing = _load("zxingcpp")
    kinds = zxing.BarcodeFormats([zxing.BarcodeFormat.QRCode])

    def read(frame: Frame) -> list[str]:
        rows = memoryview(frame.luma).cast("B", (frame.height, frame.width))
        # Plain: its other modes rewrite what the code holds, and would count as wrong.
        found = zxing.read_barcodes(rows, formats=kinds, text_mode=zxing.TextMode.Plain)
        return [code.text for code in found]

    return read


PEERS: Final = {"pyzbar": pyzbar_alone, "zxing": zxing_alone}


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except (ImportError, OSError) as error:
        raise DeviceAbsent(f"nothing to compare with: {error}") from error
