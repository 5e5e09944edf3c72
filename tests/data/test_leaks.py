import pandas as pd

from truthpixel_utils import data


def test_a_source_is_what_the_data_name_or_else_the_samples_photograph():
    ids = ["a/x.jpg", "train/REAL/coffee_0012.jpg", "train/FAKE/coffee_0012_vae.jpg"]
    ids += ["all/REAL/dsc_0012.jpg", "test/REAL/0001 (10).jpg"]
    rows = pd.DataFrame({"id": ids, "source": ["wedding", None, None, None, None]})
    found = data.source_of(rows)
    assert found[:3].to_list() == ["wedding", "coffee", "coffee"]
    assert found[3:].isna().all()


def test_sources_of_rows_and_of_a_table_are_the_same(pictures):
    rows = data.load_splits(pictures)["train"]
    found = data.source_of(rows)
    assert found.to_list() == rows["source"][:]
    assert found.equals(data.source_of(rows.select_columns(["id", "source"]).to_pandas()))


def test_the_photographs_of_the_sample_lie_in_one_split_each():
    splits = data.load_splits("sample")
    photographs = [set(data.source_of(part)) for part in splits.values()]
    assert [len(names) for names in photographs] == [40, 10, 10]
    assert len(set().union(*photographs)) == 60
