"""All cases in front of a home, in the order in which they are run."""

from .case import Case
from .home_bench import HomeBench
from .home_commands import COMMAND_CASES
from .home_events import EVENT_CASES
from .home_failsafe import FAILSAFE_CASES
from .home_gate import GATE_CASES, RESTART_CASES
from .home_passive import PASSIVE_CASES
from .home_rules import RULE_CASES, VERSION_CASES
from .home_session import RECONNECT_CASES, SESSION_CASES

HOME_CASES: tuple[Case[HomeBench], ...] = (
    *SESSION_CASES,
    *COMMAND_CASES,
    *GATE_CASES,
    *RULE_CASES,
    *FAILSAFE_CASES,
    *RECONNECT_CASES,
    *RESTART_CASES,
    *EVENT_CASES,
    # A home without a common version may stay local: nothing comes after these.
    *VERSION_CASES,
    *PASSIVE_CASES,
)
