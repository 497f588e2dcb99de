"""create, from the recipe's side: real files, the real quantizer, a real store."""

import hashlib
import json
import threading

import gguf
import pytest
from gguf_writer import text, tiny_llama
from model_files import endless_weights

from ollama_nb.engine import memory
from ollama_nb.errors import Cancelled, ManifestNotPulled, NotInRegistry, OllamaError
from ollama_nb.gguf import header
from ollama_nb.service.create import creation
from ollama_nb.service.work import start
from ollama_nb.settings import BUILTIN_MODELS, Settings
from ollama_nb.store import Store
from ollama_nb.wire import CreateRequest, ShownMessage

WEIGHTS = tiny_llama(width=256, hidden=512).encode()


@pytest.fixture
def store(tmp_path):
    return Store([tmp_path / "models", BUILTIN_MODELS])


@pytest.fixture
def make(store):
    def make(pull=None, folder=None, root=None, **fields):
        settings = Settings(models=store.disk.root, create_root=root)
        stream = start(creation(store, CreateRequest(**fields), settings, folder, pull=pull))
        return [(one.status, one.completed, one.total) for one in stream]

    return make


def statuses(lines):
    return [status for status, *_ in lines]


def upload(store, data):
    with store.new_blob() as blob:
        blob.write(data)
        return blob.keep()


def files_of(root):
    return sorted(path.name for path in (root / "blobs").glob("*"))


def test_a_model_from_another_keeps_its_layers_and_says_where_they_came_from(store, make):
    lines = statuses(make(model="mine", from_="guide", system="Be brief."))
    made, base = store.find("mine"), store.find("guide")
    assert made.system == "Be brief."
    assert made.weights.name == base.weights.name
    assert {layer.from_ for layer in made.manifest.layers} == {"guide:latest", ""}
    assert lines[-2:] == ["writing manifest", "success"]
    assert f"using existing layer {base.manifest.layers[0].digest}" in lines
    assert sum(line.startswith("creating new layer") for line in lines) == 1


def test_the_blobs_are_what_ollama_would_write(store, make):
    make(
        model="mine", from_="guide", license="MIT",
        parameters={"temperature": 1, "top_k": 10, "stop": ["USER:", "ASSISTANT:"]},
    )  # fmt: skip
    named = {layer.digest for layer in store.find("mine").manifest.layers}
    assert named >= {
        "sha256:1d0ad71299d48c2fb7ae2b98e683643e771f8a5b72be34942af90d97a91c1e37",
        "sha256:e5dcffe836b6ec8a58e492419b550e65fb8cbdc308503979e5dacb33ac7ea3b7",
    }


def test_parameters_are_merged_licences_added_and_messages_replaced(store, make):
    said = [ShownMessage(role="user", content="Hi"), ShownMessage(role="assistant", content="Yes")]
    make(model="a", from_="guide", parameters={"top_k": 5, "stop": ["x", "y"]}, messages=said)
    make(model="b", from_="a", parameters={"stop": ["z"]}, license=["One", "Two"])
    made = store.find("b")
    assert made.options == {**store.find("guide").options, "top_k": 5, "stop": ["z"]}
    assert [(one.role, one.content) for one in made.messages] == [
        ("user", "Hi"),
        ("assistant", "Yes"),
    ]
    assert sum(layer.kind == "license" for layer in made.manifest.layers) == 3


def test_a_model_from_a_file_is_described_by_its_header(store, make):
    digest = upload(store, WEIGHTS)
    lines = statuses(make(model="t", files={"tiny.gguf": digest}))
    made = store.find("t")
    assert lines[0] == "parsing GGUF"
    assert made.config.model_family == "llama"
    assert made.config.model_type == made.header.parameter_size
    assert made.manifest.layers[0].from_ == "tiny.gguf"
    config = store.disk.root / "blobs" / made.manifest.config.digest.replace(":", "-")
    keys = list(json.loads(config.read_text()))
    assert keys == [
        "model_format", "model_family", "model_families", "model_type", "file_type",
        "architecture", "os",
    ]  # fmt: skip


