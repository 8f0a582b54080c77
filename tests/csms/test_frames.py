"""Frames are read or refused, never crash, and survive a round trip."""

from collections.abc import Callable
import json
import time

from hypothesis import example, given, strategies as st
import orjson
import pytest

from custom_components.v2g_vpp.csms.frames import (
    CORRUPT_ID,
    MAX_CONTAINERS,
    MAX_DEPTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_FRAME_BYTES,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Frame,
    Malformed,
    Send,
    _is_too_deep,
    parse,
    serialise,
)
from custom_components.v2g_vpp.csms.versions import V16, V21, V201, Fault, RpcVersion

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)
payloads = st.dictionaries(st.text(), json_values, max_size=4)
message_ids = st.text(max_size=36)
frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Call, message_ids, st.text(), payloads),
    st.builds(Send, message_ids, st.text(), payloads),
    st.builds(CallResult, message_ids, payloads),
    st.builds(CallError, message_ids, st.text(), st.text(max_size=255)),
    st.builds(CallResultError, message_ids, st.text(), st.text(max_size=255)),
)
versions = st.sampled_from([V16, V201, V21])


@given(frame=frames)
def test_what_is_serialised_is_parsed_to_the_same(frame: Frame) -> None:
    text = serialise(frame)
    assert parse(text, V21) == frame
    assert parse(text.encode(), V21) == frame
    assert text.isascii()


@given(
    data=st.binary()
    | st.text()
    | st.lists(json_values, max_size=6).map(json.dumps)
    | st.text(alphabet='[]{}",:\\0129einfENau '),
    version=versions,
)
@example(data="[" * 100_000, version=V21)
@example(data='["' + '\\"' * 300_000, version=V21)
@example(data="[" * 40 + '"abc\\', version=V21)
@example(data="[2," + "9" * 5000 + "]", version=V21)
def test_no_input_raises(data: str | bytes, version: RpcVersion) -> None:
    assert parse(data, version) is not None


numbers = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.floats().map(repr),
    st.from_regex(
        r"-?[0-9]{1,25}([.][0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True
    ),
)
spaces = st.text(alphabet=" \n\t", max_size=2)
texts = st.text(alphabet='a\\"/u d8ée😀\u2028\x00\x1f', max_size=8).map(
    lambda text: f'"{text}"'
)
documents = st.recursive(
    st.one_of(
        numbers, texts, st.text().map(json.dumps), st.sampled_from(["null", "NaN"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(texts, inner), max_size=4).map(
            lambda items: "{" + ",".join(f"{k}:{v}" for k, v in items) + "}"
        ),
    ),
    max_leaves=8,
)


@given(document=documents, before=spaces, after=spaces)
@example(document='{"a":1,"a":2}', before="", after="")
@example(document="-0", before="", after="")
@example(document="1" * 18, before="", after="")
@example(document="1" * 19, before="", after="")
@example(document="0." + "1" * 30, before="", after="")
@example(document="1e400", before="", after="")
@example(document='"\\ud800"', before="", after="")
@example(document='"\ud800"', before="", after="")
@example(document="1", before="\ufeff", after="")
def test_the_quick_parser_says_what_the_thorough_one_says(
    document: str, before: str, after: str
) -> None:
    text = f'{before}[2,"1","A",{document}]{after}'
    quick = parse(text, V21)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orjson, "loads", refuse)
        thorough = parse(text, V21)
    assert repr(quick) == repr(thorough)


