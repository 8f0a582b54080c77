"""What came of a run, as JSON for programs and as one page for people."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
import json
from pathlib import Path
from typing import Any

from .case import Outcome, Verdict
from .clock import wire_time
from .transcript import Message, Speaker

MAX_PAYLOAD_TEXT = 4_000
"""Longer payloads are cut in the report: the oversize case sends 60 kB."""

TEMPLATE = Path(__file__).with_name("report.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of the kit."""

    mode: str
    """``home`` or ``aggregator``: who was tested."""

    subject: str
    """Who that was, for people."""

    began_at: datetime
    ended_at: datetime
    outcomes: Sequence[Outcome]
    remark: str = ""
    """What the tester has to know besides."""

    @property
    def counts(self) -> dict[str, int]:
        """Return how many cases had each verdict."""
        counted = Counter(outcome.verdict for outcome in self.outcomes)
        return {verdict.value: counted[verdict] for verdict in Verdict}

    @property
    def has_failed(self) -> bool:
        """Return True when the tested side broke the contract at least once."""
        return self.counts[Verdict.FAIL] > 0


def to_json(run: Run) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        "contract": "v2gvpp/1",
        "mode": run.mode,
        "subject": run.subject,
        "began_at": wire_time(run.began_at),
        "ended_at": wire_time(run.ended_at),
        "remark": run.remark,
        "passed": not run.has_failed,
        "counts": run.counts,
        "cases": [
            {
                "id": one.case_id,
                "rule": one.rule,
                "done": one.done,
                "expected": one.expected,
                "verdict": one.verdict.value,
                "seen": one.seen,
                "began_at": wire_time(one.began_at),
                "took_s": round(one.took_s, 3),
                "evidence": [_message(message) for message in one.evidence],
            }
            for one in run.outcomes
        ],
    }


def write(run: Run, folder: Path, *, stem: str | None = None) -> tuple[Path, Path]:
    """Write both reports into a folder; return their paths, JSON first."""
    folder.mkdir(parents=True, exist_ok=True)
    name = stem or f"conformance-{run.mode}"
    as_json, as_html = folder / f"{name}.json", folder / f"{name}.html"
    as_json.write_text(json.dumps(to_json(run), indent=1) + "\n", encoding="utf-8")
    as_html.write_text(to_html(run), encoding="utf-8")
    return as_json, as_html


def to_html(run: Run) -> str:
    """Return the report for people: one page without anything from elsewhere."""
    failed = run.counts[Verdict.FAIL]
    words = {0: "Nothing failed.", 1: "1 case failed."}
    sentence = words.get(failed, f"{failed} cases failed.")
    took_s = (run.ended_at - run.began_at).total_seconds()
    facts = (
        f"{len(run.outcomes)} cases in {took_s:.0f} s, "
        f"{run.began_at:%Y-%m-%d %H:%M} UTC, contract v2gvpp/1. {run.remark}"
    )
    parts = {
        "title": escape(f"Conformance of the {run.mode} {run.subject}"),
        "verdict": "fail" if run.has_failed else "pass",
        "sentence": escape(sentence),
        "facts": escape(facts),
        "counts": "".join(
            f'<li class="{_css(name)}"><b>{count}</b> {name}</li>'
            for name, count in run.counts.items()
        ),
        "rules": "".join(_rule_rows(run.outcomes)),
        "cases": "".join(_case(outcome) for outcome in run.outcomes),
    }
    page = TEMPLATE.read_text(encoding="utf-8")
    for name, text in parts.items():
        page = page.replace(f"<!--{name}-->", text)
    return page


def _rule_rows(outcomes: Sequence[Outcome]) -> Iterable[str]:
    by_rule: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_rule.setdefault(outcome.rule, []).append(outcome)
    for rule in sorted(by_rule, key=_rule_order):
        marks = "".join(
            f'<a class="mark {_css(one.verdict)}" href="#{one.case_id}"'
            f' title="{escape(one.case_id)}: {one.verdict}">{_SIGNS[one.verdict]}</a>'
            for one in by_rule[rule]
        )
        yield f"<tr><th scope=row>{escape(rule)}</th><td>{marks}</td></tr>"


def _rule_order(rule: str) -> tuple[int, str]:
    name, _, number = rule.partition(" ")
    return (int(number), "") if name == "Rule" and number.isdecimal() else (99, rule)


_SIGNS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.NOT_OFFERED: "–",
    Verdict.INCONCLUSIVE: "?",
}
"""Beside the color, for those who do not see it."""


def _case(one: Outcome) -> str:
    is_open = " open" if one.verdict is Verdict.FAIL else ""
    rows = "".join(_row(message) for message in one.evidence)
    table = (
        "<div class=scroll><table class=wire><thead><tr><th>UTC<th>From<th>Topic"
        f"<th>Flags<th>Payload</thead><tbody>{rows}</tbody></table></div>"
        if rows
        else "<p>No message.</p>"
    )
    return (
        f'<details id="{one.case_id}"{is_open}><summary>'
        f'<span class="mark {_css(one.verdict)}">{_SIGNS[one.verdict]}</span>'
        f"<code>{one.case_id}</code> <span>{escape(one.seen)}</span>"
        f"<small>{escape(one.rule)} · {one.verdict} · {one.took_s:.1f} s</small>"
        f"</summary><p><b>Done:</b> {escape(one.done)}</p>"
        f"<p><b>Expected:</b> {escape(one.expected)}</p>{table}</details>"
    )


def _row(message: Message) -> str:
    told = _message(message)
    flags = [f"QoS {message.qos}"]
    if message.is_retained:
        flags.append("retained")
    if message.expiry_s is not None:
        flags.append(f"{message.expiry_s} s")
    flags.append("signed" if message.signatures else "unsigned")
    remark = f"<em>{escape(message.remark)}</em> " if message.remark else ""
    return (
        f"<tr class={message.speaker}><td>{message.at:%H:%M:%S}.{_ms(message.at)}"
        f"<td>{'kit' if message.speaker is Speaker.KIT else 'tested'}"
        f"<td>{escape(_short(message.topic))}<td>{', '.join(flags)}"
        f"<td>{remark}<code>{escape(told['payload'])}</code></tr>"
    )


def _message(message: Message) -> dict[str, Any]:
    text = message.payload.decode(errors="replace")
    if len(text) > MAX_PAYLOAD_TEXT:
        text = f"{text[:MAX_PAYLOAD_TEXT]}… ({len(message.payload)} bytes)"
    return {
        "at": wire_time(message.at),
        "from": message.speaker.value,
        "topic": message.topic,
        "qos": message.qos,
        "retained": message.is_retained,
        "expiry_s": message.expiry_s,
        "signatures": list(message.signatures),
        "remark": message.remark,
        "payload": text,
    }


def _short(topic: str) -> str:
    return "/".join(topic.split("/")[-3:])


def _ms(moment: datetime) -> str:
    return f"{moment.microsecond // 1000:03d}"


def _css(verdict: str) -> str:
    return verdict.replace(" ", "-")
