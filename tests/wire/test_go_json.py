"""JSON as Go writes it (models, 2.5): the reference's vectors, Go itself, and our guide."""

import hashlib
import json
import math
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.settings import BUILTIN_MODELS
from ollama_nb.wire.go_json import Float32, Map, encode

EXACT = st.integers(-(2**53), 2**53)
PLAIN = st.none() | st.booleans() | EXACT | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    PLAIN | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20
)
MANIFESTS = BUILTIN_MODELS / "manifests" / "registry.ollama.ai" / "library" / "guide"


def written(value):
    text = encode(value).decode()
    assert text.endswith("\n")
    return text[:-1]


def test_parameters_of_the_reference():
    params = {"temperature": 1.0, "top_k": 10, "stop": ["USER:", "ASSISTANT:"]}
    digest = hashlib.sha256(encode(Map(params))).hexdigest()
    assert digest == "1d0ad71299d48c2fb7ae2b98e683643e771f8a5b72be34942af90d97a91c1e37"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"), (1.0, "1"), (-0.0, "-0"), (0.0, "0"), (4096.0, "4096"), (0.7, "0.7"),
        (1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e22, "1.5e+22"), (1e100, "1e+100"),
        (1e-6, "0.000001"), (9.99e-7, "9.99e-7"), (1e-7, "1e-7"), (1e-10, "1e-10"),
        (-2.5e-9, "-2.5e-9"), (1 / 3, "0.3333333333333333"), (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (123456789.125, "123456789.125"),
        (2**63, "9223372036854775808"), (True, "true"), (None, "null"),
        (Float32(0.7), "0.7"), (Float32(0.1), "0.1"), (Float32(1.1), "1.1"), (Float32(1), "1"),
        (Float32(16777216), "16777216"), (Float32(3.4028234663852886e38), "3.4028235e+38"),
        (Float32(1e-6), "0.000001"), (Float32(1e21), "1e+21"), (Float32(1e-45), "1e-45"),
    ],
)  # fmt: skip
def test_numbers(number, text):
    assert written(number) == text


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("<a href='x'>&</a>", r"\u003ca href='x'\u003e\u0026\u003c/a\u003e"),
        ("\u2028\u2029", r"\u2028\u2029"), ("\n\r\t\b\f", r"\n\r\t\b\f"), ('"\\/', r'\"\\/'),
        ("\0\x01\x1b\x1f\x7f", "\\u0000\\u0001\\u001b\\u001f\x7f"), ("äß漢🙂", "äß漢🙂"),
        ("\ud800x\udc00", "\ufffdx\ufffd"),
    ],
)  # fmt: skip
def test_texts(text, there):
    assert written(text) == f'"{there}"'
    assert written({text: 1}) == f'{{"{there}":1}}'


def test_a_map_is_sorted_with_all_inside_and_anything_else_keeps_its_order():
    inner = {"b": 1, "a": [{"d": 1, "c": None}], "ä": 2, "B": 3, "\U0001f642": 4, "\uffff": 5}
    assert written(inner) == (
        '{"b":1,"a":[{"d":1,"c":null}],"ä":2,"B":3,"\U0001f642":4,"\uffff":5}'
    )
    assert written({"z": Map(inner), "y": ()}) == (
        '{"z":{"B":3,"a":[{"c":null,"d":1}],"b":1,"ä":2,"\uffff":5,"\U0001f642":4},"y":[]}'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [Float32(math.inf)]])
def test_numbers_that_json_has_not(value):
    with pytest.raises(ValueError, match="no JSON form"):
        encode(value)


@pytest.mark.parametrize("value", [b"x", {1: 2}, object(), {"a": {3}}])
def test_what_is_no_json(value):
    with pytest.raises(TypeError):
        encode(value)


@given(VALUES)
def test_it_is_the_value_again(value):
    text = written(value)
    assert json.loads(text, parse_int=float) == value  # Go writes whole floats as integers
    assert not set("<>&\u2028\u2029") & set(text)
    assert all(character >= " " for character in text)
    assert json.loads(encode(Map(x=value)), parse_int=float)["x"] == value


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float32_is_written_with_as_few_digits_as_give_it_back(value):
    text = written(Float32(value))
    assert _as_float32(float(text)) == value
    digits = text.partition("e")[0].strip("-0.").replace(".", "")
    shorter = [f"{value:.{number}e}" for number in range(len(digits.rstrip("0")) - 2)]
    assert all(_as_float32(float(one)) != value for one in shorter) or value == 0


def _as_float32(value):
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.inf


GO = """package main
import ("bufio"; "encoding/json"; "fmt"; "math"; "os"; "strconv")
func main() {
    lines := bufio.NewScanner(os.Stdin)
    for lines.Scan() {
        text := lines.Text()
        bits, _ := strconv.ParseUint(text[1:], 16, 64)
        var value any = math.Float64frombits(bits)
        if text[0] == 'f' { value = math.Float32frombits(uint32(bits)) }
        written, _ := json.Marshal(value)
        fmt.Println(string(written))
    }
}
"""


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed (apt: golang-go)")
def test_numbers_are_written_as_go_writes_them(tmp_path):
    source = tmp_path / "numbers.go"
    source.write_text(GO)
    lines, ours = [], []
    for exponent in range(-149, 128):
        for factor in (1, 1.1, 1 / 3, 0.7):
            bits = struct.pack("<f", factor * 2.0**exponent)
            lines.append(f"f{int.from_bytes(bits, 'little'):x}")
            ours.append(written(Float32(struct.unpack("<f", bits)[0])))
    for exponent in range(-330, 308):
        for factor in (1, 1.1, -1 / 3, 12345678901234567):
            value = factor * 10.0 ** min(exponent, 290)
            lines.append(f"d{int.from_bytes(struct.pack('<d', value), 'little'):x}")
            ours.append(written(value))
    done = subprocess.run(
        ["go", "run", str(source)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ours


@pytest.mark.parametrize("tag", ["latest", "think"])
def test_the_guide_has_the_bytes_that_go_would_write(tag):
    data = (MANIFESTS / tag).read_bytes()
    manifest = json.loads(data)
    assert encode(manifest) == data
    for layer in (manifest["config"], *manifest["layers"]):
        if layer["mediaType"].endswith((".params", ".v1+json")):
            blob = (BUILTIN_MODELS / "blobs" / layer["digest"].replace(":", "-")).read_bytes()
            value = json.loads(blob)
            assert encode(Map(value) if layer["mediaType"].endswith(".params") else value) == blob
