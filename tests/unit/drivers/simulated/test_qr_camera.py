"""The simulated camera: what stands before the gate, at a camera's pace, and its faults."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from drivers.qr_decode import FrameReader, QrDecoder
from drivers.simulated.frames import Renderer
from drivers.simulated.qr_camera import HOLDING, SimulatedQrCamera, shot_of
from drivers.simulated.visitor import Phase
from drivers.simulated.world import Scene
from kiosk.errors import DeviceAbsent, DeviceStalled
from kiosk.model import Frame, Light, Monotonic
from kiosk.scenario import Scenario, people
from tests.unit.drivers.simulated.street import STARTED, Gate, play
from tests.unit.drivers.simulated.test_frames import text_of
from tests.unit.drivers.simulated.test_mlx90614 import world_of

ANNA = play("anna:\nbob: pass = 'none'", "1 anna\n2 bob")


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    with Renderer({person.id: text_of(person) for person in people(ANNA)[:1]}, seed=1) as renderer:
        yield renderer


def faulty(kind: str) -> Scenario:
    return play(rest=f'[[faults]]\nkind = "{kind}"\nfrom = 1\nuntil = 6\n')


def test_a_morning_through_the_camera(renderer: Renderer) -> None:
    """Codes are read while they are held up, by the real decoders, and at no other time."""
    gate = Gate(ANNA)
    reader = FrameReader(SimulatedQrCamera(gate.world, renderer), QrDecoder())
    read: list[tuple[str, Phase]] = []

    def look() -> None:
        now = gate.clock.monotonic()
        read.extend((code.text, gate.world.scene(code.at).phase) for code in reader.poll(now))

    gate.watch.append(look)
    visits = gate.run_through()
    assert {text for text, _ in read} == {text_of(visits[0].person)}
    assert {phase for _, phase in read} <= {Phase.RAISING, Phase.SHOWING}
    assert [visit.answer for visit in visits] == [Light.ADMIT, Light.ADMIT]


def test_frames_come_fifteen_times_a_second_and_each_once(renderer: Renderer) -> None:
    camera = SimulatedQrCamera(world_of(ANNA), renderer)
    polled = [camera.poll(Monotonic(STARTED + turn / 100)) for turn in range(101)]
    frames = [frame for frame in polled if frame is not None]
    assert len(frames) == 16
    assert [round((frame.at - STARTED) * 15, 6) for frame in frames] == list(range(16))


def test_a_slow_reader_gets_the_newest_frame_only(renderer: Renderer) -> None:
    camera = SimulatedQrCamera(world_of(ANNA), renderer)
    assert camera.poll(STARTED) is not None
    late = camera.poll(Monotonic(STARTED + 0.99))
    assert late is not None
    assert late.at == pytest.approx(STARTED + 14 / 15)
    assert camera.poll(Monotonic(STARTED + 0.99)) is None


def test_frames_say_what_they_show(renderer: Renderer) -> None:
    gate = Gate(ANNA)
    camera = SimulatedQrCamera(gate.world, renderer)
    labels: list[str] = []

    def look() -> None:
        frame = camera.poll(gate.clock.monotonic())
        if frame is not None:
            assert (frame.width, frame.height, len(frame.luma)) == (640, 480, 640 * 480)
            labels.append(frame.label)

    gate.watch.append(look)
    gate.deaf_until = 6.0
    gate.run_through()
    order = list(dict.fromkeys(labels))
    assert order[:4] == ["empty", "near", "anna.1 coming", "anna.1 raising"]
    assert any(label == "anna.1 sharp" for label in labels)
    assert not any("bob" in label for label in labels), "he has nothing to show"


def test_a_code_held_up_is_seen_in_changing_poses() -> None:
    person = people(ANNA)[0]
    shown = [shot_of(Scene(person, Phase.SHOWING, turn * 0.2 + 0.1)) for turn in range(len(HOLDING))]
    assert sorted(shown) == sorted(HOLDING)
    assert shot_of(Scene(person, Phase.LEANING, 1.0)) == "near"
    assert shot_of(Scene(None, Phase.GONE, 0.0)) == "empty"


def test_a_camera_that_is_gone_is_absent_and_comes_back(renderer: Renderer) -> None:
    world = world_of(faulty("camera_gone"))
    camera = SimulatedQrCamera(world, renderer)
    assert camera.poll(Monotonic(STARTED + 0.5)) is not None
    with pytest.raises(DeviceAbsent):
        camera.poll(Monotonic(STARTED + 1.5))
    with pytest.raises(DeviceAbsent):
        SimulatedQrCamera(world, renderer)
    world.step(Monotonic(STARTED + 6.5))
    assert isinstance(SimulatedQrCamera(world, renderer).poll(Monotonic(STARTED + 7)), Frame)


def test_a_stalled_camera_is_noticed_after_two_seconds(renderer: Renderer) -> None:
    camera = SimulatedQrCamera(world_of(faulty("camera_stalled")), renderer)
    assert camera.poll(Monotonic(STARTED + 0.9)) is not None
    assert camera.poll(Monotonic(STARTED + 2.5)) is None
    with pytest.raises(DeviceStalled):
        camera.poll(Monotonic(STARTED + 3.0))


def test_a_dead_renderer_is_revived_by_opening_the_camera_again(renderer: Renderer) -> None:
    world = world_of(ANNA)
    camera = SimulatedQrCamera(world, renderer)
    os.kill(renderer.pid, signal.SIGKILL)
    with pytest.raises(DeviceStalled):
        _poll_for_seconds(camera, 4)
    camera.close()
    assert SimulatedQrCamera(world, renderer).poll(Monotonic(STARTED + 5)) is not None


def test_closed_is_closed_and_leaves_the_renderer_alone(renderer: Renderer) -> None:
    world = world_of(ANNA)
    camera = SimulatedQrCamera(world, renderer)
    camera.close()
    camera.close()
    with pytest.raises(DeviceAbsent, match="closed"):
        camera.poll(STARTED)
    assert SimulatedQrCamera(world, renderer).poll(STARTED) is not None


def _poll_for_seconds(camera: SimulatedQrCamera, seconds: int) -> None:
    for turn in range(seconds * 15):
        camera.poll(Monotonic(STARTED + turn / 15))
