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
# # 01 · Two pitfalls in ten minutes
#
# *"Neuron 42 fires on feminine words, so neuron 42 encodes gender."* By the end of this notebook you will know two
# ways in which such a sentence goes wrong, and you will have measured both.
#
# **You will learn** (1) why a probe must not grade the ranking that it made, and (2) why information that is
# *encoded* in a neuron need not be *used* by the model.
#
# **You need** Python and a rough idea of what a masked language model is. **It takes** 10 minutes to read, and 15 more
# for the two exercises; the cells run in about four minutes on one core (0.9 GB of memory), without a GPU and without
# network.
#
# The paper: Antverg & Belinkov, [*On the Pitfalls of Analyzing Individual Neurons in Language
# Models*](https://arxiv.org/abs/2110.07483), ICLR 2022. What follows repeats its two key experiments in a small
# world of our own; no result below is the paper's.

# %%
import numpy as np
import pandas as pd

import pitfalls as pf
from pitfalls import course

pd.set_option("display.width", 110)
LANGUAGE, ATTRIBUTE, LAYER, BETA = "spa", "Gender", 2, 4
world = pf.load_world()  # the embedded `mini` world, unless the environment variable PITFALLS_WORLD says another
print(f"{world.name}: {world.model.n_layers} layers of {world.model.n_neurons} neurons; {' '.join(world.languages)}")

# %% [markdown]
# ## From sentences to neurons
#
# The mini world is a small BERT, trained on sentences of four generated languages. Every word comes with its lemma
# and its attributes. Here is one Spanish sentence of the test set:

# %%
sentence = world.sentences(LANGUAGE, "test")[3]
for word in sentence.words:
    print(f"{word.form:14}{word.lemma:14}{' '.join(f'{name}={value}' for name, value in word.attributes.items())}")

# %% [markdown]
# Each word becomes a vector: the mean of its subwords' hidden states at one layer. A *neuron* is one coordinate of
# that vector. We take every word that carries the attribute.

# %%
experiment = world.experiment(LANGUAGE, ATTRIBUTE, layer=LAYER)
data = experiment.data
for name, part in (("train", data.train), ("dev", data.dev), ("test", data.test)):
    counts = ", ".join(f"{v} {np.sum(part.y == i)}" for i, v in enumerate(part.values))
    print(f"{name:6}{part.X.shape[0]:7} words x {part.X.shape[1]} neurons   {counts}")

# %% [markdown]
# ## A neuron that "encodes" the attribute
#
# Look for the neuron whose mean differs most between two values, in units of its own spread. There always is one.

# %%
X, y = data.train.X, data.train.y
distance = np.abs(X[y == 0].mean(axis=0) - X[y == 1].mean(axis=0)) / X.std(axis=0)
star = int(distance.argmax())
table = pd.DataFrame({"value": [data.values[i] for i in data.test.y], "activation": data.test.X[:, star]})
neuron = pf.publish(pf.figures.neuron(table, f"Neuron {star}, {LANGUAGE} {ATTRIBUTE}, layer {LAYER}"), "01_neuron")
neuron.show()

# %% [markdown]
# **In one sentence**: neuron 55 is higher on feminine words (mean 0.43) than on masculine ones (mean -0.29), and the
# two histograms share only 33 % of their area.

# %% [markdown]
# ### Exercise 01.1 ★★☆ 10 minutes: how much does one neuron tell?
#
# Let this one neuron decide: a word gets the value whose *mean* is nearer to its activation. How often is that right?
# The function gets one neuron's activations, `train_x` [n_train] and `test_x` [n_test], with the values `train_y` and
# `test_y`, 0 or 1. It gives back the accuracy on the test words. Try it on the neuron in the picture (`X[:, star]`),
# and on a few others.
#
# <details><summary>Hint 1</summary>Who is being judged on the test words, and what must it therefore not have
# seen?</details>
#
# <details><summary>Hint 2</summary><code>np.abs(test_x[:, None] - means)</code> has a row a word and a column a value;
# <code>argmin(axis=1)</code> names the nearer one.</details>


