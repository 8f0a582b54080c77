"""What holds for the engine whatever a station and callers do, in any order."""

import json

from hypothesis import given, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from custom_components.v2g_vpp.csms.calls import Lane
from custom_components.v2g_vpp.csms.rpc import (
    ARMED_SLOT_S,
    Action,
    CloseLink,
    EndCall,
    HandleCall,
    HandleSend,
    SendFrame,
    timeout_of,
)
from custom_components.v2g_vpp.csms.versions import V16, V21, V201, RpcVersion
from tests.csms.engine import engine, request


@given(data=st.binary() | st.text() | st.from_regex(r'\[[2-6],"L?\d","\w*",\{\}\]'))
@settings(max_examples=300)
def test_arbitrary_bytes_give_a_legal_action_and_leave_the_link_usable(
    data: str | bytes,
) -> None:
    rpc = engine()
    rpc.call(request(1), 0.0)
    for action in rpc.receive(data, 1.0):
        assert isinstance(action, (SendFrame, HandleCall, HandleSend, EndCall))
        if isinstance(action, SendFrame):
            assert json.loads(action.text)[0] in {4, 5}
    assert rpc.receive('[2,"fresh","Heartbeat",{}]', 1.0)


class EngineMachine(RuleBasedStateMachine):
    """A station and callers that do anything in any order."""

    @initialize(version=st.sampled_from([V16, V201, V21]))
    def start(self, version: RpcVersion) -> None:
        self.rpc = engine(version)
        self.now = 0.0
        self.token = 0
        self.open_call: str | None = None
        self.open_since = 0.0
        self.open_tokens: set[int] = set()
        self.is_over = False

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SendFrame(text=text):
                    frame = json.loads(text)
                    if frame[0] == 2:
                        is_slot_over = self.now - self.open_since >= ARMED_SLOT_S
                        assert self.open_call is None or is_slot_over, "two at once"
                        assert not self.is_over
                        self.open_call = frame[1]
                        self.open_since = self.now
                case EndCall(token=token):
                    assert token in self.open_tokens, "ended twice or never begun"
                    self.open_tokens.discard(token)
                case CloseLink():
                    self.is_over = True
                case _:
                    pass

    @precondition(lambda self: not self.is_over)
    @rule(
        lane=st.sampled_from(Lane),
        key=st.sampled_from([None, "evse1"]),
        age=st.sampled_from([None, 1.0]),
    )
    def call(self, lane: Lane, key: str | None, age: float | None) -> None:
        self.token += 1
        self.open_tokens.add(self.token)
        self.perform(
            self.rpc.call(
                request(
                    self.token,
                    lane,
                    coalesce_key=key,
                    deadline_mono_s=self.now + timeout_of(lane),
                    not_after_mono_s=None if age is None else self.now + age,
                ),
                self.now,
            )
        )

    @precondition(lambda self: not self.is_over)
    @rule(kind=st.sampled_from(['[3,"{}",{{}}]', '[4,"{}","X","",{{}}]', '[3,"{}"]']))
    def answer(self, kind: str) -> None:
        if self.open_call is not None:
            text = kind.format(self.open_call)
            self.open_call = None
            self.perform(self.rpc.receive(text, self.now))

    @precondition(lambda self: not self.is_over)
    @rule(seconds=st.sampled_from([0.1, 1.5, 4.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.perform(self.rpc.tick(self.now))

    @rule(is_armed=st.booleans())
    def arm(self, is_armed: bool) -> None:
        self.perform(self.rpc.set_armed(is_armed=is_armed, now_mono_s=self.now))

    @rule()
    def lose_link(self) -> None:
        self.perform(self.rpc.close())
        self.is_over = True
        assert not self.open_tokens, "a caller was forgotten"

    @invariant()
    def someone_looks_after_every_caller(self) -> None:
        if self.open_tokens:
            assert self.rpc.next_deadline_mono_s() is not None


EngineMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestEngineMachine = EngineMachine.TestCase
