"""An I2C adapter below smbus2: the real :class:`smbus2.SMBus`, its system calls answered byte by byte.

Messages are really built, pointers really followed: what is replaced is ``open``, ``close`` and ``ioctl``, as
the kernel's i2c-dev has them. Parts are attached by address; faults are those of wires: bits that flip, parts
that fall off, a bus that is slow, stuck or pulled up.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Sequence
from random import Random
from types import FunctionType, SimpleNamespace
from typing import Any, Protocol, cast

import smbus2.smbus2 as library
from smbus2 import I2cFunc

from drivers.crc8 import crc8
from drivers.i2c import I2cBus, NumberedBus, open_bus

Mask = Callable[[int], bytes]
"""Which bits of a transaction of so many bytes arrive wrong: one byte for each, 1 for a flipped bit."""


class Nack(Exception):
    """A part does not acknowledge."""


class I2cPart(Protocol):
    """What can be attached: it sees bytes, as on the wire."""

    address: int

    def write(self, data: bytes) -> None:
        """Bytes after SA_W; Nack to refuse them."""

    def read(self, count: int) -> bytes:
        """So many bytes after SA_R; Nack to refuse."""

    def stop(self) -> None:
        """The transaction is over, well or not: everybody on the wires sees that."""


class SimulatedI2cBus:
    """The wires, and the adapter's end of the kernel. For one thread.

    ``opener`` is what stands for :func:`drivers.i2c.open_bus`.
    """

    def __init__(
        self,
        number: int = 1,
        *,
        plain: bool = True,
        nack: int = errno.EREMOTEIO,
        pass_time: Callable[[float], object] | None = None,
    ) -> None:
        """``plain``: the adapter has I2C_FUNC_I2C; else SMBus words only, without checksum, as i2c-stub.

        ``nack``: errno where nobody acknowledges, the adapter's choice. ``pass_time``: lets virtual time pass
        while a slow bus is waited for.
        """
        self.number = number
        self.takes_s = 0.0
        """How long each transfer takes."""
        self.stuck = False
        """SDA is held low: every transfer times out."""
        self.pulled_up = False
        """Whoever acknowledges, only ones come back."""
        self.mask: Mask | None = None
        """Bits that flip under way."""
        self.garbage: Random | None = None
        """Every byte that comes back is one of its instead."""
        self.refuses: int | None = None
        """errno of opening it: no such bus, no permission."""
        self.bound: set[int] = set()
        """Addresses that a kernel driver holds."""
        self.transfers = 0
        self._plain = plain
        self._nack = nack
        self._pass_time = pass_time
        self._parts: dict[int, I2cPart] = {}
        self._failing: list[int] = []
        self._open: dict[int, _Handle] = {}
        self._smbus2 = below_smbus2(self)

    @property
    def funcs(self) -> int:
        """As mlxsim and (as believed) i2c-bcm2835 offer it, or as i2c-stub."""
        if self._plain:
            return int(I2cFunc.I2C | I2cFunc.SMBUS_EMUL)
        return 0x0C7F0000

    @property
    def handles(self) -> int:
        """How often it is open."""
        return len(self._open)

    def attach(self, part: I2cPart) -> None:
        """Wire a part up at its address."""
        self._parts[part.address] = part

    def detach(self, address: int) -> None:
        """Its wire falls off."""
        self._parts.pop(address, None)

    def fail_next(self, count: int, error: int = errno.EIO) -> None:
        """A burst: the next transfers fail with this errno."""
        self._failing += [error] * count

    def opener(self, number: int) -> I2cBus:
        """This bus by the real smbus2, opened by the real :func:`drivers.i2c.open_bus`."""
        return open_bus(number, self._smbus2)

    # -- system calls ------------------------------------------------------------------------------------

    def open(self, file: str, flags: int) -> int:  # noqa: ARG002 - as os.open has it
        """open(2) of /dev/i2c-N."""
        if self.refuses is not None or file != f"/dev/i2c-{self.number}":
            raise _error(self.refuses or errno.ENOENT)
        handle = max(self._open, default=1000) + 1
        self._open[handle] = _Handle()
        return handle

    def close(self, handle: int) -> None:
        """close(2)."""
        if self._open.pop(handle, None) is None:
            raise _error(errno.EBADF)

    def ioctl(self, handle: int, request: int, argument: Any) -> int:
        """ioctl(2) of i2c-dev: the five requests that smbus2 makes of it."""
        if handle not in self._open:
            raise _error(errno.EBADF)
        if request == library.I2C_FUNCS:
            argument.value = self.funcs
        elif request in (library.I2C_SLAVE, library.I2C_SLAVE_FORCE):
            self._select(self._open[handle], argument, force=request == library.I2C_SLAVE_FORCE)
        elif request == library.I2C_PEC:
            self._open[handle].pec = bool(argument)
        elif request == library.I2C_RDWR:
            self._rdwr(argument)
        elif request == library.I2C_SMBUS:
            self._smbus(self._open[handle], argument)
        else:
            raise _error(errno.ENOTTY)
        return 0

    def _select(self, handle: _Handle, address: int, *, force: bool) -> None:
        if address in self.bound and not force:
            raise _error(errno.EBUSY)
        handle.address = address

    def _rdwr(self, argument: Any) -> None:
        if not self._plain:
            raise _error(errno.EOPNOTSUPP)
        messages = [argument.msgs[at] for at in range(argument.nmsgs)]
        reads = [message for message in messages if message.flags & library.I2C_M_RD]
        for message, data in zip(reads, self._transfer([*map(_on_wire, messages)]), strict=True):
            ctypes.memmove(message.buf, data, len(data))

    def _smbus(self, handle: _Handle, argument: Any) -> None:
        """Read Word only: no driver here asks for more."""
        if argument.size != library.I2C_SMBUS_WORD_DATA or argument.read_write != library.I2C_SMBUS_READ:
            raise _error(errno.EOPNOTSUPP)
        address, command = handle.address, argument.command
        (answer,) = self._transfer([(address, bytes([command])), (address, 3 if handle.pec else 2)])
        if handle.pec:
            wire = (address << 1, command, address << 1 | 1, *answer[:2])
            if crc8(wire, 0x07) != answer[2]:
                raise _error(errno.EBADMSG)
        argument.data.contents.word = answer[0] | answer[1] << 8

    # -- the wire ----------------------------------------------------------------------------------------

    def _transfer(self, messages: Sequence[tuple[int, bytes | int]]) -> list[bytes]:
        """One transaction of writes (bytes) and reads (counts); what came back."""
        self.transfers += 1
        if self._pass_time is not None and self.takes_s:
            self._pass_time(self.takes_s)
        if self._failing:
            raise _error(self._failing.pop(0))
        if self.stuck:
            raise _error(errno.ETIMEDOUT)
        lengths = [1 + (data if isinstance(data, int) else len(data)) for _, data in messages]
        mask = bytes(sum(lengths)) if self.mask is None else self.mask(sum(lengths))
        answers = []
        try:
            for (address, data), length in zip(messages, lengths, strict=True):
                answers += self._message(address, data, mask[:length])
                mask = mask[length:]
        except Nack:
            raise _error(self._nack) from None
        finally:
            for part in self._parts.values():
                part.stop()
        return answers

    def _message(self, address: int, data: bytes | int, mask: bytes) -> list[bytes]:
        reading = not isinstance(data, bytes)
        called = (address << 1 | reading) ^ mask[0]
        part = self._parts.get(called >> 1)
        if part is None:
            raise Nack
        if reading is not bool(called & 1):
            return self._crossed(part, data, mask)
        if isinstance(data, bytes):
            part.write(_xor(data, mask[1:]))
            return []
        answer = part.read(data)
        if self.garbage is not None:
            answer = self.garbage.randbytes(data)
        return [b"\xff" * data if self.pulled_up else _xor(answer, mask[1:])]

    @staticmethod
    def _crossed(part: I2cPart, data: bytes | int, mask: bytes) -> list[bytes]:
        """The direction bit has flipped: what the adapter does, the part does too."""
        if isinstance(data, bytes):
            # Both drive the wire; the part has learnt no command by it.
            part.read(len(data))
            return []
        # Both listen, nobody pulls SDA down but the part to acknowledge.
        return [_xor(b"\xff" * data, mask[1:])]


def _on_wire(message: Any) -> tuple[int, bytes | int]:
    """Address, and the bytes to write or how many to read."""
    reading = message.flags & library.I2C_M_RD
    return message.addr, message.len if reading else ctypes.string_at(message.buf, message.len)


class _Handle:
    """What the kernel keeps for one open file."""

    def __init__(self) -> None:
        self.address = 0
        self.pec = False


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _xor(data: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(data, mask, strict=True)) if any(mask) else data


# -- faults of the wire --------------------------------------------------------------------------------------


def flipped_bits(rng: Random, most: int = 3) -> Mask:
    """1 to ``most`` single bits anywhere in the transaction."""
    return lambda count: _bits(rng.sample(range(8 * count), rng.randint(1, most)), count)


def burst(rng: Random, longest: int = 8) -> Mask:
    """One burst of 2 to ``longest`` bits in a row, the first and the last of them wrong."""

    def mask(count: int) -> bytes:
        length = rng.randint(2, longest)
        first = rng.randrange(8 * count - length + 1)
        within = [bit for bit in range(1, length - 1) if rng.random() < 0.5]
        return _bits([first, first + length - 1, *(first + bit for bit in within)], count)

    return mask


def now_and_then(rng: Random, share: float, mask: Mask) -> Mask:
    """That mask in this share of the transactions, none in the others."""
    return lambda count: mask(count) if rng.random() < share else bytes(count)


def _bits(which: Sequence[int], count: int) -> bytes:
    wrong = bytearray(count)
    for bit in which:
        wrong[bit // 8] |= 0x80 >> bit % 8
    return bytes(wrong)


# -- the real smbus2 above it --------------------------------------------------------------------------------


def below_smbus2(bus: SimulatedI2cBus) -> type[NumberedBus]:
    """The class :class:`drivers.i2c.NumberedBus` with smbus2's own code, whose system calls reach ``bus``.

    Nothing of smbus2 is changed for anybody else: its functions are taken over with other globals.
    """
    system = SimpleNamespace(open=bus.open, close=bus.close, O_RDWR=os.O_RDWR)
    names = vars(library) | {"ioctl": bus.ioctl, "os": system}
    methods = {
        name: FunctionType(item.__code__, names, name, item.__defaults__, item.__closure__)
        for name, item in vars(library.SMBus).items()
        if isinstance(item, FunctionType)
    }
    pec = property(methods["_get_pec"], methods["enable_pec"])
    below = type("SMBus", (library.SMBus,), {**methods, "pec": pec})
    return cast("type[NumberedBus]", type("NumberedBus", (cast(Any, NumberedBus), below), {}))