# %% tags=["exercise"]
def accuracy_of_one_neuron(train_x, train_y, test_x, test_y):
    """The accuracy on test words that get the value of the nearer training mean."""
    ### BEGIN SOLUTION
    means = np.array([train_x[train_y == value].mean() for value in (0, 1)])
    nearest = np.abs(test_x[:, None] - means).argmin(axis=1)
    return (nearest == test_y).mean()
    ### END SOLUTION


course.check("01.1", accuracy_of_one_neuron)

# %% [markdown]
# The picture is the kind of evidence on which neurons get their names. What follows asks two things of it: *important
# compared with which other neurons, and judged by whom?* And: *does the model care?*
#
# ## Three ways to rank a neuron
#
# | ranking | a neuron is important when … |
# |---|---|
# | **Linear** | a linear classifier gives it a large weight |
# | **Gaussian** | it adds most mutual information to the neurons chosen before it (a greedy search) |
# | **Probeless** | the values' mean vectors lie far apart on it; no classifier is trained at all |
#
# Each is read top-to-bottom (ttb, the best first) and bottom-to-top (btt, the worst first). **Random** is the
# baseline. Do the three agree on the ten most important neurons?

# %%
rankings = pf.rank_all(data)
best = {ranking.name: ranking for ranking in rankings if ranking.direction == "ttb"}
for name, ranking in best.items():
    print(f"{name:10}", *(f"{neuron:4}" for neuron in ranking.order[:10]))
top = {name: set(ranking.order[:10].tolist()) for name, ranking in best.items()}
for a, b in (("linear", "gaussian"), ("linear", "probeless"), ("gaussian", "probeless")):
    chance = 10 * 10 / world.model.n_neurons
    print(f"shared by {a} and {b}: {len(top[a] & top[b])} of 10 (by chance {chance:.1f})")

# %% [markdown]
# ## Pitfall 1: the grader made the ranking
#
# The usual way to judge a ranking: train the *same kind of probe* that made it on the first k neurons and look at
# its accuracy. But a high accuracy has two possible reasons, a good ranking or a good probe. So we cross them: every
# ranking with every probe.
#
# **Before you run the cell, guess**: will the linear probe do best on the Linear ranking?

# %%
ks = sorted({*range(1, 17), *range(20, 33, 4), *range(40, world.model.n_neurons + 1, 8)})
curves = pf.probe_curves(rankings, data, ks=ks, probes=["linear", "gaussian"])
accuracy = pf.publish(pf.figures.accuracy(curves), "01_accuracy")
accuracy.show()


# %%
def at(table, column, k):
    """One column at one k, a row a ranking."""
    rows = table[table["k"] == k]
    index = [name for name in ("probe",) if name in rows] + ["ranking", "direction"]
    return rows.set_index(index)[column]


K = 8
grid = at(curves, "accuracy", K).unstack("probe")[["linear", "gaussian"]]
print(f"test accuracy with the first {K} neurons")
print(grid.sort_values("linear", ascending=False, kind="stable").round(2).to_string())

# %% [markdown]
# **In one sentence**: with the first 8 neurons here, *Gaussian by Gaussian* (the Gaussian probe on the Gaussian
# ranking) reaches 0.97 and *Linear by Linear* 0.92, but the linear probe on the Gaussian ranking reaches 0.95 as well,
# so part of that difference is the ranking's and part the probe's.
#
# Read a **row**: the same ranking, graded by two probes. Read a **column**: the same probe, on seven rankings. A
# comparison of *Linear by Linear* with *Gaussian by Gaussian* moves along the diagonal, and changes both at once.
# Does the verdict depend on the way one looks? For some values of k: which ranking does each probe call the best, how
# much does *swapping the probe* change the accuracy of one ranking at most, and by how much does the *random* or a
# *bottom-to-top* ranking with one probe beat the other probe on the ranking it made itself (negative: it does not)?


