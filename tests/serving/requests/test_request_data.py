"""What people have becomes one request, however they write it; what cannot be sent is one line that says where."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tables import WRITTEN, Held, as_csv, read_back, request_from, strict, tables

from eksprov import errors
from eksprov.serving.requests.expected import Expected
from eksprov.serving.requests.invoke import read_data
from eksprov.serving.requests.shaping import left_out, request_of


def columns(*named: tuple[str, str]) -> dict[str, Any]:
    """A model that names its columns."""
    return {"inputs": [{"name": name, "datatype": datatype, "shape": [-1, 1]} for name, datatype in named]}


def tensor(width: int, datatype: str = "FP64") -> dict[str, Any]:
    """A model that takes rows of numbers."""
    return {"inputs": [{"name": "x", "datatype": datatype, "shape": [-1, width]}]}


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type, -0.0 and 0.0 apart."""
    return json.dumps(left) == json.dumps(right)


@pytest.mark.parametrize("way", WRITTEN)
@settings(max_examples=40)  # for each way
@given(held=tables())
def test_a_table_is_sent_whole_however_it_is_written(way: str, held: Held) -> None:
    request = request_from(WRITTEN[way](held))
    back = read_back(strict(json.dumps(request, allow_nan=False)))
    assert back.names == held.names
    assert same(back.rows, held.rows)


@given(held=tables(kinds=("whole", "fraction")), described=st.booleans())
def test_numbers_in_rows_without_names_are_one_tensor(held: Held, described: bool) -> None:
    width = len(held.names)
    (sent,) = request_from(json.dumps(held.rows), described=tensor(width) if described else None)["inputs"]
    assert sent["shape"] == [len(held.rows), width]
    assert same(sent["data"], [cell for row in held.rows for cell in row])
    whole = all(type(cell) is int for cell in sent["data"])
    assert sent["datatype"] == ("INT64" if whole and not described else "FP64")
    assert sent["name"] == ("x" if described else "input-0")


# A separator in a name may be taken for one that ends it, and a line of numbers for the first row.
PLAIN = st.text("abcé\"'._7 ", min_size=1, max_size=6).filter(lambda name: name == name.strip() and not name.isdigit())


@given(held=tables(kinds=("whole", "fraction", "truth"), names=PLAIN), delimiter=st.sampled_from(",;\t"))
def test_a_csv_is_read_as_the_same_table_in_json(held: Held, delimiter: str) -> None:
    if len(held.names) == 1:
        held = Held((*held.names, "and one more"), tuple((*row, 1) for row in held.rows))  # else null is an empty line
    request = request_of(read_data(as_csv(held, delimiter), csv=True), Expected())
    assert same(request, request_from(json.dumps([dict(zip(held.names, row, strict=True)) for row in held.rows])))


@given(held=tables(), data=st.data())
def test_what_the_model_names_orders_the_columns(held: Held, data: st.DataObject) -> None:
    if len(held.names) == 1:
        return
    order = data.draw(st.permutations(held.names))
    described = columns(*((name, "FP64") for name in order))
    sent = read_back(request_from(WRITTEN["records"](held), described=described))
    assert sent.names == tuple(order)
    for index, name in enumerate(order):
        assert same(sent.column(index), held.column(held.names.index(name)))
    # Rows without names are in the model's order.
    bare = read_back(request_from(json.dumps(sent.rows), described=described))
    assert same([bare.names, bare.rows], [sent.names, sent.rows])


def test_columns_that_the_model_does_not_take_are_left_out_and_named() -> None:
    expected = Expected.of(columns(("b", "FP64"), ("a", "FP64")))
    given = read_data("id,a,label,b\n7,1,yes,2\n")
    assert read_back(request_of(given, expected)) == Held(("b", "a"), ((2, 1),))
    assert left_out(given, expected) == "left out, for the model does not take it: 'id', 'label'"
    for taken in ('{"a": 1, "b": 2}', "[[1, 2]]", "[1, 2]"):
        assert left_out(read_data(taken), expected) == ""
    assert left_out(given, Expected()) == ""


