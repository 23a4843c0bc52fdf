"""The simulated thermometer: words as the part would send them, faults as the driver would raise them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise

import pytest

from drivers.mlx90614 import SPECS
from drivers.simulated.mlx90614 import MOST_SAMPLES, SimulatedMlx90614
from drivers.simulated.thermal import PARTS
from drivers.simulated.world import World
from kiosk.believed import doubt_sample
from kiosk.errors import DeviceAbsent, SensorError, SensorStuck
from kiosk.model import Celsius, Light, Monotonic, Sample, Screening, Seconds
from kiosk.passage.body_temperature import Commissioning, Site, Window, screen
from kiosk.scenario import Scenario
from tests.unit.drivers.simulated.street import STARTED, Gate, play

IDLE_FOR_AN_HOUR = play()


class Dark:
    """A lamp that is off."""

    light = Light.DARK
    since = STARTED


def world_of(scenario: Scenario) -> World:
    return World(scenario, Dark(), started=STARTED)


def samples_of(thermometer: SimulatedMlx90614, seconds: float, since: float = 0.0) -> list[Sample]:
    """Polled twenty times a second."""
    found: list[Sample] = []
    for turn in range(round(seconds * 20)):
        found.extend(thermometer.poll(Monotonic(STARTED + since + (turn + 1) / 20)))
    return found


def objects(samples: Sequence[Sample]) -> list[float]:
    return [sample.object_celsius for sample in samples]


# -- words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", sorted(SPECS))
def test_noise_and_pace_are_the_variants(variant: str) -> None:
    thermometer = SimulatedMlx90614(world_of(play(variant=variant)))
    spec = thermometer.spec
    seconds = 1500 * spec.settling_s
    samples = samples_of(thermometer, seconds)
    assert spec == SPECS[variant]
    assert len(samples) == pytest.approx(seconds / spec.settling_s, abs=2)
    gaps = {round(later.at - one.at, 6) for one, later in pairwise(samples)}
    assert gaps == {spec.settling_s}
    # .02 °C words add .006 °C rms to the noise.
    assert statistics.pstdev(objects(samples)) == pytest.approx(spec.noise_c, rel=0.1)
    assert statistics.mean(objects(samples)) == pytest.approx(24.1, abs=0.02)


def test_words_are_whole_and_valid() -> None:
    samples = samples_of(SimulatedMlx90614(world_of(IDLE_FOR_AN_HOUR)), 5)
    for sample in samples:
        for word in (sample.object_word, sample.ambient_word):
            assert isinstance(word, int)
            assert 0 <= word < 0x8000


def test_the_same_scenario_gives_the_same_words() -> None:
    scenario = play("anna:", "1 anna")
    one, two = (samples_of(SimulatedMlx90614(world_of(scenario)), 20) for _ in range(2))
    assert one == two
    other = samples_of(SimulatedMlx90614(world_of(play("anna:", "1 anna", seed=2))), 20)
    assert objects(one) != objects(other)


def test_how_often_it_is_polled_changes_no_times() -> None:
    often = samples_of(SimulatedMlx90614(world_of(IDLE_FOR_AN_HOUR)), 4)
    thermometer = SimulatedMlx90614(world_of(IDLE_FOR_AN_HOUR))
    seldom = [sample for second in range(1, 5) for sample in thermometer.poll(Monotonic(STARTED + second))]
    assert [sample.at for sample in seldom] == [sample.at for sample in often]
    assert objects(seldom) == objects(often)


def test_a_slow_turn_loses_nothing_and_a_long_absence_all_but_the_newest() -> None:
    thermometer = SimulatedMlx90614(world_of(IDLE_FOR_AN_HOUR))
    assert len(thermometer.poll(Monotonic(STARTED + 5))) == 36
    assert thermometer.poll(Monotonic(STARTED + 5)) == []
    newest = thermometer.poll(Monotonic(STARTED + 500))
    assert len(newest) == MOST_SAMPLES
    assert STARTED + 500 - 0.14 < newest[-1].at <= STARTED + 500


def test_the_die_follows_the_air_slowly_and_is_warmer() -> None:
    world = world_of(play(indoor=20.0))
    thermometer = SimulatedMlx90614(world)
    before = samples_of(thermometer, 10)[-1].ambient_celsius
    world.weather(Celsius(20), Celsius(26))
    soon = thermometer.poll(Monotonic(STARTED + 20))[-1].ambient_celsius
    late = thermometer.poll(Monotonic(STARTED + 20 + 3600))[-1].ambient_celsius
    assert before == pytest.approx(20.6, abs=0.1)
    assert soon < 21.2
    assert late == pytest.approx(26.6, abs=0.1)


@pytest.mark.parametrize("variant", ["xAA", "xCC", "DCH", "xCF"])
def test_a_forehead_that_comes_is_seen_within_the_settling_time(variant: str) -> None:
    gate = Gate(play("anna: pass = 'none'", "0 anna"))
    thermometer = SimulatedMlx90614(gate.world, variant)
    spec, seen = thermometer.spec, list[Sample]()
    gate.watch.append(lambda: seen.extend(thermometer.poll(gate.clock.monotonic())))
    gate.reading_s = 8.0
    gate.run(9.0)
    in_place = gate.world.visits[0].in_place_at
    assert in_place is not None
    settled = [
        s.object_celsius for s in seen if s.at > in_place + spec.settling_s + PARTS[variant].conversion_s
    ]
    before = [s.object_celsius for s in seen if s.at < in_place - 0.4]
    assert statistics.mean(before) == pytest.approx(24.1, abs=0.5)
    assert statistics.mean(settled[:10]) == pytest.approx(statistics.mean(settled), abs=3 * spec.noise_c)
    assert min(settled) > max(before) + 5


# -- what the gate makes of them ----------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "distance"), [("xAA", 1.5), ("xBA", 1.5), ("xCC", 5.0)])
def test_healthy_people_read_as_normal_as_the_commissioning_says(variant: str, distance: float) -> None:
    """site_normal is the median of what this sensor finds of healthy people, through the real screening."""
    flow = "[[arrivals]]\nuntil = 1000\nper_hour = 360\nmix = { anna = 1 }\n"
    scenario = play(
        "anna: pass = 'none'; skin = { mean = 0, sd = 0.28 }", rest=flow, variant=variant, distance=distance
    )
    deviations = [reading for reading in _readings(scenario) if reading is not None]
    assert len(deviations) >= 80
    assert statistics.median(deviations) == pytest.approx(0.0, abs=0.1)
    assert 0.2 < statistics.pstdev(deviations) < 0.4
    assert sum(deviation >= 0.8 for deviation in deviations) <= 0.03 * len(deviations)


def _readings(scenario: Scenario) -> list[float | None]:
    """Deviation of everybody, measured in a window of three seconds once they lean in."""
    gate = Gate(scenario, button=False)
    thermometer = SimulatedMlx90614(gate.world)
    made = Commissioning.make(scenario.site.site_normal, 100, "test", simulated=True)
    site = Site(commissioning=made, die_offset=scenario.site.die_offset)
    found: list[float | None] = []
    windows: dict[str, Window] = {}

    def look() -> None:
        now = gate.clock.monotonic()
        samples = thermometer.poll(now)
        here = gate.world.current
        if here is None or here.in_place_at is None or now < here.in_place_at - 0.4:
            return
        window = windows.setdefault(here.person.id, Window(thermometer.spec, now, Celsius(24.0)))
        for sample in samples:
            window.feed(sample)

    def measured(_: object) -> Light:
        window = list(windows.values())[-1]
        reading = screen(
            window.samples,
            thermometer.spec,
            site,
            opened_at=window.opened_at,
            background=Celsius(24.0),
            ambient=Celsius(24.1),
            environment=None,
        )
        found.append(reading.deviation if reading.screening is not Screening.RETRY else None)
        return Light.ADMIT

    gate.watch.append(look)
    gate.reading_s = 1.8
    gate.verdict = measured
    gate.run_through(most=3000)
    return found


# -- faults ----------------------------------------------------------------------------------------------


def fault(kind: str, start: float, until: float, more: str = "") -> Scenario:
    return play(rest=f'[[faults]]\nkind = "{kind}"\nfrom = {start}\nuntil = {until}\n{more}')


def test_unplugged_it_is_absent_and_back_afterwards() -> None:
    world = world_of(fault("sensor_unplugged", 2, 4))
    thermometer = SimulatedMlx90614(world)
    assert samples_of(thermometer, 1.9)
    with pytest.raises(DeviceAbsent, match="0x5A"):
        thermometer.poll(Monotonic(STARTED + 2.5))
    with pytest.raises(DeviceAbsent):
        SimulatedMlx90614(world)
    world.step(Monotonic(STARTED + 5))
    assert SimulatedMlx90614(world).poll(Monotonic(STARTED + 6))


def test_a_noisy_bus_fails_some_polls_and_never_lies() -> None:
    thermometer = SimulatedMlx90614(world_of(fault("bus_noise", 0, 1000, "share = 0.5")))
    failed, good = 0, list[Sample]()
    for turn in range(2000):
        try:
            good.extend(thermometer.poll(Monotonic(STARTED + turn * 0.14)))
        except SensorError:
            failed += 1
    assert failed == pytest.approx(2000 * 0.5**3, rel=0.25), "three tries, each lost by half"
    assert all(abs(sample.object_celsius - 24.1) < 0.6 for sample in good)


def test_a_stuck_sensor_repeats_its_word_and_is_found_out() -> None:
    thermometer = SimulatedMlx90614(world_of(fault("sensor_stuck", 1, 1000)))
    before = samples_of(thermometer, 0.9)
    stuck = samples_of(thermometer, 30, since=1.1)
    assert {sample.object_word for sample in stuck} == {before[-1].object_word}
    assert len({sample.ambient_word for sample in stuck}) > 1
    with pytest.raises(SensorStuck):
        samples_of(thermometer, 40, since=31.1)


def test_closed_is_closed() -> None:
    thermometer = SimulatedMlx90614(world_of(IDLE_FOR_AN_HOUR))
    thermometer.close()
    thermometer.close()
    with pytest.raises(DeviceAbsent, match="closed"):
        thermometer.poll(Monotonic(STARTED + Seconds(1)))


# -- newer faults ------------------------------------------------------------------------------------------


def test_silent_it_answers_and_has_no_word_and_afterwards_only_fresh_ones() -> None:
    rest = '[[faults]]\nkind = "sensor_silent"\nfrom = 2\nuntil = 4\n'
    samples = samples_of(SimulatedMlx90614(world_of(play(rest=rest))), 6)
    times = [sample.at - STARTED for sample in samples]
    assert not [at for at in times if 2.1 < at < 3.9]
    assert max(later - one for one, later in pairwise(times)) == pytest.approx(2.1, abs=0.3)


def test_a_broken_thermistor_reads_what_nobody_believes() -> None:
    rest = '[[faults]]\nkind = "die_broken"\nfrom = 2\nuntil = 4\n'
    samples = samples_of(SimulatedMlx90614(world_of(play(rest=rest))), 6)
    broken = [sample for sample in samples if doubt_sample(sample) is not None]
    assert {sample.ambient_word for sample in broken} == {0}
    assert all(1.9 < sample.at - STARTED < 4.1 for sample in broken)
    assert len(broken) > 5
