"""Streams become bytes: golden lines, whole answers, and where failures go."""

import json
import threading

import msgspec
import pytest

from ollama_nb.engine.sequence import Piece
from ollama_nb.errors import EngineError, OllamaError
from ollama_nb.http.bodies import Events, Lines, Whole
from ollama_nb.service import Stream
from ollama_nb.wire import EmbedResponse, GenerateResponse
from ollama_nb.wire.codec import encode
from ollama_nb.wire.fold import fold_generate

AT = "2026-01-01T00:00:00Z"


class End(Piece, tag=True):
    """The last event of a stream."""

    done = True


def chunks(event):
    fields = {"done_reason": "stop", "eval_count": 2} if event.done else {}
    yield GenerateResponse(model="m", created_at=AT, response=event.text, done=event.done, **fields)


class Failure(Exception):
    pass


def refuse(event):
    raise Failure


@pytest.fixture(params=[Lines, Whole])
def body_of(request):
    """Either kind of body over a stream."""
    return request.param


def stream_of(*events, translate=chunks):
    stream = Stream(translate, fold_generate)
    stream.cancels = 0
    stream.bind(lambda: setattr(stream, "cancels", stream.cancels + 1))
    for event in events:
        stream.put(event)
    return stream


def test_lines_golden():
    body = Lines(stream_of(Piece("Hé"), Piece('"\n<'), End("")))
    assert b"".join(body).decode() == (
        '{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"Hé","done":false}\n'
        '{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"\\"\\n<","done":false}\n'
        '{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"","done":true,'
        '"done_reason":"stop","eval_count":2}\n'
    )
    assert body.done


def test_whole_golden():
    body = Whole(stream_of(Piece("He"), Piece("llo"), End(".")))
    assert b"".join(body).decode() == (
        '{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"Hello.","done":true,'
        '"done_reason":"stop","eval_count":2}'
    )


def test_a_ready_answer_is_whole():
    answer = GenerateResponse(model="m", created_at=AT, response="", done=True, done_reason="load")
    body = Whole(Stream.of(answer))
    assert json.loads(b"".join(body))["done_reason"] == "load"


def test_a_failure_before_the_first_piece_is_raised(body_of):
    body = body_of(stream_of(EngineError("broken")))
    with pytest.raises(EngineError, match="broken"):
        list(body)
    assert body.done


def test_a_failure_after_the_first_line_is_the_last_line():
    *_, last = Lines(stream_of(Piece("a"), EngineError("broken")))
    assert last == b'{"error":"broken"}\n'


def test_a_failure_of_a_whole_answer_is_always_raised():
    with pytest.raises(EngineError, match="broken"):
        list(Whole(stream_of(Piece("a"), EngineError("broken"))))


def test_what_nobody_planned_is_an_internal_error(body_of, caplog):
    stream = stream_of(Piece("a"), translate=refuse)
    body = body_of(stream)
    with pytest.raises(OllamaError, match=r"^internal error$"):
        list(body)
    assert body.done
    assert stream.cancels == 1
    assert "Failure" in caplog.records[0].exc_text


def test_what_nobody_planned_after_the_first_line(caplog):
    body = Lines(stream_of(Piece("a"), Failure("/home/ann")))
    assert list(body)[-1] == b'{"error":"internal error"}\n'
    assert "/home/ann" in caplog.text


class Shouting:
    """A Teller whose events are words; it fails over the one word that it does not know."""

    def tell(self, chunk):
        for word in chunk.response.split():
            yield shouted(word)

    def fail(self, error):
        yield b"! %s" % str(error).encode()


def shouted(word):
    if word == "unknown":
        raise Failure("/home/ann")
    return word.upper().encode()


def shaped(chunk):
    shouted(chunk.response)
    return chunk


@pytest.fixture(
    params=[lambda stream: Lines(stream, shaped), lambda stream: Events(stream, Shouting())]
)
def shaped_body_of(request):
    """A body that is made of chunks by code of another dialect."""
    return request.param


