"""docs/gate.md shows the gate's table; this keeps drawing and table equal.

To draw it anew after a change of the table: ``python -m tests.unit.test_gate_drawing``.
"""

from pathlib import Path

from kiosk.gate import TRANSITIONS, Gate, Input, State

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def draw() -> str:
    """Mermaid state diagram and a table, one row a transition, in the order of the states."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.STARTING}"]
    rows = ["| in state | on | goes to | does |", "|---|---|---|---|"]
    for (state, what), (target, action) in TRANSITIONS.items():
        lines.append(f"    {state} --> {target}: {what}")
        rows.append(f"| {state} | {what} | {target} | {action.replace('_', ' ')} |")
    lines += [f"    {State.STOPPED} --> [*]", "```", ""]
    return "\n".join([*lines, *rows]) + "\n"


def test_the_drawing_equals_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.split(BEGIN)[1].split(END)[0] == draw()


def test_every_action_exists_and_every_input_is_used() -> None:
    assert all(callable(getattr(Gate, f"_{action}")) for _, action in TRANSITIONS.values())
    assert {what for _, what in TRANSITIONS} == set(Input)


def test_every_state_but_stopped_can_be_stopped_and_stopped_is_the_end() -> None:
    stoppable = {state for state, what in TRANSITIONS if what is Input.STOP}
    assert stoppable == set(State) - {State.STOPPED}
    assert not any(state is State.STOPPED for state, _ in TRANSITIONS)


if __name__ == "__main__":
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + draw() + END + rest.split(END)[1], encoding="utf-8")
