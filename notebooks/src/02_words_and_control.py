# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · Words, attributes and control tasks
#
# *A probe tells feminine words from masculine ones, and is right more than 99 times in 100. What has it found?* Before
# we look at a single neuron, we build a rival that has no neurons: a list of words on a sheet of paper. It will be hard
# to beat, and that is the point.
#
# **You will learn** (1) how a line of a treebank becomes an attribute with a value, (2) which values are worth asking
# about, and why that is decided by distinct forms and not by words, (3) the floors that every accuracy stands on, and
# (4) what a control task controls.
#
# **You need** notebook 01. **It takes** 25 minutes to read, and 30 more for the four exercises; the cells run in about
# half a minute on one core (0.8 GB of memory), without a GPU and without network.

# %%
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

import pitfalls as pf
from pitfalls import course
from pitfalls.language.corpus import read_conllu
from pitfalls.language.unimorph import ATTRIBUTES
from pitfalls.language.values import form_counts
from pitfalls.probes.control import control_labels
from pitfalls.probes.scores import clustered_mean

pd.set_option("display.width", 110)
SPLITS = ("train", "dev", "test")
world = pf.load_world()  # `mini`, unless the environment variable PITFALLS_WORLD says another

# %% [markdown]
# ## From a line of a treebank to an attribute
#
# A treebank is a text in which people have noted what each word is. Its format, CoNLL-U, has one line per word and ten
# columns; five of them matter here: number, form, lemma, part of speech, features. Here is a Spanish sentence, *Ellas
# hablan del gato: ¡dámelo!* ("They are talking of the cat: give it to me!"), written for this notebook:

# %%
LINES = """
1 Ellas ella PRON Case=Acc,Nom|Gender=Fem|Number=Plur|Person=3
2 hablan hablar VERB Mood=Ind|Number=Plur|Person=3|Tense=Pres|VerbForm=Fin
3-4 del _ _ _
3 de de ADP _
4 el el DET Definite=Def|Gender=Masc|Number=Sing
5 gato gato NOUN Gender=Masc|Number=Sing
6 : : PUNCT _
7 ¡ ¡ PUNCT _
8-10 dámelo _ _ _
8 da dar VERB Mood=Imp|Number=Sing|Person=2|VerbForm=Fin
9 me yo PRON Case=Dat|Number=Sing|Person=1
10 lo él PRON Case=Acc|Gender=Masc|Number=Sing|Person=3
11 ! ! PUNCT _
"""


def columns(line):
    """The ten columns of a line, from the five that are written above."""
    number, form, lemma, upos, feats = line.split()
    return "\t".join([number, form, lemma, upos, "_", feats, *"____"])


with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "toy.conllu")
    file.write_text("\n".join(map(columns, LINES.strip().splitlines())) + "\n\n", encoding="utf-8")
    corpus = read_conllu(file, "spa")
for word in corpus.sentences[0].words:
    print(f"{word.form:9}{word.lemma:9}{', '.join(f'{name}={value}' for name, value in word.attributes.items())}")

# %% [markdown]
# Three things have happened.
#
# - **The names changed.** `Number=Plur` became `PL`: the treebanks' own features differ from language to language,
#   UniMorph's values are the same in all. The paper converts its treebanks in this way [C], and asks about thirteen
#   attributes [P]. (The tags say how we know: [P] stands in the paper's abstract or README, [C] in its authors' code.)
# - **Two values are none.** `Case=Acc,Nom` says that the form *ellas* could be either. A word carries an attribute only
#   if it has *one* value of it.
# - **Contractions stay one word.** A reader sees *del*; the treebank sees *de* + *el*. The model will see *del* as
#   well. So *del* gets an attribute from its components only if **exactly one** of them carries it: only *el* has a
#   number, so *del* is `SG`. But both parts have a part of speech, so *del* has none. And *dámelo* has three numbers,
#   all three `SG`, and still gets none, because nobody can say whose it would be.
#
# ### Exercise 02.1 ★☆☆ 5 minutes: what a contraction keeps
#
# Write `contraction(components)`. It gets a list of dictionaries (attribute to value), one per component, and returns
# the dictionary of those attributes that exactly one component carries.
#
# <details><summary>Hint</summary>
#
# First count how many components carry each attribute: `Counter(name for one in components for name in one)`.
#
# </details>