@pytest.mark.parametrize(
    ("text", "described", "words"),
    [
        ('{"a": 1, "c": 2}', columns(("a", "FP64"), ("b", "FP64")), "lacks 'b', and has 'c', which the model does not"),
        ('{"a": 1}', columns(("a", "FP64"), ("b", "FP64")), "lacks 'b'"),
        ("[[1]]", columns(("a", "FP64"), ("b", "FP64")), "has 1 value in a row, and the model takes 2"),
        ("a,c\n1,2", columns(("a", "FP64"), ("b", "FP64")), "lacks 'b', and has 'c'"),
        ("[[1, 2, 3]]", tensor(4), "has 3 values in a row, and the model takes 4"),
        ("[1, 2, 3]", tensor(4), "has 3 values in a row, and the model takes 4"),
        ('{"a": 1}', tensor(4), "has 1 columns, and the model takes 4"),
    ],
)
def test_what_does_not_fit_the_model_is_named_before_anything_is_sent(text: str, described: Any, words: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        request_from(text, "r.json", described)
    assert caught.value.message.startswith("r.json ")
    assert words in caught.value.message
    assert "takes" in caught.value.hint or "columns are" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "described", "shape", "datatype", "data"),
    [
        ("[1, 2]", tensor(2), [1, 2], "FP64", [1, 2]),
        ("[1, 2]", tensor(1), [2, 1], "FP64", [1, 2]),
        ("[1]", tensor(1), [1, 1], "FP64", [1]),
        ("[1, 2]", None, [2], "INT64", [1, 2]),
        ('{"q": 1, "r": null}', tensor(2), [1, 2], "FP64", [1, None]),
        ("q,r\n1,2.5\n3,", tensor(2), [2, 2], "FP64", [1, 2.5, 3, None]),
        ("[[1]]", tensor(1, "FP32"), [1, 1], "FP32", [1]),
        ("[[16777217]]", tensor(1, "FP32"), [1, 1], "INT64", [16777217]),
        ("[[200]]", tensor(1, "UINT8"), [1, 1], "UINT8", [200]),
        ("[[300]]", tensor(1, "UINT8"), [1, 1], "INT64", [300]),
        ("[[18446744073709551615]]", None, [1, 1], "UINT64", [18446744073709551615]),
        ('["a", "b"]', {"inputs": [{"name": "t", "datatype": "BYTES", "shape": [-1]}]}, [2], "BYTES", ["a", "b"]),
        ("[[[1, 2]], [[3, 4]]]", None, [2, 1, 2], "INT64", [1, 2, 3, 4]),
        ("[[[1, null]]]", None, [1, 1, 2], "FP64", [1, None]),
        ("[[true], [false]]", None, [2, 1], "BOOL", [True, False]),
    ],
)
def test_one_tensor_has_the_shape_and_datatype_that_the_model_takes(
    text: str, described: Any, shape: list[int], datatype: str, data: list[Any]
) -> None:
    (sent,) = request_from(text, described=described)["inputs"]
    assert (sent["shape"], sent["datatype"], sent["data"]) == (shape, datatype, data)


@pytest.mark.parametrize(
    ("csv", "declared", "datatype", "data"),
    [
        ("1\n2", "", "INT64", [1, 2]),
        ("1\n2", "FP64", "FP64", [1, 2]),
        ("1\n2", "BYTES", "BYTES", ["1", "2"]),
        ("1\nNA\n2.5", "", "FP64", [1, None, 2.5]),
        ("007\n8", "", "BYTES", ["007", "8"]),
        ("true\nFALSE", "", "BOOL", [True, False]),
        ("NA\nBern", "", "BYTES", ["NA", "Bern"]),
        ("nan\nnull", "", "FP64", [None, None]),
        ('"a,b"\n"say ""x"""', "", "BYTES", ["a,b", 'say "x"']),
        ("1e3\n.5", "", "FP64", [1000.0, 0.5]),
        ("inf\nBern", "", "BYTES", ["inf", "Bern"]),
    ],
)
def test_a_column_of_a_csv_is_what_all_its_cells_are(csv: str, declared: str, datatype: str, data: list[Any]) -> None:
    rows = "".join(f"{line},z\n" for line in csv.splitlines())
    described = columns(("v", declared), ("w", "BYTES")) if declared else None
    sent = request_from(f"v,w\n{rows}", described=described)["inputs"][0]
    assert (sent["datatype"], sent["data"]) == (datatype, data)


