from pathlib import Path

import numpy as np
import pytest

from mulligan.data.dataset import Dataset, Split
from mulligan.data.opening import open_dataset
from mulligan.errors import DataError
from mulligan.marks import Mark, write_csv
from mulligan.recipe import Data


def table(folder: Path, content: str | bytes) -> Dataset:
    path = folder / "points.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_dataset(Data(source=str(path)))


def rows(dataset: Dataset) -> list[list[float]]:
    assert isinstance(dataset.train, Split)
    assert dataset.train.target.dtype == np.float32
    return dataset.train.target.tolist()


@pytest.mark.parametrize(
    "content",
    [
        "x,y\n1,2\n3.5,-4e1\n",
        "\ufeffx,y\r\n1,2\r\n3.5,-4e1",  # as spreadsheets save it
        "# made by hand\n\nx , y\n 1 , 2 \n\n3.5,-40\n\n",
        '"x","y"\n"1","2"\n"3.5","-40"\n',
    ],
)
def test_columns_of_numbers_are_points(tmp_path: Path, content: str) -> None:
    dataset = table(tmp_path, content)
    assert rows(dataset) == [[1, 2], [3.5, -40]]
    assert dataset.data.columns == ("x", "y")
    assert (dataset.data.kind, dataset.data.shape, dataset.data.count) == ("points", (2,), 2)
    assert dataset.test is None


def test_names_are_not_needed(tmp_path: Path) -> None:
    dataset = table(tmp_path, "1,2,3\n4,5,6\n")
    assert rows(dataset) == [[1, 2, 3], [4, 5, 6]]
    assert dataset.data.columns == ("x1", "x2", "x3")


def test_one_column_and_unnamed_columns(tmp_path: Path) -> None:
    assert table(tmp_path, "x\n1\n2\n").data.shape == (1,)
    assert table(tmp_path, ",y\n1,2\n").data.columns == ("x1", "y")


def test_a_tenth_of_many_rows_is_held_out_always_the_same(tmp_path: Path) -> None:
    numbers = np.arange(2000).reshape(1000, 2)
    content = "\n".join(f"{x},{y}" for x, y in numbers)
    first, again = table(tmp_path, content), table(tmp_path, content)
    assert isinstance(first.test, Split)
    assert 60 < len(first.test.target) < 140
    assert first.data == again.data
    kept = {tuple(row) for row in rows(first)}
    assert kept.isdisjoint(tuple(row) for row in first.test.target.tolist())
    longer = table(tmp_path, f"{content}\n7,7\n")
    assert kept <= {tuple(row) for row in rows(longer)}  # what was trained on does not become test data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x;y\n1;2\n", "row 1 has one column with semicolons in it"),
        ("x\ty\n1\t2\n", "row 1 has one column with tabs in it"),
        ("1;2\n3;4\n", "row 1 has one column with semicolons in it"),
        ("x,price\n1,2\n3,cheap\n", "row 3, column 2 (price): 'cheap' is no number"),
        ("x,y\n1,2\n=1+1,2\n", "row 3, column 1 (x): '=1+1' is no number"),
        ("x,y\n1,1_000\n", "row 2, column 2 (y): '1_000' is no number"),
        ("x,y\n1,2\ninf,3\n", "row 3, column 1 (x): inf is not finite, or too large"),
        ("x,y\n1,2\n3,NaN\n", "row 3, column 2 (y): NaN is not finite, or too large"),
        ("x,y\n1,1e39\n", "row 2, column 2 (y): 1e39 is not finite, or too large"),
        ("x,y,z\n1,,3\n4,,6\n", "column 2 (y) is empty in every row"),
        ("x,y\n1,2\n3,\n", "row 3, column 2 (y) is empty, one of 1 empty cells"),
        ("x,y,x\n1,2,3\n", "row 1, columns 1 and 3 are both named x"),
        ("x,y\n1,2\n3,4,5\n", "row 3 has 3 cells, and 2 were expected"),
        ("x,y\n", "names of columns and no rows"),
        ("", "is empty"),
        ('x,y\n1,"2\n', "row 2 cannot be read"),
        ("x,y\n1,2\n".encode("utf-16"), "is not text in UTF-8 (byte 0)"),
        (b"x,y\n1,\xff\n", "is not text in UTF-8 (byte 6)"),
        ("x,y\n1,2\n\x00,3\n", "row 3, column 1 (x): '\\\\x00' is no number"),
        (",".join(["1"] * 5000), "has 5000 columns"),
        ("x\n" + "1" * 200_000, "row 2 cannot be read"),
    ],
)
def test_f31_what_is_no_table_of_numbers_is_told_with_row_and_column(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        table(tmp_path, content)
    assert message in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3


def test_f22_a_constant_column_and_a_single_row_are_fine(tmp_path: Path) -> None:
    assert rows(table(tmp_path, "x,y\n1,2\n")) == [[1, 2]]
    assert rows(table(tmp_path, "x,y\n1,2\n1,3\n")) == [[1, 2], [1, 3]]


def test_f44_what_was_written_as_a_marked_table_is_read_back(tmp_path: Path) -> None:
    written = np.array([[0.1, -2.5e-8], [3e20, 4]], np.float32)
    path = tmp_path / "points.csv"
    write_csv(['a "quoted", name', "b"], written, path, Mark(seed=3))
    dataset = open_dataset(Data(source=str(path)))
    assert isinstance(dataset.train, Split)
    assert np.array_equal(dataset.train.target, written)
    assert dataset.data.columns == ('a "quoted", name', "b")