@pytest.mark.native
@pytest.mark.parametrize(
    "wanted", ["q8_0", "Q4_K_M", "q4_k", "f16", "bf16", "q2_K", "q3_K_L", "q5_1", "q6_K"]
)
def test_weights_are_quantized_to_every_kind_of_format(store, make, wanted):
    lines = make(model="t", files={"tiny.gguf": upload(store, WEIGHTS)}, quantize=wanted)
    format = {"q4_k": "Q4_K_M"}.get(wanted, wanted.upper())
    made = store.find("t")
    assert made.header.file_type_name == made.config.file_type == format
    counts = [(done, of) for status, done, of in lines if status.startswith("quantizing F32 model")]
    assert counts == sorted(counts)
    assert counts[-1][0] == counts[-1][1] > 0
    assert "verifying conversion" in statuses(lines)


def test_weights_that_have_the_format_stay(store, make):
    digest = upload(store, WEIGHTS)
    make(model="t", files={"tiny.gguf": digest}, quantize="F32")
    assert store.find("t").manifest.layers[0].digest == digest


def split(data, folder, count):
    """llama.cpp's way: all metadata in the first part, some tensors in each."""
    reader = gguf.GGUFReader(data)
    tensors = [reader.tensors[at::count] for at in range(count)]
    for number, some in enumerate(tensors):
        path = folder / f"m-{number + 1:05}-of-{count:05}.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        for field in reader.fields.values() if number == 0 else ():
            if not field.name.startswith("GGUF.") and field.name != "general.architecture":
                kind, inner = field.types[0], field.types[-1]
                writer.add_key_value(
                    field.name, field.contents(), kind, inner if len(field.types) > 1 else None
                )
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", count)
        writer.add_int32("split.tensors.count", len(reader.tensors))
        for tensor in some:
            writer.add_tensor(tensor.name, tensor.data)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        yield path


@pytest.fixture
def parts(store, tmp_path):
    whole = tmp_path / "whole.gguf"
    whole.write_bytes(WEIGHTS)
    return {path.name: upload(store, path.read_bytes()) for path in split(whole, tmp_path, 3)}


@pytest.mark.native
def test_the_parts_of_a_split_model_become_one_file(store, make, parts, tmp_path):
    assert "verifying conversion" in statuses(make(model="t", files=parts))
    [layer] = store.find("t").manifest.layers
    made = {
        one.name: one.data.tobytes() for one in gguf.GGUFReader(store.find("t").weights).tensors
    }
    whole = gguf.GGUFReader(tmp_path / "whole.gguf")
    assert made == {one.name: one.data.tobytes() for one in whole.tensors}
    kept = {key for key in store.find("t").header.metadata if not key.startswith("split.")}
    assert kept == {key for key in whole.fields if not key.startswith("GGUF.")}
    assert layer.kind == "model"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda names: names[:2], 'split GGUF "m" has 2 shards, expected 3'),
        (
            lambda names: ["x.gguf", *names[1:]],
            '"x.gguf" must use llama.cpp split filename pattern',
        ),
        (
            lambda names: ["m-00001-of-00004.gguf", *names[1:]],
            "filename count 4 does not match metadata count 3",
        ),
        (
            lambda names: ["m-00003-of-00003.gguf", names[1], names[0]],
            "filename index . does not match metadata index .",
        ),
    ],
)
def test_a_broken_set_is_named(make, parts, change, text):
    names = change(list(parts))
    with pytest.raises(OllamaError, match=text):
        make(model="t", files=dict(zip(names, parts.values(), strict=False)))


def test_replacing_a_model_removes_what_only_it_needed(store, make):
    make(model="mine", from_="guide", system="One")
    before = files_of(store.disk.root)
    make(model="MINE", from_="guide", system="Two")
    assert len(files_of(store.disk.root)) == len(before)
    assert [str(one.name) for one in store.models()].count("mine:latest") == 1


