"""A simulated camera: the pictures of whoever stands before the gate, at a camera's pace."""

from __future__ import annotations

import math
from typing import Final

from drivers.simulated.frames import Renderer
from drivers.simulated.visitor import Phase
from drivers.simulated.world import Scene, World
from kiosk.errors import DeviceAbsent, DeviceStalled
from kiosk.model import Frame, Monotonic, Seconds
from kiosk.scenario import FaultKind

FPS: Final = 15.0
STALL_S: Final = Seconds(2.0)
"""Without a frame for that long a camera counts as stalled."""
HELD_S: Final = Seconds(0.2)
"""A hand moves a little that often; until then a picture repeats."""
HOLDING: Final = ("tilted", "sharp", "glare", "sharp", "shade", "tilted", "sharp")
"""What is seen of a code held up, again and again; each person begins somewhere else."""


class SimulatedQrCamera:
    """A :class:`kiosk.devices.FrameSource` on the world. For one thread.

    Opening raises DeviceAbsent while the scenario has the camera gone, and starts a renderer that has
    died anew. Closing leaves the renderer alone: it belongs to whoever made it.
    """

    def __init__(self, world: World, renderer: Renderer, *, fps: float = FPS) -> None:
        self._world = world
        self._renderer = renderer
        self._fps = fps
        self._last = -1
        self._last_at = world.now
        self._closed = False
        self._check_there()
        renderer.revive()

    def poll(self, now: Monotonic) -> Frame | None:
        """The newest frame, unless it was handed out already; those between two polls are dropped.

        DeviceAbsent while the camera is gone; DeviceStalled after 2 s without frames, and when the
        renderer has ended.
        """
        if self._closed:
            raise DeviceAbsent("simulated camera: closed")
        self._world.step(now)
        self._check_there()
        number = math.floor((now - self._world.started) * self._fps + 1e-6)
        if self._world.fault(FaultKind.CAMERA_STALLED) is not None:
            if now - self._last_at >= STALL_S:
                raise DeviceStalled(f"simulated camera: no frame for {STALL_S:.0f} s")
            return None
        if number <= self._last:
            return None
        self._last = number
        self._last_at = Monotonic(self._world.started + number / self._fps)
        return self._frame(self._last_at)

    def close(self) -> None:
        """Let go of it; any number of times."""
        self._closed = True

    def _check_there(self) -> None:
        if self._world.fault(FaultKind.CAMERA_GONE) is not None:
            raise DeviceAbsent("simulated camera: no camera is connected")

    def _frame(self, at: Monotonic) -> Frame:
        self._renderer.want(self._world.coming(self._renderer.ahead))
        scene = self._world.scene(at)
        shot = shot_of(scene)
        person = scene.person if shot not in ("empty", "near") else None
        picture = self._renderer.picture(person, shot)
        return Frame(picture.luma, self._renderer.width, self._renderer.height, at, picture.label)


def shot_of(scene: Scene) -> str:
    """Name of the shot that shows this scene."""
    person = scene.person
    if person is None:
        return "empty"
    if scene.phase is Phase.RAISING:
        return "coming" if scene.seconds < person.reach_s / 2 else "raising"
    if scene.phase is Phase.SHOWING:
        place = person.seed + math.floor(scene.seconds / HELD_S)
        return HOLDING[place % len(HOLDING)]
    return "near"