# %%
def row(k):
    """Who wins at this k: each probe's best ranking, and whether a bad ranking with one probe beats the other's own."""
    scores = at(curves, "accuracy", k).unstack("probe")
    ttb, btt = scores.xs("ttb", level="direction").drop("random"), scores.xs("btt", level="direction")
    return {
        "linear says": ttb["linear"].idxmax(),
        "gaussian says": ttb["gaussian"].idxmax(),
        "swap": (scores["linear"] - scores["gaussian"]).abs().max(),
        "random beats": max(
            scores.loc[("random", "ttb"), "gaussian"] - ttb.loc["linear", "linear"],
            scores.loc[("random", "ttb"), "linear"] - ttb.loc["gaussian", "gaussian"],
        ),
        "btt beats": max(
            btt["gaussian"].max() - ttb.loc["linear", "linear"], btt["linear"].max() - ttb.loc["gaussian", "gaussian"]
        ),
    }


verdicts = pd.DataFrame({k: row(k) for k in ks}).T
print(verdicts.loc[[1, 2, 4, 8, 16, 32, 64]].map(lambda x: f"{x:+.2f}" if isinstance(x, float) else x).to_string())
disagree = (verdicts["linear says"] != verdicts["gaussian says"]).sum()
print(f"\nthe two probes name different best rankings at {disagree} of {len(ks)} values of k")
print(f"swapping the probe changes one ranking's accuracy by up to {verdicts['swap'].max():.2f}")
for column, what in (("random beats", "the random ranking"), ("btt beats", "a bottom-to-top ranking")):
    wins, most = (verdicts[column] > 0).sum(), verdicts[column].max()
    print(f"{what} with one probe beats the other probe on the ranking it made at {wins} of {len(ks)} values of k,")
    print(f"   by {most:.3f} at most")

# %% [markdown]
# **What this shows.** A number such as "90 % with 8 neurons" belongs to a *pair* of a ranking and a probe. It says
# how good the ranking is only when the probe is held fixed, and how good the probe is only when the ranking is.
#
# **What it does not show.** That the model *needs* any of these neurons.

# %% [markdown]
# ## Pitfall 2: encoded is not used
#
# A diary in a drawer contains information, and it influences nobody who does not read it. To find out what the model
# reads, change the neurons and let it run on. **Translation** moves the first k neurons of every word with a
# gender towards the mean of the other gender, in whole sentences with nothing masked. Then we look at the word that
# the model predicts in the same place:
#
# - **error rate**: the word came out different, in whatever way;
# - **CLWV** (*correct lemma, wrong value*): it came out as the *same lemma with another value*. *gato* became
#   *gata*. That is what changing gender, and nothing but gender, must do.
#
# How far to move is set by β: the first neuron moves β times the distance between the two means, the last one hardly at
# all. We use β = 4, the best of 2, 4, 8 and 12 on the dev sentences of this little model (the paper shows 8).
#
# **Guess again**: which of the seven rankings flips most words? And what share of them, where it flips most?

# %%
course.predict("01-a", "Best ranking, best k: what share of the words keeps its lemma and gets another value?", 0, 1)

# %%
steps = range(0, world.model.n_neurons + 1, 8)
SENTENCES = 800  # of the test set, drawn by a seed, the same ones for every ranking
runs = [experiment.intervene(ranking, pf.Translation(beta=BETA), ks=steps, sentences=SENTENCES) for ranking in rankings]
effects = pd.concat([run.counts() for run in runs], ignore_index=True)
translation = pf.publish(pf.figures.translation(effects), "01_translation")
translation.show()

# %%
errors, flips = pf.interventions.error_rate(effects), pf.interventions.clwv(effects)
highest = flips.loc[flips.groupby(["ranking", "direction"])["clwv"].idxmax()].set_index(["ranking", "direction"])
summary = pd.DataFrame(
    {
        "error, all neurons": at(errors, "error_rate", world.model.n_neurons),
        "highest CLWV": highest["clwv"],
        "at k": highest["k"],  # the first k that reaches it
    }
)
print(f"without intervention: error {errors['error_rate'][errors['k'] == 0].max():.3f}")
print(summary.sort_values(["highest CLWV", "error, all neurons"], ascending=False).round(2).to_string())