@pytest.mark.parametrize(
    ("text", "described", "names"),
    [
        ('[["a", null]]', None, ["0", "1"]),  # one tensor would read the null as a text
        ('[[1, "a"]]', None, ["0", "1"]),
        ("[[1, true]]", tensor(2), ["0", "1"]),
        ('{"q": 1, "r": "a"}', tensor(2), ["q", "r"]),
        ('{"text": "a"}', {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1, 1]}]}, ["text"]),
    ],
)
def test_rows_that_one_tensor_cannot_hold_are_columns(text: str, described: Any, names: list[str]) -> None:
    assert read_back(request_from(text, described=described)).names == tuple(names)


def test_truth_values_with_nulls_are_not_read_as_false() -> None:
    (sent,) = request_from('[{"vip": true}, {"vip": null}]')["inputs"]
    assert (sent["datatype"], sent["data"]) == ("BYTES", ["true", "null"])
    assert sent["parameters"] == {"content_type": "pd_json"}


NOT_SENT = {
    '[{"age": 1}, {"age": NaN}]': "row 2, column 'age': NaN is no JSON",
    '{"age": -Infinity}': "row 1, column 'age': a number beyond FP64, or Infinity, is no JSON",
    '{"age": 1e999}': "row 1, column 'age': a number beyond FP64",
    '{"age": [1, 2], "city": [1]}': "column 'city' has 1 value, column 'age' 2",
    '{"age": {"0": 1}, "city": {"1": 1}}': "column 'city' has other rows",
    '[{"age": 1, "city": 2}, {"age": 1}]': "row 2 has no column 'city'",
    '[{"age": 1}, {"age": 1, "city": 2}]': "row 2 has a column 'city', which row 1 has not",
    '[{"age": 1, "age": 2}]': "row 1 has the column 'age' twice",
    '{"age": [1], "age": [2]}': "has the column 'age' twice",
    '{"columns": ["a", "a"], "data": [[1, 2]]}': "columns 1 and 2 are both named 'a'",
    '{"columns": [0, "0"], "data": [[1, 2]]}': "columns 1 and 2 are both named '0'",
    '{"columns": ["a", null], "data": [[1, 2]]}': "column 2 has no name",
    '{"columns": ["a", ["b"]], "data": [[1, 2]]}': "column 2 is named by a list",
    '{"columns": ["a", 1.5], "data": [[1, 2]]}': "column 2 is named by a number",
    '{"columns": ["a"], "data": [[1], [1, 2]]}': "row 2 has 2 values, and the table has 1 column",
    '{"columns": ["a"], "data": [1]}': "row 1 is a number, not a list",
    '{"columns": ["a"], "data": []}': "has no rows",
    '{"columns": [], "data": [[]]}': "has no columns",
    '{"columns": ["a"], "data": [[1]], "extra": 1}': "extra beside `columns` and `data` would not be sent",
    '{"instances": [[1]], "params": {}}': "params beside `instances` would not be sent",
    '{"instances": []}': "is an empty list",
    "[[1, 2], [3]]": "row 2 has 1 value, and row 1 has 2",
    "[[[1], [2]], [[3]]]": "the list at value 2 is not as long as those before it",
    "[[[1], [2]], [[3], [4, 5]]]": "the list at place 2, 2 is not as long as those before it",
    "[[1], 2]": "row 1 is a list, row 2 a number",
    '[{"a": 1}, [2]]': "row 1 is an object, row 2 a list",
    '{"a": 1, "b": [1]}': "row 1, column 'b': a list; a cell holds one value",
    '[[1, {"b": 1}]]': "row 1, column 2: an object; a cell holds one value",
    '[{"a": 18446744073709551616}]': "row 1, column 'a': 18446744073709551616 is too large for INT64",
    "[[1, 2], [3, -9223372036854775809]]": "row 2, column 2: -9223372036854775809 is too large for INT64",
    '[{"a": 9007199254740993}, {"a": 0.5}]': "row 1, column 'a': 9007199254740993 beside fractions or nulls",
    '[{"a": 9007199254740993}, {"a": null}]': "row 1, column 'a': 9007199254740993 beside fractions or nulls",
    '[{"a": "x"}, {"a": 18446744073709551616}]': "row 2, column 'a': 18446744073709551616 is too large",
    f'{{"a": {"9" * 5000}}}': "a whole number of thousands of digits",
    f'[{{"a": {"9" * 400}}}, {{"a": 0.5}}]': "row 1, column 'a': a number of 400 digits",
    '[{"a": "\\ud800"}]': "row 1, column 'a': half of a surrogate pair is no text",
    '{"\\ud800": 1}': "the name of column 1: half of a surrogate pair",
    '[1, "a"]': "mixes numbers and texts",
    '[[["a", 1]]]': "mixes numbers and texts",
    "[null, null]": "holds nothing but nulls",
    '["a", null]': "mixes nulls and texts",
    '[[["a", null]]]': "mixes nulls and texts",
    "[true, null]": "mixes nulls and truth values",
    "[1, Infinity]": "value 2: a number beyond FP64, or Infinity",
    "[[[1, NaN]]]": "place 1, 1, 2: NaN is no JSON",
    "[]": "is an empty list",
    "{}": "is an empty object",
    "[[]]": "has no columns",
    "[[[]]]": "holds no values",
    "5": "is one number, no data",
    '"text"': "is one text, no data",
    "{'a': 1}": "is no JSON",
    "": "neither JSON nor CSV",
    "word": "neither JSON nor CSV",
    "[" * 100_000: "is nested too deeply",
    '{"inputs":' * 900 + "[]" + "}" * 900: "is an empty list",
    '{"inputs": [{"name": "x", "shape": [2], "data": [1, NaN]}]}': "inputs[0].data[1]: NaN is no JSON",
    '{"inputs": [{"name": "x", "data": [1]}, {"name": "x", "data": [1]}]}': "has 2 inputs named 'x'",
    '{"inputs": [{"name": "x", "name": "y", "data": [1]}]}': "inputs[0] has 'name' twice",
    '{"inputs": []}': "`inputs` is empty",
    "1,2,3\n3,4,5": "the first line holds numbers, no names of columns",
    "0,1\n3,4": "the first line holds numbers, no names of columns",
    "a,b\n1": "row 1 has 1 value, and there are 2 columns",
    "a,b\n1,2\n1,2,3": "row 2 has 3 values, and there are 2 columns",
    "a,a\n1,2": "columns 1 and 2 are both named 'a'",
    ",a\n0,1": "column 1 has no name",
    "a,b\n": "has no rows",
    'a,b\n"1,2\n': "is no CSV",
    "a,b\n1,inf\n1,2": "row 1, column 'b': inf is beyond FP64, and Infinity is no JSON",
    "a,b\n1,NaN\n1,-Infinity": "row 2, column 'b': -Infinity is beyond FP64",
    "a,b\n1,2\n1,1e999": "row 2, column 'b': 1e999 is beyond FP64",
}


