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
# # 04 · Three ways to rank a neuron (and fourteen more)
#
# *Which neurons carry number?* Everybody who asks gets an answer: a list, the most important neuron first. Ask with
# another method and you get another list. Which one is right? In a real model nobody knows. So this notebook begins
# where somebody does know: in a network that we wrote by hand.
#
# **You will learn** (1) what Linear, Gaussian and Probeless each mean by "important", (2) to score a ranking against
# the truth, and against two *different* truths, (3) how far rankings agree with each other and with themselves, and
# (4) to write a ranking of your own in six lines.
#
# **You need** notebook 01 and a rough idea of logistic regression. **It takes** 25 minutes to read, and 35 more for the
# four exercises; the cells run in about three minutes on one core (1.1 GB of memory), without a GPU and without
# network.

# %%
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

import pitfalls as pf
from pitfalls import course
from pitfalls.rankings.base import Scorer

pd.set_option("display.width", 110)
planted = pf.load_world("planted")
data = planted.activations("art", "Number", layer=1)
truth = pf.truth(planted)
print(f"{planted.model.n_neurons} neurons; {data.train.n_words} training words; values {' '.join(data.values)}")
print(" ".join(planted.sentences("art", "test")[0].forms))

# %% [markdown]
# ## A network with known neurons
#
# The planted world speaks a made-up language. Each noun is singular or plural, and each neuron of the hidden layer
# belongs to one block that we chose:

# %%
what = {
    "used": "carry number; the model's head reads them to decide how the word ends",
    "redundant": "copies of the used ones, noise included; the head does not read them",
    "unused": "carry number, more clearly than the used ones; nothing reads them",
    "lemma": "say which noun it is; the head reads them, but they know nothing of number",
    "correlated": "noise that goes up and down together",
    "noise": "noise",
}
for block, neurons in truth.blocks.items():
    print(f"{block:11}{len(neurons):3} neurons: {what[block]}")
print(f"\nencoded: {truth.encoded.sum()} neurons; used: {truth.used.sum()} neurons")

# %% [markdown]
# **Two truths.** 36 neurons *encode* number, 12 of them are *used*. The three rankings that come first see activations
# only. How many used neurons are among their first 12? (A random ranking would put one there, and a random choice among
# the 36 that encode number would put four.)

# %%
course.predict("04-a", "Of the first 12 neurons that Probeless names, how many are used ones?", 0, 12, "neurons")

# %% [markdown]
# ## Probeless: how far apart are the means?
#
# The simplest of the three fits in two lines. No classifier is trained.

# %%
q = np.stack([data.train.X[data.train.y == c].mean(axis=0) for c in range(len(data.values))])
score = np.abs(q[0] - q[1])  # with more than two values: the sum over all pairs
by_hand = np.argsort(-score)
probeless = pf.rank("probeless", data)
print("by hand:  ", by_hand[:10])
print("pf.rank:  ", probeless.order[:10])
assert (by_hand == probeless.order).all()

# %% [markdown]
# ### Exercise 04.1 ★☆☆ 5 minutes: Probeless with more than two values
#
# Case has six values in Russian. Write Probeless for any number: the score of a neuron is the sum, over all pairs of
# values, of how far apart the two means are on it. The function gets the mean vectors `means` [n_values, n_neurons] and
# gives back the scores [n_neurons].
#
# <details><summary>Hint 1</summary>From three values a, b, c you can make the pairs ab, ac and bc:
# <code>itertools.combinations(means, 2)</code>.</details>
#
# <details><summary>Hint 2</summary>Far apart is far apart, whichever of the two means is higher.</details>


# %% tags=["exercise"]
def probeless_scores(means):
    """The Probeless score of every neuron, [n_neurons]."""
    ### BEGIN SOLUTION
    pairs = [(a, b) for a in range(len(means)) for b in range(a)]
    return sum(np.abs(means[a] - means[b]) for a, b in pairs)
    ### END SOLUTION


course.check("04.1", probeless_scores)

