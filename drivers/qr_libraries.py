"""The two decoders behind one interface, and the guards that each of them needs.

* pyzbar (libzbar 0.23): the wrapper declares a C ``int`` as unsigned, so that a code which is part of a
  series (structured append) raises ``ValueError: 4294967295 is not a valid ZBarOrientation`` and takes
  every other code of the frame with it; the series' parts then come as type ``PARTIAL``. It re-encodes
  binary payloads by guessing a character set, so a text outside ASCII is not what the code holds. Asked for
  EAN-13, it also delivers UPC-E codes, expanded to 13 digits that nobody printed.
* zxing-cpp (3.x): its family ``QRCode`` includes Micro QR, whose weak checksum reads texts into crumpled
  cloth; only model 2, the ordinary QR code, is asked for.

Neither is patched on disk. A library that can't be loaded raises :class:`DeviceAbsent` with the reason.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, Protocol

from kiosk.errors import DecoderError, DeviceAbsent
from kiosk.model import CodeRead, Frame

QR_CODE: Final = "QRCode"
LINEAR: Final = ("Code128", "Code39", "EAN13")
"""1D symbologies that a configuration may ask for, by their names there."""


class Library(Protocol):
    """A decoder of codes in frames. Not to be shared between threads."""

    @property
    def name(self) -> str:
        """What reads and messages call it."""

    def read(self, frame: Frame) -> list[CodeRead]:
        """Every code in the frame, duplicates included; :class:`DecoderError` when it failed."""


class Zbar:
    """pyzbar, guarded."""

    name: Final = "pyzbar"

    def __init__(self, linear: Sequence[str] = ()) -> None:
        self._zbar: Any = _load("pyzbar.pyzbar", "install libzbar0")
        self._names = {name.upper(): name for name in (QR_CODE, *linear)}
        # Asked for by name UPC-E keeps its own, and is then dropped with everything that was not wanted.
        kinds = [*self._names, "UPCE"] if "EAN13" in self._names else list(self._names)
        self._symbols = [self._zbar.ZBarSymbol[kind] for kind in kinds]
        orientation = self._zbar.zbar_symbol_get_orientation
        if orientation is not None:
            # "Unknown" is -1; read as unsigned it is no orientation at all and loses the whole frame.
            orientation.restype = ctypes.c_int

    def read(self, frame: Frame) -> list[CodeRead]:
        """See :class:`Library`. Costs 5 to 9 ms at 640x480 on a desktop: give it a small frame."""
        try:
            pixels = frame.luma if isinstance(frame.luma, bytes) else bytes(frame.luma)
            found = self._zbar.decode((pixels, frame.width, frame.height), symbols=self._symbols)
        except Exception as error:
            raise _failed(self.name, error) from error
        return [
            CodeRead(code.data.decode("ascii"), self._names[code.type], self.name, frame.at)
            for code in found
            if code.type in self._names and code.data and code.data.isascii()
        ]


class Zxing:
    """zxing-cpp, guarded."""

    name: Final = "zxing"

    def __init__(self, linear: Sequence[str] = ()) -> None:
        self._zxing: Any = _load("zxingcpp", "install zxing-cpp")
        kinds = self._zxing.BarcodeFormat
        # What is asked for, and the family as which it is reported.
        known = {
            QR_CODE: (kinds.QRCodeModel2, kinds.QRCode),
            "Code128": (kinds.Code128, kinds.Code128),
            # Std: the extended alphabet would rewrite "+A" to "a" behind the reader's back.
            "Code39": (kinds.Code39Std, kinds.Code39),
            "EAN13": (kinds.EAN13, kinds.EANUPC),
        }
        self._formats = self._zxing.BarcodeFormats([known[name][0] for name in (QR_CODE, *linear)])
        self._names = {known[name][1]: name for name in (QR_CODE, *linear)}

    def read(self, frame: Frame) -> list[CodeRead]:
        """See :class:`Library`. Turned, inverted and half-scale codes included: .5 ms at 640x480."""
        try:
            rows = memoryview(frame.luma).cast("B", (frame.height, frame.width))
            found = self._zxing.read_barcodes(
                rows, formats=self._formats, text_mode=self._zxing.TextMode.Plain
            )
        except Exception as error:
            raise _failed(self.name, error) from error
        return [
            CodeRead(_text(code.bytes, code.text), self._names[code.symbology], self.name, frame.at)
            for code in found
            if code.valid and code.bytes and code.symbology in self._names
        ]


def _text(payload: bytes, transcoded: str) -> str:
    """The payload as text that is ASCII exactly when the payload is, whatever character set was declared.

    A pass is ASCII; everything else is for people to look at and for the format step to refer.
    """
    if payload.isascii():
        return payload.decode("ascii")
    return payload.decode("latin-1") if transcoded.isascii() else transcoded


def _load(module: str, remedy: str) -> Any:
    try:
        return import_module(module)
    except (ImportError, OSError) as error:
        raise DeviceAbsent(f"{error} ({remedy})") from error


def _failed(name: str, error: Exception) -> DecoderError:
    """Foreign code on hostile pixels may raise anything; the text of the error may quote the code."""
    return DecoderError(f"{name}: {type(error).__name__}")


def load_libraries(linear: Sequence[str] = ()) -> tuple[list[Library], dict[str, str]]:
    """The decoders that can be loaded, best first, and why the others can't, by name."""
    loaded: list[Library] = []
    missing: dict[str, str] = {}
    for library in (Zxing, Zbar):
        try:
            loaded.append(library(linear))
        except DeviceAbsent as error:
            missing[library.name] = str(error)
    return loaded, missing
