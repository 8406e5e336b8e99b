"""Plans, outcomes and problems as text and as JSON. Pure: nothing is printed, asked or looked up here.

The JSON forms are a contract: keys are only ever added, and `schema` grows when one changes its meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.render.fields import field_lines
from eksprov.cli.words import clean, counted, noun, plural, seconds
from eksprov.core.change import ABSENT, NOT_RECORDED, UNKNOWN, Action
from eksprov.core.outcome import Outcome, Status
from eksprov.core.plan import Plan, Planned
from eksprov.errors import Problem

if TYPE_CHECKING:
    from eksprov.operations.commands.provision import Report
    from eksprov.operations.commands.removal import Removal
    from eksprov.operations.commands.teardown import Teardown
    from eksprov.steps.leftovers.pieces import Piece

SCHEMA = 1
LEAST_OF_AN_ID = 8  # columns; less of an id says nothing
WIDEST_NAME = 28  # of a step, in the column of a plan; a longer one moves what follows it
INDENT = " " * 15  # of what stands below a line of a plan

_MARKS: Mapping[Action, tuple[str, str]] = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.REPLACE: ("-/+", "magenta"),
    Action.DELETE: ("-", "red"),
    Action.NONE: ("!", "red"),  # only shown when the line has a problem
}
_COLORS: Mapping[Status, str] = {
    Status.CREATED: "green",
    Status.UPDATED: "yellow",
    Status.REPLACED: "magenta",
    Status.DELETED: "red",
    Status.FAILED: "red",
    Status.SKIPPED: "magenta",
    Status.INTERRUPTED: "magenta",
}


def _plain(value: Any) -> Any:
    """A field's value as JSON has it; sets in order, what is not known yet as null."""
    if value is UNKNOWN:
        return None
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def planned_text(line: Planned, width: int = 0) -> str:
    """A line of a plan, such as "+ create  vpc  10.0.0.0/16"; below it each field that changes, and the problem."""
    mark, color = _MARKS[line.change.action]
    verb = "refused" if line.change.action is Action.NONE else line.change.action.value
    head = click.style(f"{mark:>3} {verb:<7}", fg=color)
    said = line.change.reason in (ABSENT, NOT_RECORDED) and line.description  # "create" says that
    reason = f"({clean(line.change.reason)})" if line.change.reason and not said else ""
    why = " ".join(part for part in (clean(line.description), reason) if part)
    lines = [f"{head}  {line.name:<{width}}  {why}".rstrip()]
    lines += [f"{INDENT}{clean(text)}" for field in line.change.fields for text in field_lines(field)]
    if line.problem:
        lines.append(f"      {click.style('problem:', fg='red')} {clean(line.problem)}")
    return "\n".join(lines)


def plan_counts(plan: Plan) -> dict[str, int]:
    """How many steps each action concerns."""
    names = {action.value: plan.count(action) for action in Action if action is not Action.NONE}
    return {
        **names,
        "unchanged": len(plan.lines) - len(plan.changes),
        "problems": sum(bool(p.problem) for p in plan.lines),
    }


def name_width(lines: Iterable[Planned]) -> int:
    """How wide the column of names is."""
    return min(WIDEST_NAME, max((len(line.name) for line in lines), default=0))


def plan_text(plan: Plan, stack: str, place: str) -> str:
    """The plan for people; unchanged steps are only counted."""
    against = "the world" if plan.basis == "world" else "the record alone; AWS was not asked"
    lines = [f"stack {stack} ({place}), compared with {against}:"]
    width = name_width(plan.changes)
    lines += [planned_text(line, width) for line in plan.changes]
    lines += [f"    note: {clean(note)}" for note in plan.notes]
    counts = plan_counts(plan)
    if not plan.changes:
        lines.append(f"no changes: {plural(len(plan.lines), 'resource')} as wanted")
    else:
        shown = ("create", "update", "replace", "delete")
        parts = [f"{counts[action]} to {action}" for action in shown if counts[action]]
        parts += [f"{counts['unchanged']} unchanged"] if counts["unchanged"] else []
        parts += [plural(counts["problems"], "problem")] if counts["problems"] else []
        lines.append("plan: " + ", ".join(parts))
    return "\n".join(lines)


