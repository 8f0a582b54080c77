"""An answer is repeated only to the same frame, and only for ten minutes."""

from custom_components.v2g_vpp.csms.answers import (
    ANSWER_CAPACITY,
    ANSWER_LIFETIME_S,
    AnswerCache,
    digest_of,
)


def test_the_same_frame_gets_the_same_answer_until_it_expires() -> None:
    cache = AnswerCache()
    digest = digest_of("frame")
    cache.keep("1", digest, "answer", 100.0)
    assert cache.find("1", digest, 100.0 + ANSWER_LIFETIME_S - 0.1) == "answer"
    assert cache.find("1", digest, 100.0 + ANSWER_LIFETIME_S) is None
    cache.keep("1", digest, "newer", 900.0)
    assert cache.find("1", digest, 901.0) == "newer"


def test_a_reused_id_with_another_frame_is_new() -> None:
    cache = AnswerCache()
    cache.keep("1", digest_of("boot"), "answer", 0.0)
    assert cache.find("1", digest_of("status"), 1.0) is None
    assert cache.find("2", digest_of("boot"), 1.0) is None


def test_text_and_bytes_of_a_frame_are_the_same_frame() -> None:
    assert digest_of("é") == digest_of("é".encode())
    assert digest_of("\ud800") != digest_of("\ud801")


def test_the_oldest_answer_leaves_when_there_are_too_many() -> None:
    cache = AnswerCache()
    digest = digest_of("frame")
    for number in range(ANSWER_CAPACITY + 1):
        cache.keep(str(number), digest, "answer", 0.0)
    assert cache.find("0", digest, 0.0) is None
    assert cache.find("1", digest, 0.0) == "answer"
    cache.clear()
    assert cache.find("1", digest, 0.0) is None


def test_what_has_expired_takes_no_memory() -> None:
    cache = AnswerCache()
    digest = digest_of("frame")
    for number in range(20):
        cache.keep(str(number), digest, "answer", float(number))
    cache.keep("5", digest, "again", 30.0)
    cache.keep("later", digest, "answer", 30.0 + ANSWER_LIFETIME_S - 0.5)
    assert len(cache) == 2
    assert cache.find("5", digest, 30.0 + ANSWER_LIFETIME_S - 0.5) == "again"
