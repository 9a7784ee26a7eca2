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
# # 11 · Your own model and your own attribute
#
# *"And in my model?"* So far the models, the sentences and the attributes were ours. Here they are yours: first a model
# in a folder with a treebank in CoNLL-U files, then nothing but numbers in `.npy` files, with labels that you made up.
# Both times the question is the same: what should you ask before you believe a high accuracy?
#
# **You will learn** (1) to make a world of any masked language model and any treebank, (2) to bring activations and
# labels of your own, from whatever program made them, (3) seven questions to ask about a high accuracy, and (4) to look
# for the rival explanation that only you can know.
#
# **You need** notebooks 05, 06 and 08. **It takes** 20 minutes to read, and 20 more for the two exercises; the cells
# run in about half a minute on one core (0.8 GB of memory), without a GPU and without network.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import pitfalls as pf
from pitfalls import course
from pitfalls.models.vectors import site_vectors
from pitfalls.worlds.load import mini_folder

pd.set_option("display.width", 120, "display.max_colwidth", 60)
MODEL = mini_folder() / "bert"  # any masked LM that transformers loads: a folder, or a name on the hub
temporary = tempfile.TemporaryDirectory()
FOLDER = Path(temporary.name)  # the folder of your CoNLL-U files
SENTENCES = {"train": 1500, "dev": 400, "test": 400}
for split, n in SENTENCES.items():  # leave this loop out: it writes the files that stand in for yours
    blocks = (mini_folder() / f"spa_mini-ud-{split}.conllu").read_text(encoding="utf-8").split("\n\n")[:n]
    (FOLDER / f"es_own-ud-{split}.conllu").write_text("\n\n".join(blocks) + "\n\n", encoding="utf-8")
FILES = sorted(FOLDER.glob("*.conllu"))
print(*(file.name for file in FILES), sep="\n")

# %% [markdown]
# These are stand-ins, so that the notebook runs offline: the course's little model, and a few of its Spanish
# sentences. Put your own folder (or a name such as `bert-base-multilingual-cased`) and your own files there. The files'
# names say two things: the split (`train`, `dev` or `test` between hyphens), and the language (as in Universal
# Dependencies: `es_…`; otherwise give `language="spa"`). Without a training file, four of five dev sentences serve for
# training.
#
# ## A model and a treebank
#
# `min_forms` is the value filter: a value stays if it has at least so many *distinct word forms* in each split. The
# authors' code asks for 100 ([C] in SOURCES.md); a few hundred sentences do not have as many, so we ask for 20. What is
# left?

# %%
world = pf.world_from_files(MODEL, FILES, min_forms=20)
(LANGUAGE,) = world.languages
print(f"{world.model.n_layers} layers of {world.model.n_neurons} neurons; language: {LANGUAGE}")
for split in SENTENCES:
    n_dropped = len(world.dropped(LANGUAGE, split))
    print(f"{split:5} {len(world.sentences(LANGUAGE, split)):5} sentences, {n_dropped} dropped: too long for the model")
print()
print(world.pairs().to_string(index=False))

# %% [markdown]
# From here on it is a world like the others, and everything in this course takes it. Choose an attribute and a layer,
# rank, probe:

# %%
ATTRIBUTE, LAYER, K, BETA = "Number", 2, 16, 4
experiment = world.experiment(LANGUAGE, ATTRIBUTE, layer=LAYER)
data = experiment.data
order = pf.rank("probeless", data)
draws = list(pf.random_rankings(data, draws=5))
curves = pf.probe_curves([order, *draws], data, ks=[K], tasks=["real", "control"], seeds=[0, 1, 2])
chosen = curves[(curves["ranking"] == "probeless") & (curves["task"] == "real") & (curves["probe"] == "linear")]
print(f"{data.train.n_words} training words, {data.test.n_words} test words")
print(f"a linear probe reads {ATTRIBUTE} from the first {K} neurons by Probeless: {chosen['accuracy'].mean():.2f}")

# %% [markdown]
# A fine number. What is it worth?
#
# ### Exercise 11.1 ★☆☆ 5 minutes: the accuracy of somebody who knows nothing
#
# We begin with the weakest opponent: somebody who has never seen a vector, only the values of the training words, and
# always says the same value. The function gets two lists of values, `train_y` and `test_y`, and returns the accuracy of
# this guess on the test words.
#
# <details><summary>Hint</summary>Which value would you always say if train were all that you know? And how many test
# words have it?</details>