def refuse(_: bytes) -> None:
    raise orjson.JSONDecodeError("", "", 0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("{bad", Malformed(CORRUPT_ID, Fault.FRAMEWORK)),
        (b"\xff\xfe", Malformed(CORRUPT_ID, Fault.FRAMEWORK)),
        ('{"a":1}', Malformed(CORRUPT_ID, Fault.FRAMEWORK)),
        ("[]", Malformed(CORRUPT_ID, Fault.FRAMEWORK, "message type unreadable")),
        (
            '["2","1","Heartbeat",{}]',
            Malformed(CORRUPT_ID, Fault.FRAMEWORK, "message type unreadable"),
        ),
        (
            '[true,"1","Heartbeat",{}]',
            Malformed(CORRUPT_ID, Fault.FRAMEWORK, "message type unreadable"),
        ),
        ("[2]", Malformed(CORRUPT_ID, Fault.FRAMEWORK, "messageId unreadable")),
        (
            '[2,1,"Heartbeat",{}]',
            Malformed(CORRUPT_ID, Fault.FRAMEWORK, "messageId unreadable"),
        ),
        (
            f'[2,"{"x" * 37}","Heartbeat",{{}}]',
            Malformed(CORRUPT_ID, Fault.FRAMEWORK, "messageId too long"),
        ),
        ('[2,"1"]', Malformed("1", Fault.FRAMEWORK)),
        ('[2,"1",["x"],{}]', Malformed("1", Fault.FRAMEWORK)),
        ('[2,"1","Heartbeat",{},1]', Malformed("1", Fault.FRAMEWORK)),
        ('[2,"1","Heartbeat",[]]', Malformed("1", Fault.TYPE)),
        ('[2,"1","Heartbeat",{"a":NaN}]', Malformed(CORRUPT_ID, Fault.FRAMEWORK)),
        # What nobody could hold is read as nothing: the schema refuses it by its id.
        ('[2,"1","Heartbeat",{"a":1e999}]', Call("1", "Heartbeat", {"a": None})),
        (
            f'[2,"1","Heartbeat",{{"a":{"1" * 19}}}]',
            Call("1", "Heartbeat", {"a": None}),
        ),
        ('[2,"1","Heartbeat",{"a":"\\ud800"}]', Call("1", "Heartbeat", {"a": "?"})),
        (
            '[2,"\\ud800","Heartbeat",{}]',
            Malformed(CORRUPT_ID, Fault.FRAMEWORK, "messageId unreadable"),
        ),
        ('[2,"1","Heartbeat",null]', Call("1", "Heartbeat", {})),
        ('[3,"1"]', Malformed("1", Fault.FRAMEWORK, is_unanswerable=True)),
        ('[3,"1",[]]', Malformed("1", Fault.TYPE, is_unanswerable=True)),
        (
            "[3,1,{}]",
            Malformed(CORRUPT_ID, Fault.FRAMEWORK, "messageId unreadable", True),
        ),
        ('[4,"1"]', CallError("1", "", "")),
        ('[4,"1",5,null]', CallError("1", "", "")),
        ('[4,"1","GenericError","why",{"a":1}]', CallError("1", "GenericError", "why")),
        ('[6,"1",2,{}]', Malformed("1", Fault.FRAMEWORK, is_unanswerable=True)),
        ('[9,"1","X",{}]', Malformed("1", Fault.MESSAGE_TYPE)),
        ("[9]", Malformed(CORRUPT_ID, Fault.MESSAGE_TYPE)),
    ],
)
def test_each_defect_is_named(data: str | bytes, expected: Frame | Malformed) -> None:
    assert parse(data, V21) == expected


def test_a_whole_surrogate_pair_is_legal() -> None:
    assert parse('[2,"1","A",{"a":"\\ud83d\\ude00"}]', V21) == Call(
        "1", "A", {"a": "😀"}
    )


def test_null_payload_is_refused_where_a_station_is_held_to_the_letter() -> None:
    frame = parse('[2,"1","Heartbeat",null]', V21, is_null_payload_legal=False)
    assert frame == Malformed("1", Fault.TYPE)


def test_types_5_and_6_exist_only_in_2_1() -> None:
    text = '[6,"s3","NotifyPeriodicEventStream",{}]'
    assert parse(text, V21) == Send("s3", "NotifyPeriodicEventStream", {})
    assert parse(text, V201) == Malformed("s3", Fault.MESSAGE_TYPE)


def test_a_frame_above_the_size_limit_is_not_even_decoded() -> None:
    text = f'[2,"1","A",{{"a":"{"x" * MAX_FRAME_BYTES}"}}]'
    assert parse(text, V21) == Malformed(CORRUPT_ID, Fault.FRAMEWORK, "frame too large")


