"""Which row of a table means which photo."""

from __future__ import annotations

import unicodedata

import pytest

from geoloc.photo_name import NameMatches, match_names


def matches(entries: list[str], photos: list[str], *, strict: bool = False) -> NameMatches:
    return match_names(entries, [(photo,) for photo in photos], strict=strict)


@pytest.mark.parametrize(
    ("entries", "photos", "expected"),
    [
        (["1.jpg"], ["/a/1.jpg"], {0: 0}),
        (["1"], ["/a/1.JPG"], {0: 0}),
        (["a/1.jpg", "b/1.jpg"], ["/s/b/1.jpg", "/s/a/1.jpg"], {0: 1, 1: 0}),
        # A row that names its folder is taken by the photo there and by no other.
        (["100MEDIA/1.jpg"], ["/s/100MEDIA/1.jpg", "/s/101MEDIA/1.jpg"], {0: 0}),
        (["a/1.jpg"], ["/s/b/1.jpg", "/s/a/1.jpg"], {1: 0}),
        # One of another machine has an end in common.
        (["D:\\f\\a\\1.jpg", "D:\\f\\b\\1.jpg"], ["/s/a/1.jpg", "/s/b/1.jpg"], {0: 0, 1: 1}),
        # What is left goes to whom it fits.
        (["a/1.jpg", "1.jpg"], ["/s/a/1.jpg", "/s/b/1.jpg"], {0: 0, 1: 1}),
        (["a/1.jpg", "1.jpg"], ["/s/a/1.jpg"], {0: 0}),
        # Two files of one exposure.
        (["1"], ["/a/1.jpg", "/a/1.tif"], {0: 0, 1: 0}),
        (["1.jpg"], ["/a/1.jpg", "/a/1.tif"], {0: 0, 1: 0}),
        (["1.jpg", "1.tif"], ["/a/1.jpg", "/a/1.tif"], {0: 0, 1: 1}),
        # Camera folders that differ are different photos, whatever else there is.
        (["100MEDIA/1.jpg"], ["/s/101MEDIA/1.jpg"], {}),
        (["x/100MEDIA/1.jpg"], ["/y/100MEDIA/1.jpg"], {0: 0}),
        ([unicodedata.normalize("NFD", "Mühle.jpg")], ["/a/Mühle.jpg"], {0: 0}),
        (["1.jpg"], ["/a/11.jpg", "/a/1.raw"], {}),
    ],
)
def test_the_longest_common_end_decides(entries, photos, expected):
    found = matches(entries, photos)
    assert dict(found.entry_of) == expected
    assert (found.contested, found.undecided) == ((), ())


def test_a_row_that_fits_two_photos_means_neither_and_is_told():
    found = matches(["1.jpg", "2.jpg"], ["/s/a/1.jpg", "/s/b/1.jpg", "/s/a/2.jpg"])
    assert dict(found.entry_of) == {2: 1}
    assert found.contested == ((0, (0, 1)),)


def test_a_photo_that_two_rows_fit_has_neither_and_is_told():
    found = matches(["a/1.jpg", "b/1.jpg"], ["/s/c/1.jpg"])
    assert dict(found.entry_of) == {}
    assert found.undecided == ((0, (0, 1)),)


def test_a_match_against_the_folders_is_told_or_left_out():
    assert matches(["x/1.jpg"], ["/s/a/1.jpg"]).by_name_alone == (0,)
    assert matches(["1.jpg"], ["/s/a/1.jpg"]).by_name_alone == ()
    assert dict(matches(["x/1.jpg"], ["/s/a/1.jpg"], strict=True).entry_of) == {}
    assert dict(matches(["x/a/1.jpg"], ["/s/a/1.jpg"], strict=True).entry_of) == {0: 0}


def test_a_photo_is_known_by_all_its_paths():
    assert dict(match_names(["link.jpg"], [("/s/link.jpg", "/store/7f.jpg")]).entry_of) == {0: 0}
    assert dict(match_names(["7f.jpg"], [("/s/link.jpg", "/store/7f.jpg")]).entry_of) == {0: 0}


def test_the_order_of_photos_and_rows_does_not_matter():
    entries, photos = ["a/1.jpg", "1.jpg", "b/2"], ["/s/a/1.jpg", "/s/b/1.jpg", "/s/b/2.png"]
    found = matches(entries[::-1], photos[::-1]).entry_of
    assert {2 - photo: 2 - entry for photo, entry in found.items()} == {0: 0, 1: 1, 2: 2}


def test_strictly_an_entry_means_one_file_of_an_exposure():
    photos = ["/a/1.tif", "/a/1.jpg"]
    assert dict(matches(["1.jpg"], photos, strict=True).entry_of) == {1: 0}
    assert matches(["1"], photos, strict=True).contested == ((0, (0, 1)),)