def plan_json(plan: Plan, stack: str, place: str) -> dict[str, Any]:
    """The plan for programs; every step is listed, `action` "none" where nothing would happen."""
    return {
        "schema": SCHEMA,
        "stack": stack,
        "place": place,
        "basis": plan.basis,
        "changes": len(plan.changes),
        "counts": plan_counts(plan),
        "notes": list(plan.notes),
        "steps": [planned_json(line) for line in plan.lines],
    }


def planned_json(line: Planned) -> dict[str, Any]:
    """A line of a plan, for programs; `description` says what is created."""
    fields = [{"name": f.name, "have": _plain(f.have), "want": _plain(f.want)} for f in line.change.fields]
    return {
        "name": line.name,
        "kind": line.kind,
        "slug": line.slug,
        "action": line.change.action.value,
        "reason": line.change.reason,
        "problem": line.problem,
        "fields": fields,
        "description": line.description,
    }


def fitted(text: str, room: int) -> str:
    """The text in no more than `room` columns: of an ARN or an address the end stays, which tells them apart."""
    if len(text) <= room:
        return text
    if room < LEAST_OF_AN_ID:
        return ""
    keeps_end = text.startswith(("arn:", "http:", "https:", "s3:"))
    return f"…{text[1 - room :]}" if keeps_end else f"{text[: room - 1]}…"


def outcome_text(outcome: Outcome, width: int = 0, columns: int = 0) -> str:
    """What became of a step, in a line: "created    vpc   0.4 s  vpc-0a1b"; an id is cut where there are `columns`."""
    status = click.style(f"{outcome.status.value:<11}", fg=_COLORS.get(outcome.status))
    time = seconds(outcome.seconds) if outcome.seconds else ""
    identity = next((outcome.outputs[key] for key in ("id", "arn", "uri", "url") if outcome.outputs.get(key)), "")
    more = clean((identity or outcome.message) if outcome.good else without_name(outcome))
    if columns and outcome.good:
        more = fitted(more, columns - len(f"{outcome.status.value:<11} {outcome.name:<{width}}  {time:>7}  "))
    return f"{status} {outcome.name:<{width}}  {time:>7}  {more}".rstrip()


def without_name(outcome: Outcome) -> str:
    """A failed step's message; the step's name, which is shown beside it, is not said twice."""
    return outcome.message.removeprefix(f"{outcome.name}: ")


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """What became of a step, for programs."""
    return {
        "name": outcome.name,
        "status": outcome.status.value,
        "action": outcome.change.action.value,
        "seconds": round(outcome.seconds, 3),
        "outputs": dict(outcome.outputs),
        "message": outcome.message,
        "hint": outcome.hint,
    }