# %%
# Your function at work: its ranking against both truths, beside random ones.
yours = pf.Ranking(np.argsort(-probeless_scores(q), kind="stable"), None, "yours")
pf.figures.truth(pf.comparison.ranking_areas([yours, *pf.random_rankings(data, draws=10)], truth)).show()

# %% [markdown]
# **In one sentence**: the ranking that you made finds what is encoded without a mistake (area 1.000, random rankings
# 0.312) and what is used no better than random ones do (0.124 and 0.126).

# %% [markdown]
# ## Linear: how large are a classifier's weights?
#
# Train a logistic regression on all neurons, as the paper's code does (ten epochs of Adam, two penalties; [C] in
# SOURCES.md), and take each neuron's mean absolute weight. A weight is a property of a neuron *beside the others*: of
# two neurons that say the same, one may get all the weight.

# %%
probe = pf.LinearProbe().fit(data.train.X, data.train.y)
score = np.abs(probe.best_coef_).mean(axis=0)  # of the epoch with the lowest training loss
linear = pf.rank("linear", data)
print("by hand:  ", np.argsort(-score)[:10])
print("pf.rank:  ", linear.order[:10])
print(f"training accuracy of the probe: {probe.score(data.train.X, data.train.y):.3f}")

# %% [markdown]
# ## Gaussian: what does a neuron add to those chosen before it?
#
# One bell curve for each value; the neurons are chosen one by one, each for the mutual information (in bits, on the
# dev words) that the chosen ones have *together*. The first neuron is the one that alone tells most. Here is that
# first step, neuron by neuron, the slow way:


# %%
def information(neurons):
    """Bits about number that a Gaussian probe finds in these neurons (dev words)."""
    fitted = pf.GaussianProbe(n_neurons=data.n_neurons).fit(data.train.X[:, neurons], data.train.y)
    log_p = fitted.predict_log_proba(data.dev.X[:, neurons])[np.arange(data.dev.n_words), data.dev.y]
    shares = np.bincount(data.dev.y) / data.dev.n_words
    return -(shares * np.log2(shares)).sum() + log_p.mean() / np.log(2)


alone = np.array([information([neuron]) for neuron in range(data.n_neurons)])
gaussian = pf.rank("gaussian", data)
print(f"most informative alone: neuron {alone.argmax()} with {alone.max():.3f} bits")
print("pf.rank:  ", gaussian.order[:10])
print("bits together:", *(f"{bits:.3f}" for bits in gaussian.scores[gaussian.order[:10]]))

# %% [markdown]
# After a handful of neurons nothing is left to know, and from there on the search chooses among crumbs. Keep that in
# mind: *where a ranking has run out of reasons, its order means nothing*.

# %% [markdown]
# ### Exercise 04.2 ★★★ 15 minutes: a greedy search
#
# Write the search itself, slowly: choose `k` of the neurons 0 to `n_neurons - 1`, one by one, each such that the chosen
# ones *together* have most information. The function gets `information`, which takes a list of neurons and gives back
# bits (as above), and gives back the list of the `k` neurons in the order in which they were chosen.
#
# <details><summary>Hint 1</summary>Two loops: one over the places to fill, and inside it one over the candidates that
# are left.</details>
#
# <details><summary>Hint 2</summary>A candidate's score is <code>information([*chosen, candidate])</code>, not
# <code>information([candidate])</code>: the copy of a chosen neuron is worth nothing.</details>


# %% tags=["exercise"]
def greedy(information, n_neurons, k):
    """The first k neurons of a greedy search, in their order."""
    ### BEGIN SOLUTION
    chosen = []
    for _ in range(k):
        left = [neuron for neuron in range(n_neurons) if neuron not in chosen]
        chosen.append(max(left, key=lambda neuron: information([*chosen, neuron])))
    return chosen
    ### END SOLUTION


course.check("04.2", greedy)