# %% tags=["exercise"]
def contraction(components):
    """Attribute to value, of those attributes that exactly one component carries."""
    ### BEGIN SOLUTION
    carriers = Counter(name for one in components for name in one)
    return {name: value for one in components for name, value in one.items() if carriers[name] == 1}
    ### END SOLUTION


course.check("02.1", contraction)

# %% [markdown]
# ## Which values are worth asking about?
#
# English has gender, if you insist: *he, she, it*. Is it a good attribute for an experiment? Count the words, then the
# different *forms* among them:

# %%
corpora = {language: {split: world.corpus(language, split) for split in SPLITS} for language in world.languages}
language, attribute = ("eng", "Gender") if "eng" in world.languages else (world.languages[0], "Number")
english = form_counts(attribute, corpora[language]).pivot(index="value", columns="split", values=["words", "forms"])
print(f"{language} {attribute}")
print(english[[(what, split) for what in ("words", "forms") for split in SPLITS]].to_string())

# %% [markdown]
# There are hundreds of words, and six forms in all. If you "find English gender in the neurons" of such data, you have
# found *she*. The paper keeps a value only if it has at least 100 **distinct word forms in each of train, dev and
# test** [C]; the mini world, whose lexicon is small, asks for 20. (*The* and *the* are two forms: forms are compared as
# written.)
#
# **Guess, before you go on**: of all values of all attributes in this world, what share does the filter drop?

# %%
course.predict("02-a", "What share of the values does the value filter drop?", 0, 1)

# %%
counts = pd.concat(
    form_counts(attribute, splits).assign(language=language, attribute=attribute)
    for language, splits in corpora.items()
    for attribute in ATTRIBUTES
)
figure = pf.publish(pf.figures.forms(counts, min_forms=world.min_forms), "02_forms")
figure.show()

# %%
fewest = counts.groupby(["language", "attribute", "value"])[["forms", "words"]].min()
in_train = counts[counts["split"] == "train"].set_index(["language", "attribute", "value"])["forms"]
MIN = world.min_forms
rules = pd.DataFrame(
    {
        f"{MIN} forms in every split (the filter)": fewest["forms"] >= MIN,
        f"{MIN} forms in train alone": in_train.reindex(fewest.index) >= MIN,
        f"{MIN} words in every split": fewest["words"] >= MIN,
        "100 forms in every split (the paper's [C])": fewest["forms"] >= 100,
    }
)
pairs = rules.groupby(["language", "attribute"]).sum() >= 2
print(pd.DataFrame({"values kept": rules.sum(), "attributes with two values": pairs.sum()}).to_string())
print(f"\nof {len(rules)} values in all, the filter drops {1 - rules.iloc[:, 0].mean():.2f}")
wrongly = rules.index[rules.iloc[:, 1] & ~rules.iloc[:, 0]]
print("enough forms in train, too few elsewhere:", "; ".join(" ".join(one) for one in wrongly) or "none")

# %% tags=["nbval-ignore-output"]
print(course.reveal("02-a", 1 - rules.iloc[:, 0].mean()))

# %% [markdown]
# **In one sentence**: 97 of this world's 138 values reach the dashed line, and the 41 below it (hollow squares) seldom
# lack words: English determiners have 3759 of them even in the split with fewest, but only 9 forms.
#
# The rules look alike, and they are not. A rule that counts words lets English gender in; a rule that looks at train
# alone lets in values that dev or test can hardly judge. An attribute needs two values to be a question at all.
#
# ### Exercise 02.2 ★★☆ 10 minutes: the value filter
#
# Write `kept(words, min_forms)`. `words` maps each split's name to a list of pairs (form, value), one per word. Return
# the sorted list of the values that have at least `min_forms` distinct forms in *every* split.
#
# <details><summary>Hint 1</summary>
#
# A set of forms for one value in one split: `{form for form, its in words[split] if its == value}`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The split with the fewest forms decides. A value that is missing from a split has 0 forms there.
#
# </details>


# %% tags=["exercise"]
def kept(words, min_forms):
    """The values with `min_forms` distinct forms in every split, sorted."""
    ### BEGIN SOLUTION
    values = sorted({value for split in words.values() for _, value in split})

    def n_forms(split, value):
        return len({form for form, its in split if its == value})

    return [value for value in values if min(n_forms(split, value) for split in words.values()) >= min_forms]
    ### END SOLUTION


