"""CSV tables as people and spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.csv_table import CsvTable, TableError, is_blank, parse_number, read_rows, read_table
from tests.fixtures.csv_tables import SPREADSHEET_ENCODINGS, save_as_spreadsheet


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_rows_are_cells_by_column_with_their_line(tmp_path: Path) -> None:
    path = write(tmp_path, "Photo , lon\n a.jpg,13.5\n\n,,\nb.jpg\n")
    assert read_table(path) == CsvTable(
        ("photo", "lon"),
        ((2, {"photo": "a.jpg", "lon": "13.5"}), (5, {"photo": "b.jpg", "lon": ""})),
    )


@pytest.mark.parametrize("encoding", SPREADSHEET_ENCODINGS)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_table_saved_by_a_spreadsheet_says_the_same(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = write(tmp_path, "photo,lon,Höhe\nMühle.jpg,13.5,-0.25\n")
    save_as_spreadsheet(path, encoding=encoding, delimiter=delimiter)
    table = read_table(path)
    assert table.columns == ("photo", "lon", "höhe")
    ((line, cells),) = table.rows
    assert (line, cells["photo"]) == (2, "Mühle.jpg")
    assert [parse_number(cells[name]) for name in ("lon", "höhe")] == [13.5, -0.25]
    assert read_rows(path)[1] == ["Mühle.jpg", "13,5", "-0,25"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(tmp_path: Path, end: str) -> None:
    path = write(tmp_path, f'photo;lon{end}"a;b.jpg";1{end}')
    assert read_table(path).rows == ((2, {"photo": "a;b.jpg", "lon": "1"}),)


def test_commas_inside_a_line_of_decimal_commas_do_not_separate_cells(tmp_path: Path) -> None:
    path = write(tmp_path, "40,1;-75,2;40,3;-75,4\n")
    assert [parse_number(cell) for cell in read_rows(path)[0]] == [40.1, -75.2, 40.3, -75.4]


def test_rows_without_names_are_split_as_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "a b;c\n\nd e\n")
    assert read_rows(path, delimiter=" ") == [["a", "b;c"], ["d", "e"]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("photo,lon,lat\na.jpg,13,5,52,5\n", "line 2 has 5 cells for 3 columns"),
        ('photo\n"' + "a" * 200_000 + '"\n', "no readable CSV"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(
    tmp_path: Path, content: str, reason: str
) -> None:
    with pytest.raises(TableError, match=reason):
        read_table(write(tmp_path, content))


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "")) == CsvTable((), ())


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.csv", tmp_path):
        with pytest.raises(TableError):
            read_table(path)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_exactly_with_either_mark(value: float) -> None:
    assert parse_number(repr(value)) == value
    assert parse_number(repr(value).replace(".", ",")) == value


@pytest.mark.parametrize("cell", ["", "x", "1.234,5", "1 000", "nan", "inf", "1e999", "1/2", "5 m"])
def test_what_is_no_number_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        parse_number(cell)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "sep=;;", "sep=;\r", ""])
def test_the_first_line_of_excel_names_the_delimiter(
    tmp_path: Path, first: str, encoding: str
) -> None:
    content = f"{first}\nphoto;lon\na,b,c,d.jpg;13,5\n"
    table = read_table(write(tmp_path, content.encode(encoding)))
    assert table.columns == ("photo", "lon")
    assert table.rows == ((3, {"photo": "a,b,c,d.jpg", "lon": "13,5"}),)
    assert read_rows(tmp_path / "table.csv")[1:] == [["a,b,c,d.jpg", "13,5"]]


def test_any_delimiter_may_be_named(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "sep=|\nphoto|lon\na.jpg|1;5\n"))
    assert table.rows == ((3, {"photo": "a.jpg", "lon": "1;5"}),)


def test_a_column_that_is_called_sep_is_one(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "sep,photo\n1,a.jpg\n")).columns == ("sep", "photo")


@pytest.mark.parametrize(
    "content",
    [
        "\n\n;;\nphoto;lon\na.jpg;1,5\n",  # empty lines before the names
        "photo;lon;\na.jpg;1,5;;;\n",  # delimiters at the end
        '"photo";"lon"\r"a.jpg";"1,5"\r',
        '"photo";"lon";"a, b, c, d"\na.jpg;1,5;\n',
        " Photo ;\xa0LON \na.jpg ; 1,5\n",
        "photo;lon\n\na.jpg;1,5\n;\n",
    ],
)
def test_what_spreadsheets_leave_around_a_table_does_no_harm(tmp_path: Path, content: str) -> None:
    ((_, cells),) = read_table(write(tmp_path, content)).rows
    assert (cells["photo"], parse_number(cells["lon"])) == ("a.jpg", 1.5)


def test_columns_of_one_name_are_told(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "photo,lon,Lon,x,x\n"))
    assert table.repeated(["photo", "lon", "lat"]) == "lon"
    assert table.repeated(["photo", "lat"]) is None


@pytest.mark.parametrize("cell", ["", " ", "NaN", "N/A", "#N/A", "null", "-", "inf", "-Inf"])
def test_cells_state_nothing_in_many_words(cell: str) -> None:
    assert is_blank(cell)


@pytest.mark.parametrize("cell", ["0", "a", "-1", "north"])
def test_other_cells_state_something(cell: str) -> None:
    assert not is_blank(cell)
