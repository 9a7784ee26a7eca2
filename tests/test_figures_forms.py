"""The figure of the value filter: what is drawn is what the filter decides, and the words say the same."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn import by_label, drawn_twice

from pitfalls.figures import forms
from pitfalls.language.corpus import Corpus, Sentence, Word
from pitfalls.language.values import form_counts, kept_values

# Forms and words of each value in each split: PAUC has many words, DU too few forms in dev alone, TRI none in test.
FORMS = {
    "train": {"SG": 9, "PL": 6, "DU": 7, "PAUC": 1, "TRI": 5},
    "dev": {"SG": 6, "PL": 5, "DU": 4, "PAUC": 1, "TRI": 5},
    "test": {"SG": 6, "PL": 5, "DU": 7, "PAUC": 1},
}
REPEATS = {"SG": 2, "PL": 1, "DU": 3, "PAUC": 50, "TRI": 1}


def corpora() -> dict[str, Corpus]:
    made = {}
    for split, values in FORMS.items():
        words = tuple(
            Word(f"{value}{i}", value, {"Number": value})
            for value, n in values.items()
            for i in range(n)
            for _ in range(REPEATS[value])
        )
        made[split] = Corpus("eng", (Sentence("1", words),), split)
    return made


def counts() -> pd.DataFrame:
    return form_counts("Number", corpora()).assign(language="eng", attribute="Number")


def test_what_is_drawn_as_kept_is_what_the_filter_keeps():
    plot = drawn_twice(lambda table: forms(table, min_forms=5), counts())
    table = plot.table.set_index("value")
    assert tuple(table.index[table["kept"]]) == kept_values("Number", **corpora(), min_forms=5)
    assert "TRI" not in table.index  # which a split lacks
    lines = by_label(plot.figure.axes[0])
    assert sorted(lines["kept"].get_xydata().tolist()) == [[5, 5], [12, 6]]
    assert sorted(lines["dropped"].get_xydata().tolist()) == [[12, 4], [50, 1]]
    assert set(lines["5 forms"].get_ydata()) == {5}
    # They differ without colour, too.
    assert lines["kept"].get_marker() != lines["dropped"].get_marker()
    assert lines["dropped"].get_markerfacecolor() == "white"


def test_words_name_the_values_at_the_edge():
    alt = forms(counts(), min_forms=5).alt
    assert "4 values of attributes: 2 have 5 distinct forms in every split and are kept, 2 are dropped" in alt
    assert "dropped, the one with the most words is English Number PAUC: 50 words, 1 form." in alt
    assert "kept, the one with the fewest words is English Number PL: 5 words, 5 forms." in alt


@pytest.mark.parametrize(
    ("table", "min_forms", "said"),
    [
        (counts().drop(columns="words"), 5, "words"),
        (counts(), 0, "min_forms is 0"),
        (counts().query("value == 'TRI'"), 5, "occurs in every split"),
    ],
)
def test_bad_input_is_named(table, min_forms, said):
    with pytest.raises(ValueError, match=said):
        forms(table, min_forms)


def test_the_axes_are_labelled_with_plain_numbers():
    figure = forms(counts(), min_forms=5).figure
    figure.canvas.draw()
    (axes,) = figure.axes
    labels = [label.get_text() for label in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    assert "10" in labels and not any("$" in label for label in labels)