@pytest.mark.parametrize("written", [str.upper, lambda digest: digest.replace(":", "-")])
def test_a_digest_is_written_as_ollama_does_however_it_is_given(store, make, written):
    digest = upload(store, WEIGHTS)
    given = digest[:6] + written(digest[6:])
    make(model="mine", files={"a.gguf": given})
    make(model="yours", from_="mine", system="S")
    for name in ("mine", "yours"):
        assert store.find(name).manifest.layers[0].digest == digest


def test_a_blob_that_lost_its_end_is_written_again(store, make):
    make(model="mine", from_="guide", system="Be brief.")
    (path,) = store.find("mine").files("system")
    path.write_bytes(b"Be")
    make(model="yours", from_="guide", system="Be brief.")
    assert store.find("yours").system == "Be brief."


def test_the_header_of_a_file_is_read_once(store, make, monkeypatch):
    files, read = {"a.gguf": upload(store, WEIGHTS)}, []
    preamble = header._read_preamble
    monkeypatch.setattr(header, "_read_preamble", lambda file: read.append(1) or preamble(file))
    make(model="mine", files=files, system="S")
    assert len(read) == 1


def test_a_create_that_comes_to_nothing_writes_nothing(store, make):
    def pull(name, report, stop):
        raise ManifestNotPulled(NotInRegistry())

    with pytest.raises(ManifestNotPulled):
        make(pull, model="mine", from_="nobody/knows")
    assert not store.disk.root.exists()


def test_a_base_that_is_missing_is_pulled(store, make):
    pulled = []

    def pull(name, report, stop):
        pulled.append(str(name))
        store.copy(store.find("guide").name, name)

    make(pull, model="mine", from_="somebody/else:1", system="S")
    assert pulled == ["somebody/else:1"]
    assert store.find("mine").manifest.layers[0].from_ == "somebody/else:1"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"from_": "guide", "model": ""}, "invalid model name"),
        ({"from_": "guide", "model": "a:b:c/"}, "invalid model name"),
        ({}, "neither 'from' or 'files' was specified"),
        ({"from_": "x/y/z/w:"}, "invalid model name"),
        ({"files": {}}, "unknown type"),
        ({"files": {"/etc/passwd": "sha256:0"}}, "file path must be relative"),
        ({"files": {"a/../b.gguf": "sha256:0"}}, "file path must be relative"),
        ({"files": {"./b.gguf": "sha256:0"}}, "file path must be relative"),
        ({"files": {"a.gguf": ""}}, "invalid digest format"),
        ({"files": {"a.gguf": "sha256:0"}}, "invalid digest format"),
        ({"files": {"a.gguf": f"sha256:{'0' * 64}"}}, f'blob "sha256:{"0" * 64}" not found'),
        ({"from_": "guide", "quantize": "q9"}, "unsupported quantization type Q9"),
        (
            {"from_": "guide", "quantize": "q4_0"},
            "quantization is only supported for F16, BF16 and F32 models",
        ),
        ({"from_": "guide", "adapters": {"a": "x", "b": "y"}}, "only one adapter is currently"),
        ({"from_": "guide", "parameters": {"top_k": "x"}}, 'option "top_k" must be of type'),
        ({"from_": "guide", "parameters": {"x": float("nan")}}, "nan"),
        ({"from_": "guide", "template": "{{ if }}"}, "template error: "),
        ({"from_": "guide", "system": "x" * (1 << 20 | 1)}, "system is longer than 1 MiB"),
        ({"from_": "guide", "license": "x" * (8 << 20 | 1)}, "license is longer than 8 MiB"),
        ({"from_": "guide", "info": {"context_length": float("inf")}}, "non-negative integer"),
        ({"from_": "guide", "info": {"context_length": 1.5}}, "must be a non-negative integer"),
        ({"from_": "guide", "info": {"context_length": 1 << 63}}, "must be a non-negative integer"),
        ({"from_": "guide", "info": {"context_length": 10**400}}, "must be a non-negative integer"),
        ({"from_": "guide", "info": {"model_family": 1}}, 'info field "model_family" must be a s'),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_and_leaves_nothing(store, make, fields, text):
    with pytest.raises(OllamaError) as caught:
        make(**{"model": "mine", **fields})
    assert text in str(caught.value)
    assert not list(store.disk.root.glob("manifests/*/*/*/*"))
    assert files_of(store.disk.root) == []


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.gguf", b"no", "supplied file was not in GGUF format"),
        ("a.txt", b"no", "unknown type"),
        ("a.gguf", b"GGUF" + bytes(200), "^a.gguf: GGUF version 0 is not supported"),
        ("a.gguf", WEIGHTS[:-10], "^a.gguf: tensor .* beyond the file"),
    ],
)
def test_files_that_are_no_model_are_refused(store, make, name, data, text):
    with pytest.raises(OllamaError, match=text):
        make(model="mine", files={name: upload(store, data)})
    assert not list(store.disk.root.glob("manifests/*/*/*/*"))


