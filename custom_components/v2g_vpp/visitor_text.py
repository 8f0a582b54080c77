"""What a charger that was just set up is, in words."""

from .domain.visitor import DischargeClaim, VisitorReport
from .sentences import Sentences
from .text_keys import CLAIMS


def charger_sentence(sentences: Sentences, report: VisitorReport) -> str:
    """Return maker, model, firmware and version of OCPP."""
    return sentences.sentence(
        "visitor_charger",
        name=_span(f"{report.vendor} {report.model}"),
        firmware=_span(report.firmware),
        version=report.protocol.removeprefix("ocpp") or "-",
    )


def meter_sentence(sentences: Sentences, report: VisitorReport) -> str:
    """Return what its meter shows."""
    if report.power_w is not None:
        return sentences.sentence("visitor_power", power=f"{round(report.power_w)}")
    is_there = report.has_meter_values
    return sentences.sentence("visitor_no_power" if is_there else "visitor_no_meter")


def discharge_sentence(
    sentences: Sentences, claim: DischargeClaim, *, is_chosen: bool
) -> str:
    """Return whether it says that it can discharge.

    Args:
        sentences: of the language of the home.
        claim: what it says.
        is_chosen: True when the owner chose how to tell it.
    """
    if claim is DischargeClaim.NOT_TOLD and is_chosen:
        return sentences.sentence("visitor_not_told_chosen")
    return sentences.sentence(CLAIMS[claim])


def _span(text: str) -> str:
    """Return what a charger says as a code span, which it cannot leave."""
    words = " ".join(text.replace("`", " ").split())
    return f"`{words}`" if words else "-"