def outcome_counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many steps ended how; only what occurs, in the order of Status."""
    counts = Counter(outcome.status for outcome in outcomes)
    return {status.value: counts[status] for status in Status if counts[status]}


def counts_text(counts: Mapping[str, int]) -> str:
    """ "38 created, 2 unchanged"; "nothing to do" for none."""
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing to do"


def failures_text(outcomes: Sequence[Outcome]) -> list[str]:
    """One line a failed step, and its cure; what was skipped because of it has said so when it was."""
    lines: list[str] = []
    for outcome in outcomes:
        if outcome.status is Status.FAILED:
            lines.append(f"{click.style('error:', fg='red', bold=True)} {outcome.name}: {clean(without_name(outcome))}")
            if outcome.hint:
                lines.append(f"  hint: {clean(outcome.hint)}")
    return lines


def problem_text(problem: Problem) -> str:
    """One thing wrong with a file, with its level."""
    color = "red" if problem.level == "error" else "yellow"
    return f"{click.style(f'{problem.level}:', fg=color, bold=True)} {clean(str(problem))}"


def problem_json(problem: Problem) -> dict[str, Any]:
    """One thing wrong with a file, for programs."""
    return {
        "level": problem.level,
        "file": problem.file,
        "line": problem.line,
        "path": problem.path,
        "message": problem.message,
        "hint": problem.hint,
    }


def table(rows: Sequence[Sequence[str]], head: Sequence[str], columns: int = 0) -> str:
    """Columns as wide as their widest cell, no borders; where it is wider than `columns`, its widest cells are cut."""
    cells = [tuple(head), *(tuple(clean(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    while columns and sum(widths) + 2 * (len(widths) - 1) > columns and max(widths) > LEAST_OF_AN_ID:
        widths[widths.index(max(widths))] -= 1
    cells = [tuple(fitted(cell, width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([click.style(lines[0], bold=True), *lines[1:]])


def report_json(report: Report, stack: str, place: str) -> dict[str, Any]:
    """What a run did, for programs."""
    return {
        "schema": SCHEMA,
        "stack": stack,
        "place": place,
        "ok": report.ok,
        "seconds": round(report.seconds, 3),
        "counts": outcome_counts(report.outcomes),
        "steps": [outcome_json(outcome) for outcome in report.outcomes],
    }


def teardown_json(gone: Teardown, goes: Removal, stack: str, place: str) -> dict[str, Any]:
    """What a teardown did and what the last reading of the account counted, for programs."""
    left = [
        {"kind": s.kind, "slug": s.slug, "identity": s.identity, "step": s.owner.step, "why": gone.why(s)}
        for s in gone.left
    ]
    kept = [{"kind": p.what, "identity": p.id, "text": p.text, "why": p.stays} for p in gone.kept]
    found = {"counted": gone.counted, "left": left, "kept": kept}
    return {**report_json(gone.report, stack, place), "ok": gone.ok, "foreseen": goes.counted, **found}


def swept_text(swept: Iterable[Piece]) -> list[str]:
    """What the cluster's controllers have made and goes with it, one by one."""
    return [f"  {piece.what} {clean(piece.id)} ({clean(piece.text)})" for piece in swept]


def kept_text(kept: Iterable[Piece]) -> list[str]:
    """What is kept and why, and how it goes too; nothing where there is none."""
    lines = [f"kept: {piece.what} {clean(piece.id)} ({clean(piece.text)}): {piece.stays}" for piece in kept]
    return [*lines, "it goes on costing; with --delete-retained it is deleted too"] if lines else []


def left_text(gone: Teardown, *, every: bool = False) -> str:
    """What the last reading of the account counted and why anything is left; `every` kind on request."""
    kinds = counted(gone.counted) if every else f"{plural(len(gone.counted), 'kind')} counted"
    if not gone.left:
        return f"read the account again: nothing of the stack is left ({kinds})"
    lines = [f"read the account again: {plural(len(gone.left), 'resource')} left ({kinds}):"]
    lines += [f"  {noun(s.kind)} {clean(s.identity)}: {clean(gone.why(s))}" for s in gone.left]
    return "\n".join(lines)


def world_text(world: Mapping[str, Any]) -> str:
    """The local world as it describes itself."""
    lines = [f"the local world runs (pid {world['pid']}, {world['speed']:g} times as fast as AWS)"]
    lines.append(f"AWS answers at {world['aws_endpoint_url']}")
    if world.get("kubernetes"):
        lines.append(f"Kubernetes: {clean(world['kubernetes'])}")
    for cluster in world["clusters"]:
        more = f" ({clean(cluster['message'])})" if cluster.get("message") else ""
        where = cluster.get("endpoint") or "no endpoint yet"
        lines.append(f"cluster {cluster['name']}: {cluster['status']}, Kubernetes {cluster['version']}, {where}{more}")
    return "\n".join(lines if world["clusters"] else [*lines, "no clusters"])