# %% tags=["exercise"]
def majority(train_y, test_y):
    """The accuracy on test of always saying the most frequent value of train."""
    ### BEGIN SOLUTION
    guess = pd.Series(train_y).value_counts().index[0]
    return np.mean([value == guess for value in test_y])
    ### END SOLUTION


course.check("11.1", majority)

# %% [markdown]
# ## Seven questions
#
# Each line is a question that this course has taught: what we found, with its 95 % interval (over word forms, or over
# sentences for CLWV), and what we compare it with. The answer is *yes* only if the whole interval lies above. If it
# does not, stop and look.


# %%
def always(part, where=slice(None)):
    """Accuracy of the most frequent training value on some words of a split."""
    return float(np.mean(part.y[where] == np.bincount(data.train.y).argmax()))


def accuracy(ranking, probe="linear", task="real"):
    """One number per ranking and seed."""
    return curves[(curves["ranking"] == ranking) & (curves["probe"] == probe) & (curves["task"] == task)]["accuracy"]


def around(table, probe="linear"):
    """Accuracy of a probe on our neurons, and its interval."""
    rows = table[(table["ranking"] == "probeless") & (table["probe"] == probe) & (table["task"] == "real")]
    mean, error = rows["accuracy"].mean(), rows["accuracy_se"].mean()
    return mean, mean - 1.96 * error, mean + 1.96 * error


def clwv(kind):
    """The share of words that come out with the same lemma and another value, and its interval."""
    rates = experiment.intervene(order, kind, ks=[K], sentences=100).rates()
    return tuple(rates.loc[rates["measure"] == "CLWV", ["mean", "low", "high"]].iloc[0])


unseen = ~np.isin(data.test.forms, sorted(set(data.train.forms)))
on_new = pf.probe_curves([order], replace(data, test=data.test.select(unseen)), ks=[K], probes=["linear"])
mine, by_chance = accuracy("probeless"), accuracy("random")
elsewhere = max(clwv(pf.interventions.RandomDirection(BETA, seed=seed))[0] for seed in range(3))
rows = [
    ("05 more than always the same value?", *around(curves), always(data.test)),
    ("05 more than random neurons, the best of the draws?", *around(curves), by_chance.max()),
    ("05 with every seed, the worst one too?", *around(curves.loc[[mine.idxmin()]]), by_chance.max()),
    ("05 by another probe, too?", *around(curves, "gaussian"), accuracy("random", "gaussian").max()),
    ("06 more than a control task?", *around(curves), accuracy("probeless", task="control").mean()),
    (f"06 of {unseen.sum()} words that train lacks?", *around(on_new), always(data.test, unseen)),
    ("08 does the model use them (CLWV), more than any direction?", *clwv(pf.Translation(BETA)), elsewhere),
]
asked = pd.DataFrame(rows, columns=["notebook and question", "found", "low", "high", "against"])
asked["answer"] = np.where(asked["low"] > asked["against"], "yes", "NO")
print(f"{world.name}: {ATTRIBUTE}, layer {LAYER}, first {K} neurons by Probeless")
print(asked.round(2).to_string(index=False))

# %% [markdown]
# Seven times yes is a good day, and a small claim: *in this model, on these sentences, these neurons read and move
# number, as a set*. It says nothing about a single neuron, and nothing about other languages (09). We fixed β and k
# beforehand and did not choose them on the test words; if you choose, choose on dev (08).
#
# The fifth and the sixth question belong together. The control task says what this probe *could* learn by heart from
# these neurons. It cannot say whether the probe did: a probe that learns nonsense well may still read the attribute,
# and in notebook 06 the probe that learns more nonsense is also the better one on new words. So if the answer to the
# fifth is NO, the sixth decides. A word whose form train lacks cannot have been learnt by heart.
#
# For a model of the hub, the same is one command: `pitfalls probe --model … --treebank … --attribute Number --layer 7`,
# and `pitfalls intervene` with a `--beta`.
#
# ## Only numbers: activations in .npy files
#
# Perhaps your model is not a masked LM, your "words" are images, or no treebank has the attribute. Then bring three
# arrays for each split: vectors, labels, and the *forms*. As an example we ask something that UniMorph does not know.
# Is a Spanish noun the **subject** or the **object**? Its form does not say so; the treebank's dependency column does.


# %%
def nouns(file):
    """Sentences, and for every noun that is a subject or an object: its row among all words, role, form, place."""
    roles = {"nsubj": "subject", "obj": "object"}
    parsed = [
        [line.split("\t") for line in block.split("\n") if line and line[0] != "#"]
        for block in file.read_text(encoding="utf-8").strip().split("\n\n")
    ]
    found = [
        (row, roles[word[7]], word[1], int(word[0]))
        for row, word in enumerate(word for sentence in parsed for word in sentence)
        if word[3] == "NOUN" and word[7] in roles
    ]
    return [[word[1] for word in sentence] for sentence in parsed], found