# %% [markdown]
# ## How much does greed cost?
#
# The neuron that is best alone need not belong to the best *pair*. With one, two or three neurons we need not search:
# all subsets can be tried. The best of them is a ceiling for every ranking: no other neurons, as many, tell more. Pairs
# first, in the planted network and in the mini BERT (Spanish gender, layer 2):

# %%
world = pf.load_world()  # `mini`, unless the environment variable PITFALLS_WORLD says another
gaps = [pf.comparison.greedy_gap(part, sizes=[1, 2]) for part in (data, world.activations("spa", "Gender", layer=2))]
print(pd.concat(gaps).drop(columns=["site", "layer"]).round(3).to_string(index=False))

# %% [markdown]
# Greed costs nothing there. In English tense it does; we picked this case for that reason. (Only 1,500 dev words, so
# that all 341,376 triples are tried in seconds.)

# %%
tense = world.activations("eng", "Tense", layer=2)
tense = pf.Splits(train=tense.train, dev=tense.dev.sample(1500), test=tense.test)
pf.publish(pf.figures.subsets(pf.comparison.greedy_gap(tense)), "04_subsets").show()

# %% [markdown]
# **In one sentence**: the best pair for English tense (neurons 15 and 26) tells 0.448 bits, and the two neurons that
# the greedy search takes first (68 and 124) tell 0.374.
#
# The search begins with the neuron that is best alone, which is not in the best pair, and it never takes a neuron back.
# So a greedy ranking can pass over both neurons of the best pair.

# %% [markdown]
# ## Which blocks do they find?

# %%
block_of = {int(neuron): block for block, neurons in truth.blocks.items() for neuron in neurons}
counts = pd.DataFrame(
    {
        r.name: pd.Series([block_of[j] for j in r.order[:12].tolist()]).value_counts()
        for r in (linear, gaussian, probeless)
    }
)
print("blocks of the first 12 neurons")
print(counts.reindex(list(truth.blocks)).fillna(0).astype(int).to_string())

# %%
print(course.reveal("04-a", truth.used[probeless.order[:12]].sum()))

# %% [markdown]
# All three find neurons that encode number. None of them can see which of those are *used*: the unused ones are
# clearer, so they come first. (Each method has three used neurons; a random choice among the 36 would have four.) And
# look at the redundant block: Probeless scores a copy as high as its original, while Gaussian asks what a copy would
# *add*, which is nothing.
#
# ## Ask the model
#
# Whatever reads activations alone finds what is in them. To find what the model *reads*, change a neuron and look at
# the output. Three more rankings (ours, not the paper's) do this on training sentences. They move neurons from the
# mean of a word's own number to that of the other, and ask how far the model then prefers the word's other form:
# **effect** moves one neuron at a time, **attribution** estimates the same for all neurons at once from the output's
# gradient, and **mask** learns a gate per neuron, so that few open gates turn the output around.

# %%
experiment = planted.experiment("art", "Number", layer=1)
asked = [experiment.rank(name) for name in ("attribution", "effect", "mask")]
for ranking in asked:
    print(f"{ranking.name:12}", *(f"{neuron:4}" for neuron in ranking.order[:12]))

# %% [markdown]
# ## Every ranking against both truths
#
# *precision@k* is the share of relevant neurons among the first k. We average it over k up to the number of relevant
# neurons, so that 1 is a perfect ranking. `pf.RANKINGS` lists fourteen methods that read activations; each has its
# definition and source in its docstring. The random ranking is drawn ten times (a bar from the lowest to the highest
# draw).

# %%
everything = [pf.rank(name, data) for name in pf.RANKINGS if name != "random"]
everything += [*pf.random_rankings(data, draws=10), *asked]
areas = pf.comparison.ranking_areas(everything, truth)
scores = pf.publish(pf.figures.truth(areas), "04_truth")
scores.show()