course.check("02.2", kept)

# %% [markdown]
# ## The first floor: always the same answer
#
# An accuracy means nothing on its own. The cheapest rival looks at nothing and always says the value that is most
# frequent *in train*. How often is that right in test?
#
# And how sure is such a number? Other sentences would have had other words. The words of one form are right or wrong
# together, so we count forms: the figure after ± is two standard errors if the *forms* had been drawn anew. For
# comparison, the next column counts every *word* as a draw of its own.


# %%
def labelled(language, attribute, split):
    """(form, value) of every word whose value passes the filter."""
    values = world.values(language, attribute)
    words = [word for sentence in world.sentences(language, split) for word in sentence.words]
    return [(word.form, word.attributes[attribute]) for word in words if word.attributes.get(attribute) in values]


ASKED = [("eng", "Number"), ("spa", "Gender"), ("spa", "Person"), ("rus", "Case"), ("rus", "Gender")]
ASKED = [pair for pair in [*ASKED, ("tur", "Number"), ("tur", "Possession")] if pair[0] in world.languages]
data = {(*pair, split): labelled(*pair, split) for pair in ASKED for split in ("train", "test")}


def right(answers, words, otherwise):
    """Share of the words that a list of forms answers rightly, with one answer for all forms that it lacks."""
    return float(np.mean([answers.get(form, otherwise) == value for form, value in words]))


def error(answers, words, otherwise):
    """Two standard errors of that share, if what was drawn are the forms."""
    hits, sizes = Counter(), Counter(form for form, _ in words)
    for form, value in words:
        hits[form] += answers.get(form, otherwise) == value
    _, standard_error = clustered_mean([[hits[form]] for form in sizes], list(sizes.values()))
    return 2 * float(standard_error[0])


def most_frequent(words):
    """The value of most words, of equals the first in the alphabet."""
    return max(sorted({value for _, value in words}), key=Counter(value for _, value in words).get)


floors = pd.DataFrame(index=pd.MultiIndex.from_tuples(ASKED, names=["language", "attribute"]))
floors["values"] = [len({value for _, value in data[(*pair, "train")]}) for pair in ASKED]
floors["one of n"] = 1 / floors["values"]
always = {pair: ({}, data[(*pair, "test")], most_frequent(data[(*pair, "train")])) for pair in ASKED}
floors["majority"] = [right(*always[pair]) for pair in ASKED]
floors["±"] = [error(*always[pair]) for pair in ASKED]
share, n = floors["majority"], [len(data[(*pair, "test")]) for pair in ASKED]
floors["± by words"] = 2 * np.sqrt(share * (1 - share) / n)
print(floors.round(3).to_string())

# %% [markdown]
# Spanish person has three values, and four words of five are in the third person (0.81 ± 0.08): a probe that reaches
# 85 % there may have learnt nothing, and one that reaches 85 % on Spanish gender has learnt a lot. Had we counted
# words, the errors would look two to thirteen times smaller. The largest is that of Spanish gender, where a few
# articles are a large part of the words.
#
# ### Exercise 02.3 ★☆☆ 5 minutes: the majority baseline
#
# Write `majority(train, test)`. It gets two lists of values, one value per word, and returns the accuracy on test of
# always answering the most frequent value of train. Who may look at what?
#
# <details><summary>Hint</summary>
#
# `Counter(train).most_common(1)` gives the value to answer; test serves only to count how often it is right.
#
# </details>


# %% tags=["exercise"]
def majority(train, test):
    """Accuracy on test of the most frequent value of train."""
    ### BEGIN SOLUTION
    [(always, _)] = Counter(train).most_common(1)
    return sum(value == always for value in test) / len(test)
    ### END SOLUTION


course.check("02.3", majority)

# %% [markdown]
# ## The second floor: a list of words
#
# Now the rival with a sheet of paper. For every form of train it notes the value that the form has most often. In test
# it looks the form up; if the form is not on the list, it gives the majority's answer. It sees **no neuron, no context
# and no model**.
#
# **Guess**: how often is the list right about Spanish gender (or the attribute in its row below)?

# %%
course.predict("02-b", "How accurate is a list of words on Spanish Gender?", 0, 1)


# %%
def word_list(words):
    """For every form the label that it has most often, of equals the first in the alphabet."""
    found = defaultdict(Counter)
    for form, label in words:
        found[form][label] += 1
    return {form: min(counter, key=lambda label: (-counter[label], label)) for form, counter in found.items()}