def test_a_failure_in_the_middle_leaves_no_new_blob(store, make):
    before = upload(store, endless_weights())
    bad = upload(store, tiny_llama().put("general.type", text("vocab")).encode())
    with pytest.raises(OllamaError):
        make(model="mine", files={"a.gguf": before, "b.gguf": bad}, system="never written")
    assert set(files_of(store.disk.root)) == {before.replace(":", "-"), bad.replace(":", "-")}


@pytest.mark.native
def test_cancelling_stops_the_quantizer_and_leaves_nothing(store):
    stop = threading.Event()
    digest = upload(store, WEIGHTS)
    request = CreateRequest(model="t", files={"a.gguf": digest}, quantize="q4_0")
    work = creation(store, request, Settings(models=store.disk.root), None, pull=None)

    def told(line):
        if line.status.startswith("quantizing"):
            stop.set()

    with pytest.raises(Cancelled):
        work(told, stop)
    assert stop.is_set()
    assert files_of(store.disk.root) == [digest.replace(":", "-")]
    assert not list((store.disk.own / "drafts").iterdir())


def test_the_digest_of_a_manifest_is_that_of_its_file(store, make):
    make(model="mine", from_="guide", system="S")
    [path] = store.disk.root.glob("manifests/*/*/mine/latest")
    data = path.read_bytes()
    assert data.endswith(b"}\n")
    assert store.find("mine").manifest.digest == hashlib.sha256(data).hexdigest()


MODELFILE = '''
FROM tiny.gguf
SYSTEM """Be "brief".
Always."""
PARAMETER top_k 7
PARAMETER stop END
MESSAGE user Hi
'''


def test_a_modelfile_in_a_folder_names_its_files(store, make, tmp_path):
    (tmp_path / "tiny.gguf").write_bytes(WEIGHTS)
    lines = statuses(make(model="t", modelfile=MODELFILE, folder=tmp_path))
    made = store.find("t")
    assert made.weights.read_bytes() == WEIGHTS
    assert made.system == 'Be "brief".\nAlways.'
    assert made.options == {"top_k": 7, "stop": ["END"]}
    assert [(one.role, one.content) for one in made.messages] == [("user", "Hi")]
    assert lines[0] == "copying file tiny.gguf"


def test_a_modelfile_over_http_names_models_and_blobs_only(store, make, tmp_path):
    digest = upload(store, WEIGHTS)
    make(model="t", modelfile=f"FROM @{digest}\nSYSTEM S")
    assert store.find("t").manifest.layers[0].digest == digest
    make(model="u", modelfile="FROM t\nSYSTEM T")
    assert store.find("u").system == "T"
    (tmp_path / "x.gguf").write_bytes(WEIGHTS)
    with pytest.raises(OllamaError):
        make(model="v", modelfile=f"FROM {tmp_path}/x.gguf")