for split in SENTENCES:
    sentences, found = nouns(FOLDER / f"es_own-ud-{split}.conllu")
    rows, labels, forms, places = (np.array(column) for column in zip(*found, strict=True))
    np.save(FOLDER / f"y-{split}.npy", labels)
    np.save(FOLDER / f"forms-{split}.npy", forms)
    np.save(FOLDER / f"places-{split}.npy", places)
    for site, vectors in site_vectors(world.model, sentences, world.layers).items():
        np.save(FOLDER / f"X{site.layer}-{split}.npy", vectors[rows])
print(*sorted(file.name for file in FOLDER.glob("*-test.npy")))

# %% [markdown]
# Now forget where these files came from. Yours may come from anywhere, as long as `X` is [words, neurons] and `y` and
# `forms` have one entry per word. The control task goes by `forms`, and so do the intervals and the check on new forms.
# If you leave it out, every row counts as a form of its own: then nothing can be learnt by heart, every word is new,
# and all three flatter you.


# %%
def load(name, split):
    """One array; without pickle, since a pickle can run code."""
    return np.load(FOLDER / f"{name}-{split}.npy", allow_pickle=False)


def own(layer):
    """Splits of one layer's arrays."""
    parts = {split: (load(f"X{layer}", split), load("y", split), load("forms", split)) for split in SENTENCES}
    return pf.Splits.from_arrays(**parts, language=LANGUAGE, attribute="Role", site=layer)


TOP = 3  # the layer that we look at
roles = own(TOP)
print(f"values: {', '.join(roles.values)}; {roles.n_neurons} neurons")
for split in SENTENCES:
    part = getattr(roles, split)
    print(f"{split:5} {part.n_words:5} nouns, {len(set(part.forms)):4} forms, {np.mean(part.y == 1):.2f} are subjects")
ranked = [pf.rank(name, roles, max_neurons=16) for name in ("linear", "gaussian", "probeless")]
own_draws = list(pf.random_rankings(roles, draws=5))
own_curves = pf.probe_curves([*ranked, *own_draws], roles, ks=[1, 2, 4, 8, 16, 32, 64, 128])
pf.figures.accuracy(own_curves).show()
print(own_curves.pivot_table(index=["probe", "ranking"], columns="k", values="accuracy").round(2).to_string())
late = own_curves[own_curves["k"] >= 16]["accuracy_se"]
print(f"95 % intervals from 16 neurons on: at most ± {1.96 * late.max():.2f}")

# %% [markdown]
# **In one sentence**: from 16 well-chosen neurons, both probes tell subjects from objects here with an accuracy of 0.93
# to 0.96, and random neurons need twice as many for 0.92 or 0.93.
#
# So this layer knows about syntax?
#
# ## The rival that only you can know
#
# The seven questions are the same for everybody. The eighth is yours alone: *what else tells subjects from objects?*
# Here are three rivals who know nothing about grammar. One always says *subject*. One remembers what each form was in
# train. One counts words: what was a noun at this *place* in the sentence, most of the time? A fourth rival is a probe
# on layer 0, the embeddings. They hold a word's form and its place, and have not yet seen a neighbour.
#
# **Guess**: how often is the rival right who only counts words?

# %%
course.predict("11-a", "How often does the noun's place alone tell whether it is a subject or an object?", 0, 1)

# %%
train_y, test_y = load("y", "train"), load("y", "test")


def remembers(name):
    """Accuracy of the most frequent training role of each form, or place; where it is new, of all."""
    known = pd.crosstab(load(name, "train"), train_y).idxmax(axis=1)
    says = pd.Series(load(name, "test")).map(known).fillna(pd.Series(train_y).mode()[0])
    return (says.to_numpy() == test_y).mean()


rivals = {
    "always the same": (test_y == pd.Series(train_y).mode()[0]).mean(),
    "remembers forms": remembers("forms"),
    "counts words": remembers("places"),
}
print(pd.Series(rivals).round(2).to_string())
rows = []
for layer in world.layers:
    here = own(layer)
    table = pf.probe_curves([pf.rank("probeless", here)], here, ks=[128], tasks=["real", "control"], seeds=[0, 1, 2])
    wide = table.pivot_table(index="probe", columns="task", values="accuracy")
    rows += [{"layer": layer, "probe": probe, **row} for probe, row in wide.to_dict("index").items()]