@pytest.mark.parametrize("text", NOT_SENT, ids=range(len(NOT_SENT)))
def test_what_cannot_be_sent_is_one_line_that_says_where(text: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        request_of(read_data(text, "data.x", csv=True if text == "a,b\n" else None), Expected())
    assert caught.value.message.startswith("data.x")
    assert NOT_SENT[text] in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300
    assert caught.value.exit_code == 2


@given(st.text(max_size=60) | st.text('[]{}",:0123456789.eE-naN \n;', max_size=60))
def test_any_text_is_a_request_or_one_usage_error(text: str) -> None:
    with contextlib.suppress(errors.UsageError):
        strict(json.dumps(request_from(text), allow_nan=False))


def test_a_request_of_the_protocol_is_sent_as_it_is() -> None:
    request = {
        "id": "mine",
        "parameters": {"content_type": "np"},
        "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [[1, 2.5]], "parameters": {"a": None}}],
        "outputs": [{"name": "predict_proba"}],
    }
    for described in (None, tensor(7), columns(("a", "FP64"), ("b", "FP64"))):
        assert request_from(json.dumps(request), described=described) == request


@pytest.mark.parametrize("described", [None, 5, [], {"inputs": {}}, {"inputs": [5]}, {"inputs": [{"name": 5}]}])
def test_a_description_of_no_use_leaves_the_data_as_it_is(described: Any) -> None:
    assert request_from('{"a": 1}', described=described) == request_from('{"a": 1}')


def test_many_rows_and_columns_are_read_in_time_that_grows_with_them() -> None:
    names = [f"c{n}" for n in range(2000)]
    text = json.dumps({"columns": names, "data": [[math.pi] * 2000] * 20})
    assert len(request_from(text)["inputs"]) == 2000