def test_depth_counts_brackets_outside_strings_only() -> None:
    in_string = f'[2,"1","A",{{"a":"{"[" * 2 * MAX_DEPTH}"}}]'
    assert isinstance(parse(in_string, V21), Call)
    wide = f'[2,"1","A",{{"a":[{",".join(["[]"] * 2 * MAX_DEPTH)}]}}]'
    assert isinstance(parse(wide, V21), Call)
    deep = "[" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2)
    assert isinstance(parse(f'[2,"1","A",{{"a":{deep}}}]', V21), Call)
    deeper = f'[2,"1","A",{{"a":[{deep}]}}]'
    assert parse(deeper, V21) == Malformed(
        CORRUPT_ID, Fault.FRAMEWORK, "nesting too deep"
    )


@given(
    text=st.recursive(
        st.sampled_from(['"[[["', '"\\\\"', '"\\""', '"\\\\\\"[{"', "1", "[]", "{}"]),
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda i: f"[{','.join(i)}]")
            | inner.map(lambda i: f'{{"]":{i}}}')
        ),
        max_leaves=12,
    ),
    levels=st.integers(0, MAX_DEPTH + 4),
)
def test_depth_is_that_of_what_the_text_says(text: str, levels: int) -> None:
    frame = f'[2,"1","A",{{"a":{"[" * levels}{text},"}}",{{}}{"]" * levels}}}]'
    if not levels:
        frame = f'[2,"1","A",{{"a":{text}}}]'
    is_refused = isinstance(parse(frame, V21), Malformed)
    assert is_refused == (depth_of(json.loads(frame)) > MAX_DEPTH)


def depth_of(value: object) -> int:
    match value:
        case list():
            inner = value
        case dict():
            inner = list(value.values())
        case _:
            return 0
    return 1 + max(map(depth_of, inner), default=0)


LISTS = MAX_FRAME_BYTES // 3 - 20


@pytest.mark.parametrize(
    "inside",
    [
        ",".join(["[]"] * LISTS),
        ",".join(['""'] * (LISTS - 100) + ["[]"] * 100),
        ",".join(["[{}]"] * (LISTS // 2)),
        ("[" * 28 + "]" * 28 + ",") * (LISTS // 20) + "1",
        "[" * LISTS + "]" * LISTS,
    ],
    ids=["empty lists", "texts", "objects", "towers", "one tower"],
)
def test_the_guard_is_no_slower_than_what_it_guards(inside: str) -> None:
    text = f'[2,"1","A",{{"a":[{inside}]}}]'
    assert len(text) < MAX_FRAME_BYTES
    plain = f'[2,"1","A",{{"a":[{",".join(["[]"] * LISTS)}]}}]'
    assert busy_s(lambda: _is_too_deep(text)) < 2.5 * busy_s(lambda: json.loads(plain))


def busy_s(work: Callable[[], object]) -> float:
    """Return the least processor time of a few tries."""
    taken_s = []
    for _ in range(5):
        began_s = time.thread_time()
        work()
        taken_s.append(time.thread_time() - began_s)
    return min(taken_s)


def test_a_frame_of_countless_lists_is_refused_and_a_full_report_is_not() -> None:
    lists = ",".join(["[]"] * (MAX_CONTAINERS + 1))
    assert parse(f'[2,"1","A",{{"a":[{lists}]}}]', V21) == Malformed(
        CORRUPT_ID, Fault.FRAMEWORK, "too many parts"
    )
    row = (
        '{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"},'
        '"variableAttribute":[{"value":"7"}]}'
    )
    rows = ",".join([row] * (1_000_000 // len(row)))
    frame = f'[2,"1","NotifyReport",{{"reportData":[{rows}]}}]'
    assert isinstance(parse(frame, V21), Call)


def test_error_descriptions_are_cut_and_details_are_empty() -> None:
    text = serialise(CallError("1", "InternalError", "x" * 400))
    assert json.loads(text) == [
        4,
        "1",
        "InternalError",
        "x" * MAX_DESCRIPTION_LENGTH,
        {},
    ]


def test_frames_are_compact() -> None:
    assert serialise(Call("1", "Heartbeat", {})) == '[2,"1","Heartbeat",{}]'