def test_a_shape_that_fails_before_the_first_piece_is_an_internal_error(shaped_body_of, caplog):
    stream = stream_of(Piece("unknown"))
    body = shaped_body_of(stream)
    with pytest.raises(OllamaError, match=r"^internal error$"):
        list(body.arrived())
    assert body.done
    assert stream.cancels == 1
    assert "/home/ann" in caplog.text


def test_a_shape_that_fails_later_is_told(caplog):
    stream = stream_of(Piece("a"), Piece("unknown"), End("b"))
    body = Lines(stream, shaped)
    assert list(body.arrived())[1:] == [b'{"error":"internal error"}\n']
    assert body.done
    assert stream.cancels == 1
    assert "/home/ann" in caplog.text


def test_a_teller_that_fails_later_tells_of_it(caplog):
    stream = stream_of(Piece("a b unknown c"), End("d"))
    body = Events(stream, Shouting())
    assert list(body.arrived()) == [b"A", b"B", b"! internal error"]
    assert body.done
    assert stream.cancels == 1
    assert "/home/ann" in caplog.text


def test_what_cannot_be_written_is_an_internal_error(caplog):
    body = Lines(
        stream_of(Piece("a")), lambda chunk: msgspec.structs.replace(chunk, model=object())
    )
    with pytest.raises(OllamaError, match=r"^internal error$"):
        list(body)
    assert "TypeError" in caplog.text


@pytest.mark.parametrize("fails", ["fold", "shape"])
def test_a_whole_answer_that_cannot_be_made_is_an_internal_error(fails, caplog):
    stream = stream_of(Piece("a"), End("unknown"))
    if fails == "fold":
        stream._fold = refuse
    body = Whole(stream, lambda answer: shouted("unknown"))
    with pytest.raises(OllamaError, match=r"^internal error$"):
        list(body)
    assert body.done
    assert "Failure" in caplog.text


def test_arrived_does_not_wait(body_of):
    stream = stream_of()
    body = body_of(stream)
    assert list(body.arrived()) == []
    assert not body.done


def test_lines_arrive_as_they_come():
    stream = stream_of(Piece("a"), Piece("b"))
    body = Lines(stream)
    assert [json.loads(line)["response"] for line in body.arrived()] == ["a", "b"]
    stream.put(End("c"))
    assert [json.loads(line)["response"] for line in body.arrived()] == ["c"]
    assert body.done
    assert list(body.arrived()) == []


def test_a_whole_answer_arrives_once():
    stream = stream_of(Piece("a"))
    body = Whole(stream)
    assert list(body.arrived()) == []
    stream.put(End("b"))
    (piece,) = body.arrived()
    assert json.loads(piece)["response"] == "ab"


def test_an_answer_of_many_vectors_is_made_in_pieces_and_says_so():
    answer = EmbedResponse(model="m", embeddings=[[0.5], [-1.0], [2.0]], prompt_eval_count=3)
    body = Whole(Stream.of(answer), many="embeddings")
    assert body.takes_long
    pieces = list(body.arrived())
    assert len(pieces) >= len(answer.embeddings)
    assert b"".join(pieces) == encode(answer)


def test_other_answers_take_no_time(body_of):
    assert not body_of(stream_of()).takes_long


def test_listen_wakes_now_and_later(body_of):
    stream = stream_of()
    woken = threading.Semaphore(0)
    body_of(stream).listen(woken.release)
    assert woken.acquire(timeout=0)
    thread = threading.Thread(target=stream.put, args=[Piece("a")])
    thread.start()
    thread.join()
    assert woken.acquire(timeout=0)


def test_cancel_reaches_the_engine(body_of):
    stream = stream_of()
    body_of(stream).cancel()
    assert stream.cancels == 1


def test_an_interrupt_gets_through(body_of):
    with pytest.raises(KeyboardInterrupt):
        list(body_of(stream_of(Piece("a"), translate=lambda _: (_ for _ in [exit_now()]))))


def exit_now():
    raise KeyboardInterrupt