def list_accuracy(train, test):
    """Accuracy on test of the list of words of train."""
    return right(word_list(train), test, most_frequent(train))


lists = {pair: (word_list(data[(*pair, "train")]), *always[pair][1:]) for pair in ASKED}
floors["word list"] = [right(*lists[pair]) for pair in ASKED]
floors["± list"] = [error(*lists[pair]) for pair in ASKED]
seen = {pair: {form for form, _ in data[(*pair, "train")]} for pair in ASKED}
floors["unseen"] = [np.mean([form not in seen[pair] for form, _ in data[(*pair, "test")]]) for pair in ASKED]
print(floors.drop(columns="± by words").round(3).to_string())

# %% tags=["nbval-ignore-output"]
print(course.reveal("02-b", floors["word list"].get(("spa", "Gender"), floors["word list"].iloc[0])))

# %% [markdown]
# (`unseen`: the share of the test words whose form does not occur in train.) A probe that reaches 99 % on Spanish
# gender has done what a list does, too. That does not mean that the probe *is* a list. It means that the accuracy
# cannot tell.
#
# Where does the list fail? Where one form has several values and only the context decides: Russian cases share their
# forms, just as the English *sheep* is one or many, and *put* is now or then.

# %%
pair = ("rus", "Case") if ("rus", "Case") in ASKED else ASKED[0]
train, test = data[(*pair, "train")], data[(*pair, "test")]
values_of = defaultdict(set)
for form, value in train:
    values_of[form].add(value)
several = [(form, value) for form, value in test if len(values_of[form]) > 1]
one = [(form, value) for form, value in test if len(values_of[form]) == 1]
for what, words in (("one value in train", one), ("several", several)):
    share, error_of_it = (measure(word_list(train), words, most_frequent(train)) for measure in (right, error))
    about = f"{' '.join(pair)}, forms with {what:18}: {len(words):5} words"
    print(f"{about}, the list is right about {share:.3f} ± {error_of_it:.3f}")

# %% [markdown]
# ## A question that only a list can answer
#
# Hewitt & Liang (2019) turned this around. Ask the probe a question that, as we *know*, nothing but a list can answer:
# toss a coin for every word form, and let that be its label. The label is the same wherever the form occurs, in train
# and in test, and it has nothing to do with grammar.

# %%
pair = ("spa", "Gender") if ("spa", "Gender") in ASKED else ASKED[0]
train, test = data[(*pair, "train")], data[(*pair, "test")]
drawn = control_labels(
    [[form for form, _ in train], [form for form, _ in test]], n_classes=len(set(dict(train).values()))
)
for (form, value), label in list(zip(train, drawn[0], strict=True))[:9]:
    print(f"{form:14}{value:6}control {label}")


# %%
def control(pair, seed):
    """Train and test words of a pair, with control labels in place of their values."""
    train, test = data[(*pair, "train")], data[(*pair, "test")]
    forms = [[form for form, _ in words] for words in (train, test)]
    labels = control_labels(forms, len({value for _, value in train}), seed)
    return [list(zip(part, label.tolist(), strict=True)) for part, label in zip(forms, labels, strict=True)]


SEEDS = range(5)
tossed = {pair: [control(pair, seed) for seed in SEEDS] for pair in ASKED}
tasks = floors[["majority", "word list"]].copy()
tasks["control: majority"] = [np.mean([right({}, b, most_frequent(a)) for a, b in tossed[p]]) for p in ASKED]
on_coins = np.array([[list_accuracy(a, b) for a, b in tossed[p]] for p in ASKED])
tasks["control: word list"] = on_coins.mean(axis=1)
tasks["selectivity of the list"] = tasks["word list"] - tasks["control: word list"]
tasks["lowest"], tasks["highest"] = (tasks["word list"] - of(on_coins, axis=1) for of in (np.max, np.min))
print(f"mean over {len(SEEDS)} draws of the coins; the lowest and highest selectivity of the draws")
print(tasks.round(3).add(0.0).to_string())
print(f"\nlists that are selective (above 0.001): {(tasks['selectivity of the list'] > 0.001).sum()} of {len(tasks)}")