# %% [markdown]
# **In one sentence**: against the neurons that *encode* number each of the thirteen methods that read activations
# scores 0.81 or more (chance: 0.28), and against those that the model *uses* the best of them scores 0.171, while the
# three that ask the model score 1.000 there and 0.762 on the left.
#
# Are 0.171 and less good or bad? It depends on what chance may know. A random order of all 128 neurons (the dashed
# line) is the wrong rival: these methods do find the 36 neurons that encode number. The fair rival puts these 36 first,
# too, and orders *them* at random.

# %%
table = areas.pivot_table(index="ranking", columns="against", values="area").drop("random")
generator = np.random.default_rng(0)
encoded, rest = np.flatnonzero(truth.encoded), np.flatnonzero(~truth.encoded)
drawn = {"all 128": [], "the 36 first": []}
for _ in range(1000):
    orders = (
        generator.permutation(data.n_neurons),
        np.concatenate([generator.permutation(encoded), generator.permutation(rest)]),
    )
    for name, order in zip(drawn, orders, strict=True):
        drawn[name].append(pf.Ranking(order, None, name))
chance = {}
for name, orders in drawn.items():
    of_order = pf.comparison.ranking_areas(orders, truth)
    chance[name] = of_order[of_order["against"] == "used"]["area"].to_numpy()
    low, middle, high = np.quantile(chance[name], [0.05, 0.5, 0.95])
    print(f"{name}, in random order: mean {chance[name].mean():.2f}, median {middle:.2f},", end=" ")
    print(f"nine in ten between {low:.2f} and {high:.2f}")
for name, areas_by_chance in chance.items():
    table[f"as low: {name}"] = [(areas_by_chance <= area).mean() for area in table["used"]]
print("\nas low: the share of random orders that score as low as the method, or lower")
print(table.sort_values(["used", "encoded"], ascending=False).round(2).to_string())

# %% [markdown]
# No method is worse than chance in the first sense: more than half of all random orders score as low as any of them.
# Against the fair rival all thirteen lie below the middle (0.33). For the five that take the weights of a linear model
# (LCA, Linear, its converged version, Ridge and Lasso) at most one random order in twenty-five is as low. That is
# hardly bad luck: the unused neurons are the clearer ones, so they get the larger weights. (The five are close
# relatives, in one network. Count them as one observation.)
#
# **What this shows.** The left panel is what rankings are usually praised for. The right panel is what their names
# promise (*"the neurons that the model uses for number"*), and there a method that is perfect on the left can spend its
# first places on neurons that nobody reads. Nothing in the activations would tell. The three that ask the model put
# all twelve used neurons first. All others move the output by nothing, so behind the twelve the order says nothing
# either; hence the 0.762 on the left.
#
# **What it does not show.** That real models are built like this one. And a ranking that asks the model is as good as
# its question: what does *this* push change in *this* output? Notebook 08 asks more of them.

# %% [markdown]
# ### Exercise 04.3 ★★☆ 10 minutes: precision@k against the planted truth
#
# Score a ranking yourself. The function gets the neurons' `scores` [n_neurons] (high is important), the mask `relevant`
# [n_neurons, True or False] such as `truth.used`, and `k`. It gives back the share of relevant neurons among the first
# `k`. Try it on Probeless and both truths: `probeless.scores`, with `truth.encoded` and with `truth.used`, `k=12`.
#
# <details><summary>Hint 1</summary><code>np.argsort</code> puts the smallest first.</details>
#
# <details><summary>Hint 2</summary>The mean of True and False is the share of True.</details>


# %% tags=["exercise"]
def precision(scores, relevant, k):
    """The share of relevant neurons among the k with the highest scores."""
    ### BEGIN SOLUTION
    first = np.argsort(-scores)[:k]
    return relevant[first].mean()
    ### END SOLUTION


course.check("04.3", precision)

# %% [markdown]
# ## One value at a time
#
# With more than two values, "important for number" hides a question: for telling *which* value from the others?
# Probeless answers it with `value=`. Three values, in the same network:

# %%
three = pf.load_world("planted", planted=pf.PlantedParameters(values=("DU", "PL", "SG")))
number = three.activations("art", "Number", layer=1)
of_value = [pf.rank("probeless", number, value=value) for value in number.values]
for ranking in of_value:
    print(f"{ranking.name:14}", *(f"{neuron:4}" for neuron in ranking.order[:10]))
print(
    pf.comparison.overlaps(of_value, ks=[10])[["ranking_a", "ranking_b", "overlap", "expected", "p_value"]]
    .round(3)
    .to_string(index=False)
)

# %% [markdown]
# ## Back to a model whose truth nobody knows
#
# The mini BERT, Spanish gender, layer 2. If two methods share more of their first 20 neurons than chance (the
# distribution is exact: hypergeometric), they have seen something in common.

# %%
LANGUAGE, ATTRIBUTE, LAYER, K = "spa", "Gender", 2, 20
data = world.activations(LANGUAGE, ATTRIBUTE, layer=LAYER)
found = [pf.rank(name, data, max_neurons=40) for name in pf.RANKINGS]
agreement = pf.publish(pf.figures.overlaps(pf.comparison.overlaps(found, ks=[K]), K), "04_overlaps")
agreement.show()

# %% [markdown]
# **In one sentence**: of the 91 pairs of rankings 73 share more of their first 20 neurons than chance does, and half of
# all pairs share 12 or more where random ones would share 3.1.
#
# Fan et al. (2023) let the methods vote: **AvgOverlap** is a method's mean overlap with the others (intersection over
# union), **NeuronVote** its overlap with the ranking that all others together elect. They found Probeless the most
# consistent of theirs. Here, with our fourteen:

# %%
votes = pf.comparison.avg_overlap(found, ks=[K]).merge(
    pf.comparison.neuron_vote(found, ks=[K]), on=["ranking", "direction", "ranking_seed", "k"]
)
votes = votes.set_index("ranking")[["avg_overlap", "neuron_vote"]]
print(votes.sort_values("avg_overlap", ascending=False, kind="stable").round(2).to_string())
print(
    f"\nmost consistent by AvgOverlap: {votes['avg_overlap'].idxmax()}; by NeuronVote: {votes['neuron_vote'].idxmax()}"
)

# %% [markdown]
# Agreement is not truth. In the planted world the three methods agreed, mostly on neurons that the model does not use.

# %% [markdown]
# ### Exercise 04.4 ★★☆ 5 minutes: what two rankings share, and what chance alone shares
#
# The function gets two rankings, `a` and `b` [n_neurons, the most important neuron first], and `k`. It gives back two
# numbers: how many neurons are among the first `k` of both, and how many two *random* rankings would share on average.
#
# <details><summary>Hint 1</summary>The first k are a set: their order does not matter.</details>
#
# <details><summary>Hint 2</summary>Each of the k neurons of a is among the first k of a random b with the probability
# k / n_neurons.</details>


# %% tags=["exercise"]
def shared_and_by_chance(a, b, k):
    """Neurons among the first k of both rankings, and their expected number under chance."""
    ### BEGIN SOLUTION
    shared = np.intersect1d(a[:k], b[:k])
    return len(shared), k * k / len(a)
    ### END SOLUTION


course.check("04.4", shared_and_by_chance)

# %% [markdown]
# Look around: choose a language, an attribute, a layer and a neuron. The histogram is by value, the words are those
# that move the neuron most, and below stands its place in every ranking (found on at most 4,000 words, so that you need
# not wait; in a page without a kernel you see one neuron).

# %%
course.neuron_explorer(world, LANGUAGE, ATTRIBUTE, LAYER, neuron=17)

# %% [markdown]
# ## Does a ranking agree with itself?
#
# Draw the sentences anew (with replacement) and rank again. A ranking whose first 20 neurons change with the sample
# is no evidence about any one of them.

# %%
DRAWS = 4
rows = []
for name in ("linear", "gaussian", "probeless", "anova", "random"):
    again = pf.comparison.stability_over_bootstrap(
        lambda sample, seed, name=name: pf.rank(name, sample, seed=seed, max_neurons=40), data, draws=DRAWS, ks=[K]
    )
    rows.append(again)