by_layer = pd.DataFrame(rows).pivot(index="layer", columns="probe", values=["real", "control"])
print("\naccuracy with all neurons, by layer")
print(by_layer.round(2).to_string())

# %%
print(course.reveal("11-a", rivals["counts words"]))

# %% [markdown]
# The rival who only counts words is far above the constant: Spanish subjects come first, at least in these sentences.
# And a probe on layer 0, which has seen no neighbour, goes more than half of the way from the constant to the best
# layer. So much of the fine accuracy needs no syntax. (The control task did not warn us. It knows about forms, and
# about no other rival.)
#
# Look at the control columns once more. With all neurons, the Gaussian probe learns far more nonsense than the linear
# one, and from layer 3 on it reads the role just as well. It *can* learn by heart; that does not mean that it did.
#
# Is all of it the place? Look only where the place says little: nouns in the middle, where both roles are common in
# train. The probes are scikit-learn estimators, so we can train them on all training nouns and score them on any.

# %%
places = load("places", "test")
subjects = pd.Series(train_y == "subject").groupby(load("places", "train")).mean()
middle = np.isin(places, subjects[(subjects > 0.2) & (subjects < 0.8)].index)
print(f"places {sorted(set(places[middle].tolist()))}: {middle.sum()} of {len(places)} test nouns")
common = max(np.mean(test_y[middle] == role) for role in roles.values)
print(f"always the more frequent role of these nouns: {common:.2f}")
rows = []
for layer in world.layers:
    X, X_test = load(f"X{layer}", "train"), load(f"X{layer}", "test")
    probe = pf.LinearProbe().fit(X, train_y)
    rows.append(
        {"layer": layer, "all": probe.score(X_test, test_y), "middle": probe.score(X_test[middle], test_y[middle])}
    )
print("\naccuracy of a linear probe on all test nouns, and on those in the middle")
print(pd.DataFrame(rows).round(2).to_string(index=False))

# %% [markdown]
# Where the place says less, layer 0 loses most and the best layer least. (Layer 0 does not fall to the constant: the
# places in the middle are not all alike.) What the higher layers gain is what this model adds by reading the
# neighbours. This is a smaller claim than the figure's, and a better one.
#
# And one question cannot be asked of arrays at all: does the model *use* it? To change a neuron and watch what becomes
# of the words, you need the model. With arrays you can say *encoded*, never *used*.
#
# ### Exercise 11.2 ★★☆ 15 minutes: three parts with no word in common
#
# Often the words come in one heap, and you have to make train, dev and test. If a form lies in two parts, a probe can
# know test words by heart. The function gets `forms`, a list with the form of every word (some occur often), and
# `seed`. It returns a list with "train", "dev" or "test" for every word, so that no form is in two parts and about 60
# %, 20 % and 20 % of the *distinct forms* lie in them. The seed shuffles the forms; the same seed gives the same parts.
#
# <details><summary>Hint 1</summary>First decide for each distinct form, then look the decision up for each
# word.</details>
#
# <details><summary>Hint 2</summary><code>sorted(set(forms))</code> has a fixed order, which a set alone has not;
# <code>np.random.default_rng(seed).permutation(n)</code> shuffles.</details>


# %% tags=["exercise"]
def split_by_form(forms, seed):
    """The part of every word: "train", "dev" or "test"."""
    ### BEGIN SOLUTION
    distinct = sorted(set(forms))
    shuffled = np.random.default_rng(seed).permutation(len(distinct)) / len(distinct)
    part = {
        form: "train" if place < 0.6 else "dev" if place < 0.8 else "test"
        for form, place in zip(distinct, shuffled, strict=True)
    }
    return [part[form] for form in forms]
    ### END SOLUTION


course.check("11.2", split_by_form)

# %% [markdown]
# ## What you can say now
#
# - Any masked LM and any treebank make a world; any three arrays make splits. What follows is the same for all.
# - A high accuracy is the beginning. Ask who else would reach it: a constant, random neurons, another seed, another
#   probe, a memory, and the rival that only you can know.
# - Selectivity says how much a probe *could* learn by heart. Words with new forms show whether it needed to.
# - You can say *encoded* about arrays; for *used* you need the model.
#
# **What this does not show**: anything about *your* model. The stand-ins are toys.
#
# **Try it**: the role in layer 4, or many nouns whose form train lacks (`pf.probes.hold_out_forms(roles, share=0.5)`).
# Then your own.
#
# **Next**: notebook 12, where we ask two models that others trained.