def test_a_path_is_read_below_a_root_only(store, make, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "tiny.gguf").write_bytes(WEIGHTS)
    (inner / "Modelfile").write_text(MODELFILE)
    (tmp_path / "Modelfile").write_text("FROM guide")
    (inner / "Link").symlink_to(tmp_path / "Modelfile")
    make(model="t", path="Modelfile", root=inner)
    assert store.find("t").options["top_k"] == 7
    for path in ("../Modelfile", "Link", str(tmp_path / "Modelfile"), "missing", "/dev/zero"):
        with pytest.raises(OllamaError, match="error reading modelfile"):
            make(model="u", path=path, root=inner)
    with pytest.raises(OllamaError, match="reads no files by their path"):
        make(model="u", path="Modelfile")


def test_a_create_that_was_stopped_saves_nothing(store):
    stop = threading.Event()
    stop.set()
    request = CreateRequest(model="mine", from_="guide", system="S")
    work = creation(store, request, Settings(models=store.disk.root), None, pull=None)
    with pytest.raises(Cancelled):
        work(lambda _: None, stop)
    assert files_of(store.disk.root) == []
    assert not list(store.disk.root.glob("manifests/*/*/*/*"))


def test_files_that_were_copied_for_nothing_go(store, make, tmp_path):
    (tmp_path / "a.gguf").write_bytes(WEIGHTS)
    (tmp_path / "b.gguf").write_bytes(WEIGHTS[:-10])
    with pytest.raises(OllamaError):
        make(model="t", modelfile="FROM a.gguf\nFROM b.gguf", folder=tmp_path)
    assert files_of(store.disk.root) == []


def test_what_a_modelfile_asks_for_in_vain_is_told(make):
    lines = statuses(make(model="t", modelfile="FROM guide\nPARAMETER low_vram true"))
    assert lines[:2] == ["parsing modelfile", "warning: parameter low_vram is deprecated"]


def test_what_stands_beside_a_modelfile_takes_the_place_of_what_it_says(store, make):
    modelfile = (
        "FROM guide\nSYSTEM S\nTEMPLATE T\nPARAMETER top_k 7\nPARAMETER seed 1\nMESSAGE user Hi"
    )
    message = ShownMessage(role="user", content="Hello")
    make(
        model="t", modelfile=modelfile, system="A", template="B", license=["C"],
        parameters={"seed": 2, "stop": ["D"]}, messages=[message],
    )  # fmt: skip
    made = store.find("t")
    assert (made.system, made.template, made.licenses[-1]) == ("A", "B", "C")
    assert made.options == {"temperature": 0, "top_k": 7, "seed": 2, "stop": ["D"]}
    assert [one.content for one in made.messages] == ["Hello"]


def test_the_present_form_comes_before_the_older_ones(store, make):
    make(model="t", from_="guide", modelfile="FROM nothing", path="/nowhere", system="S")
    assert store.find("t").system == "S"


@pytest.mark.native
def test_parts_that_make_no_usable_model_leave_only_themselves(store, make, tmp_path):
    model = tiny_llama(width=256, hidden=512)
    norm = model.tensor("output_norm.weight")
    norm.data = b"\xff" * len(norm.payload())
    whole = tmp_path / "whole.gguf"
    whole.write_bytes(model.encode())
    files = {path.name: upload(store, path.read_bytes()) for path in split(whole, tmp_path, 2)}
    before = files_of(store.disk.root)
    with pytest.raises(OllamaError, match=r"the model that was made cannot be used: .*NaN"):
        make(model="mine", files=files)
    assert files_of(store.disk.root) == before
    assert not list(store.disk.root.glob("manifests/*/*/*/*"))


@pytest.mark.native
def test_what_memory_cannot_hold_is_made_untried_and_told(store, make, parts, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1 << 20)
    lines = statuses(make(model="mine", files=parts))
    at = lines.index("verifying conversion")
    assert lines[at + 1].startswith("warning: this machine has too little memory")
    assert store.find("mine").header


def test_a_file_that_is_taken_as_it_is_is_not_tried(make, store):
    lines = statuses(make(model="t", files={"tiny.gguf": upload(store, WEIGHTS)}))
    assert "verifying conversion" not in lines