stable = pd.concat(rows).set_index("ranking")[["overlap", "overlap_min", "overlap_expected", "rbo", "rbo_expected"]]
print(f"agreement of {DRAWS} rankings with each other, first {K} neurons")
print(stable.sort_values("overlap", ascending=False, kind="stable").round(2).to_string())

# %% [markdown]
# ## Where a ranking ends
#
# An order of 128 neurons always has a 128th, but the method may have stopped caring long before. Linear's penalty holds
# the weight of a neuron that the probe does not need near zero, within the size of Adam's last steps; there the order
# follows the last words that training saw. Draw the sentences anew, as above, and compare both ends of the ranking.
# Bottom to top begins with the last k.

# %%
DEPTHS = [10, 20, 40, 80]
few = pf.Splits(train=data.train.sample(5_000), dev=data.dev, test=data.test)
trained = {}


def once(sample, seed):
    """Linear on one draw of the sentences; both ends are of the same rankings."""
    if seed not in trained:
        trained[seed] = pf.rank("linear", sample)
    return trained[seed]


first = pf.comparison.stability_over_bootstrap(once, few, draws=DRAWS, ks=DEPTHS)
last = pf.comparison.stability_over_bootstrap(
    lambda sample, seed: once(sample, seed).reversed(), few, draws=DRAWS, ks=DEPTHS
)
by_weight = np.sort(pf.rank("linear", few).scores)[::-1]
ends = pd.DataFrame(
    {
        "first k shared": first["overlap"].to_numpy(),
        "k-th weight": by_weight[np.array(DEPTHS) - 1] / by_weight[0],
        "last k shared": last["overlap"].to_numpy(),
        "k-th last weight": by_weight[-np.array(DEPTHS)] / by_weight[0],
        "by chance": first["overlap_expected"].to_numpy(),
    },
    index=pd.Index(DEPTHS, name="k"),
)
print(f"Linear on {DRAWS} draws of the sentences: what two share on average, and the weight there (largest = 1)")
print(ends.round(2).to_string())

# %% [markdown]
# The last neurons agree with themselves far less than the first, where the weights are a hundredth of the largest and
# less. So a tail is no ranking: read Linear's "worst neurons", with which bottom-to-top begins, as neurons that it does
# not need, in no particular order. A score that many neurons share ends a ranking as well: Lasso gives most neurons the
# weight zero, and the Gaussian search stops at `max_neurons`. `ranking.ranked` says how many neurons a method ranked
# one by one.

# %% [markdown]
# ## Your own ranking in six lines
#
# A ranking is a small class with one method, `score_neurons`. It is a scikit-learn selector at once (`fit`,
# `transform`, pipelines). This one ranks neurons by how much they vary, and ignores number altogether:

# %%


@dataclass(eq=False, repr=False)
class Spread(Scorer):
    """How much a neuron varies over all words."""

    name = "spread"

    def score_neurons(self, words):
        """The variance of every neuron."""
        return torch.var(words.X, dim=0).numpy()


planted_data = planted.activations("art", "Number", layer=1)
mine = pf.comparison.ranking_areas([Spread().rank(planted_data)], truth)
print(mine[["ranking", "against", "area", "chance"]].round(2).to_string(index=False))

# %% [markdown]
# ## What you can say now
#
# - "Important" has as many meanings as there are methods: large weight, added information, distant means.
# - A ranking can be scored, if the truth is known, and there are two truths: *encoded* and *used*.
# - Activations alone cannot tell one from the other. A ranking that asks the model can.
# - Methods that agree with each other can be wrong together.
#
# **Try it**: load `pf.load_world("planted", planted=pf.PlantedParameters(unused=0, unused_strength=0.0))` in the second
# cell. What becomes of the right panel now, and what do the copies do to each method?
#
# **Next**: notebook 05, where two probes disagree about which of these rankings is the best.
