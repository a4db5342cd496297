"""PyTorch's tensors, sizes, dtypes and devices come back to the bit; these tests run where PyTorch is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from elsewhere import installed

import docstore
from docstore.errors import DecodeError, EncodeError
from docstore.testing.exact import identity

torch = installed("torch")

NAMES = [
    *("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"),
    *("complex64", "complex128", "float8_e4m3fn", "float8_e5m2"),
]


def again(value: Any) -> Any:
    return docstore.loads(docstore.dumps(value))


def bits(tensor: Any) -> bytes:
    """Return the bytes of the items, in the order of their indexes, by another way than the codec's."""
    flat = tensor.detach().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).tolist()) if flat.numel() else b""


def assert_same(made: Any, tensor: Any) -> None:
    assert (type(made), made.dtype, made.shape) == (torch.Tensor, tensor.dtype, tensor.shape)
    assert (made.requires_grad, made.device) == (tensor.requires_grad, tensor.device)
    assert bits(made) == bits(tensor)


def of_bytes(name: str, count: int) -> Any:
    """Return a tensor of *count* items whose bytes are 0, 1, 2 and so on; truth values are 0 and 1."""
    dtype = getattr(torch, name)
    raw = bytearray(each % (2 if name == "bool" else 251) for each in range(count * dtype.itemsize))
    return torch.frombuffer(raw, dtype=dtype)


class TestATensor:
    @pytest.mark.parametrize("count", [12, 1_998], ids=["few items", "many items"])
    @pytest.mark.parametrize("name", NAMES)
    def test_comes_back_to_the_bit(self, name, count):
        tensor = of_bytes(name, count).reshape(2, 3, -1)

        assert_same(again(tensor), tensor)

    @pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 0, 1), (1, 1)], ids=str)
    def test_comes_back_in_its_shape(self, shape):
        tensor = torch.ones(shape, dtype=torch.float64)

        assert_same(again(tensor), tensor)

    def test_keeps_numbers_that_only_bits_tell_apart(self):
        tensor = torch.tensor([float("nan"), float("inf"), -0.0, 0.1, 5e-324, 1e308], dtype=torch.float64)

        assert_same(again(tensor), tensor)

    def test_keeps_the_payload_of_a_nan(self):
        tensor = torch.tensor([0x7FC00001, 0x7F800001], dtype=torch.int32).view(torch.float32)

        assert_same(again(tensor), tensor)

    def test_keeps_whether_it_requires_a_gradient(self):
        assert_same(again(torch.ones(2, requires_grad=True)), torch.ones(2, requires_grad=True))

    @pytest.mark.parametrize(
        "view",
        [
            lambda tensor: tensor.T,
            lambda tensor: tensor[:, 1],
            lambda tensor: tensor.expand(2, 2, 3),
            lambda tensor: tensor.to(torch.complex64).conj(),
        ],
        ids=["transposed", "a column", "expanded", "conjugated"],
    )
    def test_that_is_a_view_comes_back_by_its_items(self, view):
        tensor = view(torch.arange(6.0).reshape(2, 3))

        made = again(tensor)

        assert made.shape == tensor.shape
        assert torch.equal(made, tensor)

    def test_can_be_changed_and_resized_afterwards(self):
        tensor = torch.arange(2_000.0)
        made = again(tensor)

        made += 1
        made.resize_(3_000)

        assert made.shape == (3_000,)
        assert torch.equal(made[:2_000], tensor + 1)

    def test_reads_as_a_list_where_it_is_small(self):
        assert json.loads(docstore.dumps(torch.tensor([[1.5, 2.0]], dtype=torch.bfloat16, requires_grad=True))) == {
            "__type": "torch.Tensor",
            "data": [1.5, 2.0],
            "dtype": "bfloat16",
            "requires_grad": True,
            "shape": [1, 2],
        }

    def test_stands_in_an_object_whose_constructor_keeps_it(self, forgotten):
        @docstore.register
        class Model:
            def __init__(self, weights: Any) -> None:
                self.weights = weights

        model = Model(torch.ones(3))

        assert identity(again(model)) == identity(model)

    def test_is_replaced_by_what_another_person_saved(self, store, forgotten):
        @docstore.document(kind="model")
        class Model:
            def __init__(self, name: str, weights: Any, notes: list[str]) -> None:
                self.name, self.weights, self.notes = name, weights, notes

        mine = Model("m", torch.zeros(2), [])
        store.save(mine)
        yours = store.load("m", kind="model")
        yours.weights += 1
        store.save(yours)
        mine.notes.append("x")

        store.save(mine)

        assert_same(mine.weights, torch.ones(2))


class TestOtherValues:
    @pytest.mark.parametrize(
        "value",
        [
            torch.Size([]),
            torch.Size([2, 3]),
            torch.float32,
            torch.bfloat16,
            torch.bool,
            torch.device("cpu"),
            torch.device("cuda", 1),
            torch.device("cuda"),
        ],
        ids=repr,
    )
    def test_come_back(self, value):
        made = again({"value": value})["value"]

        assert type(made) is type(value)
        assert made == value
        assert identity(made) == identity(value)