# %%
print(course.reveal("01-a", summary["highest CLWV"].max()))

# %% [markdown]
# **In one sentence**: here translation along the Linear ranking reaches a CLWV of 0.47 (nearly every second word takes
# the other gender and changes in nothing else), along the Gaussian ranking 0.18, along a random or reversed one 0.00.
#
# Some words, before and after. `outcome` says what became of each: *intended* is the same lemma with the other value.

# %%
name, direction = summary["highest CLWV"].idxmax()
order = next(ranking for ranking in rankings if (ranking.name, ranking.direction) == (name, direction))
k = int(summary.loc[(name, direction), "at k"])
shown = experiment.intervene(order, pf.Translation(beta=BETA), ks=[k]).examples(n=4, seed=1)
print(f"{order.name} {order.direction}, k = {k}")
for _, rows in shown.groupby("sentence_id", sort=False):
    print("\nbefore:", rows["before"].iloc[0])
    print("after: ", rows["after"].iloc[0])
    print(rows[["word", "predicted", "outcome"]].to_string(index=False))

# %% [markdown]
# ### Exercise 01.2 ★☆☆ 5 minutes: error rate and CLWV from a list of outcomes
#
# Every target word gets one of nine outcomes:
#
# | outcome | the word that came out |
# |---|---|
# | `unchanged` | is the same |
# | `intended` | has the right lemma and the value aimed at |
# | `another` | has the right lemma and a third value |
# | `same` | has the right lemma and the old value, in another form |
# | `lost` | has the right lemma and no value |
# | `wrong_intended` | has another lemma, with the value aimed at |
# | `wrong_other` | has another lemma, with any other value or none |
# | `split`, `unknown` | is no single word; is in no lexicon |
#
# The function gets a list of such strings, one a word, and gives back two shares of all words: the error rate and CLWV.
#
# <details><summary>Hint</summary>Read the two definitions above once more: which outcomes are <em>different in whatever
# way</em>, and which have the <em>correct lemma</em> and a <em>wrong value</em>? Is "intended" an error?</details>


# %% tags=["exercise"]
def rates(outcomes):
    """Error rate and CLWV, each a share of all words."""
    ### BEGIN SOLUTION
    changed = sum(outcome != "unchanged" for outcome in outcomes)
    hits = sum(outcome in ("intended", "another") for outcome in outcomes)
    return changed / len(outcomes), hits / len(outcomes)
    ### END SOLUTION


course.check("01.2", rates)

# %% [markdown]
# ## Encoded against used, in one table
#
# For each ranking: how much of the attribute a probe can read off its first 16 neurons (*encoded*), and how many words
# change their value, and nothing else, when those 16 are translated (*used*).

# %%
FEW = 16
both = pd.DataFrame(
    {
        "linear probe": at(curves[curves["probe"] == "linear"], "accuracy", FEW).droplevel("probe"),
        "gaussian probe": at(curves[curves["probe"] == "gaussian"], "accuracy", FEW).droplevel("probe"),
        "CLWV": at(flips, "clwv", FEW),
    }
)
print(both.sort_values("CLWV", ascending=False, kind="stable").round(2).to_string())
reads, changes = both["gaussian probe"].idxmax(), both["CLWV"].idxmax()
print(f"\nmost readable: {' '.join(reads)}; most used: {' '.join(changes)}")
print("the same ranking wins both" if reads == changes else "another ranking wins: encoded is not used")

# %% [markdown]
# ## What you can say now
#
# - "The probe reaches 90 % on these neurons" is a statement about a probe *and* a ranking.
# - "These neurons encode gender" does not say that the model uses them; an intervention can.
# - Everything above is **one** language, one attribute and one layer of **one** small model. The tables print what was
#   measured here, also where it disagrees with the paper; all configurations and their statistics come in a later
#   notebook.
#
# **Try it**: set `LANGUAGE, ATTRIBUTE = "rus", "Number"` in the first cell, or another `LAYER`, and run all cells
# again. Do the same rankings win?
#
# **Next**: notebook 02, where the words, their attributes and the control tasks come from.