# %% [markdown]
# **Selectivity** is the accuracy on the attribute minus the accuracy on the control task. The list has next to none, or
# less than none, although its accuracies are splendid. So this is what a control task controls: **how much of an
# accuracy you can get by knowing the word forms alone**. A probe with high selectivity does well on the attribute and
# *cannot* keep such a list.
#
# One small trap: the coins are tossed by form, and the accuracy counts words. The coin of a frequent form weighs a lot,
# so the majority of a control task is a little above one of n.
#
# ### Exercise 02.4 ★★☆ 10 minutes: one coin per form
#
# Write `control_labels_by_hand(splits, n_classes, rng)`. `splits` is a list of lists of forms, `rng` a generator of
# NumPy. Return a list of arrays, one per split, with a label from 0 to `n_classes` - 1 for every word. A form has the
# same label wherever it occurs, in whichever split.
#
# <details><summary>Hint 1</summary>
#
# Keep one dictionary from form to label for all splits, and toss (`rng.integers(n_classes)`) when a form is new.
#
# </details>
# <details><summary>Hint 2</summary>
#
# If you loop over a `set` of forms, its order differs from run to run, and so do your labels: sort it, or loop over the
# words.
#
# </details>


# %% tags=["exercise"]
def control_labels_by_hand(splits, n_classes, rng):
    """One random label per form, the same in all splits."""
    ### BEGIN SOLUTION
    labels = {}
    for split in splits:
        for form in split:
            if form not in labels:
                labels[form] = rng.integers(n_classes)
    return [np.array([labels[form] for form in split]) for split in splits]
    ### END SOLUTION


course.check("02.4", control_labels_by_hand)

# %% [markdown]
# ## Forms that train has never seen
#
# There is a second way to catch a list: ask it about words that are not on it. The mini world has few of those, so we
# strike a third of the test forms out of train. How does the list do on them?

# %%
rows = []
for pair in ASKED:
    train, test = data[(*pair, "train")], data[(*pair, "test")]
    forms = sorted({form for form, _ in test})
    for seed in SEEDS:
        struck = set(np.random.default_rng(seed).permutation(forms)[: len(forms) // 3].tolist())
        for task, (known, asked) in {"attribute": (train, test), "control": tossed[pair][seed]}.items():
            left = [(form, label) for form, label in known if form not in struck]
            answers, otherwise = word_list(left), most_frequent(left)
            for which, words in (
                ("on the list", [(form, label) for form, label in asked if form not in struck]),
                ("struck out", [(form, label) for form, label in asked if form in struck]),
            ):
                rows.append((*pair, task, which, right(answers, words, otherwise)))
unseen = pd.DataFrame(rows, columns=["language", "attribute", "task", "forms", "accuracy"])
by_draw = unseen.groupby(["language", "attribute", "task", "forms"])["accuracy"].agg(["mean", "min", "max"])
shown = by_draw.apply(lambda draw: f"{draw['mean']:.2f} ({draw['min']:.2f}-{draw['max']:.2f})", axis=1)
print(f"mean over {len(SEEDS)} draws of the forms (lowest-highest)")
print(shown.unstack(["task", "forms"]).sort_index(axis=1).reindex(floors.index).to_string())

# %% [markdown]
# On forms that are struck out the list falls to the floor or below it (the most frequent value of the other forms need
# not be the most frequent one here), both on the attribute and on the coins: it knows nothing *about* words. Whatever a
# probe can do there, beyond the majority, does not come from a list of whole forms. (It may still come from a list of
# *endings*: *-as* is feminine plural in Spanish, whatever the stem. A control task by forms does not control for that.)
# The draws of Spanish gender differ most, because one that strikes out *el* or *la* strikes out hundreds of words.
#
# ## What you can say now
#
# - A word has an attribute when exactly one value is certain; contractions get it from one component or not at all.
# - A value needs enough *distinct forms* in *every* split. Many words of few forms are few examples.
# - Before you praise an accuracy: what does the majority get, and what does a list of words get? And what is its error,
#   counted over forms?
# - A control task measures what you can get from the forms alone; unseen forms measure what is left without them.
#
# **What this does not show**: anything about a model. No neuron has appeared yet, and still most of the numbers above
# would look good in a paper's table.
#
# **Try it**: which attribute of this world is hardest for the list? Add pairs to `ASKED`; `world.pairs()` lists them
# all.
#
# **Next**: notebook 03, in which every word gets its neurons.