class TestATensorThatIsMoreThanItsItems:
    @pytest.mark.parametrize(
        ("make", "remedy"),
        [
            (lambda: torch.ones(2, requires_grad=True) * 2, "Write .detach()"),
            (lambda: torch.nn.Parameter(torch.ones(2)), "Write .detach()"),
            (lambda: torch.eye(2).to_sparse(), "Write .to_dense()"),
            (lambda: torch.ones(2, device="meta"), "Write .cpu()"),
        ],
        ids=["computed", "a parameter", "sparse", "on another device"],
    )
    def test_is_refused_with_the_remedy(self, make, remedy):
        with pytest.raises(EncodeError) as raised:
            docstore.dumps({"weights": [make()]})

        assert raised.value.pointer == "/weights/0"
        assert remedy in str(raised.value)

    def test_is_refused_with_its_gradient(self):
        tensor = torch.ones(2, requires_grad=True)
        tensor.sum().backward()

        with pytest.raises(EncodeError, match="has a gradient would lose it"):
            docstore.dumps(tensor)

    def test_is_refused_with_attributes_of_its_own(self):
        tensor = torch.ones(2)
        tensor.label = "x"

        with pytest.raises(EncodeError, match="attributes of its own would lose them"):
            docstore.dumps(tensor)


class TestADocumentThatDocstoreDidNotWrite:
    @pytest.mark.parametrize(
        "members",
        [
            {"dtype": "float32", "shape": [2], "data": [1.0]},
            {"dtype": "float32", "shape": [1], "data": [0.1]},
            {"dtype": "float32", "shape": [1], "data": [1]},
            {"dtype": "int8", "shape": [1], "data": [300]},
            {"dtype": "int8", "shape": [1], "data": [True]},
            {"dtype": "complex64", "shape": [1], "data": [1.0]},
            {"dtype": "float32", "shape": [1], "base64": "AAA="},
            {"dtype": "float32", "shape": [1], "base64": "?"},
            {"dtype": "qint8", "shape": [1], "base64": "AA=="},
            {"dtype": "nn", "shape": [0], "base64": ""},
            {"dtype": "float32", "shape": [-1], "data": [1.0]},
            {"dtype": "float32", "shape": [1] * 65, "data": [1.0]},
            {"dtype": "int8", "shape": [1], "data": [1], "requires_grad": True},
        ],
        ids=repr,
    )
    def test_is_refused(self, members):
        with pytest.raises(DecodeError):
            docstore.loads(json.dumps({"__type": "torch.Tensor", **members}))

    def test_names_the_item(self):
        with pytest.raises(DecodeError) as raised:
            docstore.loads(b'[{"__type":"torch.Tensor","dtype":"int8","shape":[2],"data":[1,true]}]')

        assert raised.value.pointer == "/0/data/1"

    @pytest.mark.parametrize(
        "value",
        [
            {"__type": "torch.device", "type": "cpu:0"},
            {"__type": "torch.device", "type": "nowhere"},
            {"__type": "torch.device", "type": "cuda", "index": -7},
            {"__type": "torch.dtype", "name": "load"},
            {"__type": "torch.Size", "sizes": [1.5]},
        ],
        ids=repr,
    )
    def test_is_refused_for_the_other_values(self, value):
        with pytest.raises(DecodeError):
            docstore.loads(json.dumps(value))


class TestWhatWasOnceWritten:
    """The texts of the first release that wrote them: they have to load for good."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (
                b'{"__type":"torch.Tensor","data":[1.5,{"__type":"float","value":"-0.0"}],"dtype":"bfloat16","shape":[1,2]}',
                torch.tensor([[1.5, -0.0]], dtype=torch.bfloat16),
            ),
            (
                b'{"__type":"torch.Tensor","base64":"AACAPwAAAEA=","dtype":"complex64","requires_grad":true,"shape":[]}',
                torch.tensor(1 + 2j, dtype=torch.complex64, requires_grad=True),
            ),
            (b'{"__type":"torch.Size","sizes":[2,3]}', torch.Size([2, 3])),
            (b'{"__type":"torch.dtype","name":"bfloat16"}', torch.bfloat16),
            (b'{"__type":"torch.device","index":1,"type":"cuda"}', torch.device("cuda", 1)),
        ],
    )
    def test_loads_and_is_written_so_today(self, text, value):
        assert identity(docstore.loads(text)) == identity(value)
        assert docstore.dumps(value) == text


class TestTheLibraryIsOptional:
    def test_a_document_without_its_values_does_not_import_it(self):
        program = (
            "import sys, docstore; docstore.loads(docstore.dumps([1.5])); "
            "docstore.loads(b'{\"__type\":\"torch.load\"}', unknown='keep'); print('torch' in sys.modules)"
        )

        assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
