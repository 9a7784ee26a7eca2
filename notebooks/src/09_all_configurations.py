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
# # 09 · All configurations: is it always so?
#
# *"In Spanish gender, layer 2, Gaussian reads best and moves least."* That is one language, one attribute and one layer
# of one model. A paper that stopped there would have an anecdote. This notebook puts the same questions to **every**
# configuration of four models, and then asks what a few hundred results can show when they depend on each other.
#
# **You will learn** (1) to see patterns in many curves at once, and to doubt clusters, (2) why a Wilcoxon test over
# configurations says "significant" too easily, and what to do about it, (3) how far rankings and languages share
# neurons, against exact chance, and (4) to read a ledger in which every claim has a control, a limit that was set
# beforehand, and an interval over languages and models.
#
# **You need** notebooks 05, 06 and 08. **It takes** 30 minutes to read, and 35 more for the three exercises; the cells
# run in about a minute and a half on one core (0.7 GB of memory), without a GPU and without network: they read what
# `pitfalls sweep` computed.

# %%
import warnings
from functools import reduce
from itertools import product

import numpy as np
import pandas as pd

import pitfalls as pf
from pitfalls import course
from pitfalls.comparison.crossed_interval import crossed_interval
from pitfalls.comparison.overlap import chance_of_overlap
from pitfalls.comparison.paired_interval import paired_interval
from pitfalls.study.claims import CLAIMS, ledger, parts, unit_values
from pitfalls.study.configurations import configurations
from pitfalls.study.everywhere import STUDIED
from pitfalls.study.evidence import Studies
from pitfalls.study.paper import claim_tables, compared_ks, of_the_paper, tables_of

warnings.filterwarnings("ignore", category=PendingDeprecationWarning)  # seaborn's, of matplotlib
pd.set_option("display.width", 130, "display.max_colwidth", 110)
world = pf.load_world()  # `mini`, unless the environment variable PITFALLS_WORLD says another
d = world.model.n_neurons
tables = tables_of(pf.stored_study(world.name), d)  # of the first model; the ledger below takes them all
real = of_the_paper(tables["curves"])
WHERE = ["language", "attribute", "layer"]
pairs = world.pairs()
print(pairs.to_string(index=False))
print(f"\n{len(pairs)} pairs on {real['layer'].nunique()} layers: {len(configurations(world))} configurations")

# %% [markdown]
# Not every attribute of every language is here: a value counts only if it has enough distinct word forms in train, dev
# and test (the **value filter**), and an attribute needs two such values. Change the threshold, and the list changes.
#
# ## Three patterns?
#
# The authors' code speaks of three typical pictures ([C] in SOURCES.md): *Standard*, in which the two probes read about
# as much; *G>L*, in which the Gaussian probe reads more; *L>G*, the other way round. We put a number on it: how far the
# Gaussian probe is ahead on average, over k up to a quarter of the neurons, along rankings that **neither probe made**
# (Probeless and random). A probe along its own ranking would bring pitfall 1 back in.
#
# **Guess**: in how many of the configurations is the Gaussian probe ahead by more than .02? (And in how many the Linear
# probe?)

# %%
course.predict(
    "09-a",
    "In how many configurations is the Gaussian probe ahead by more than .02, on average?",
    0,
    len(configurations(world)),
    "configurations",
)


# %%
def gaussian_ahead(curves):
    """By how much the Gaussian probe is ahead, on average over k and over rankings that neither probe made."""
    foreign = curves[curves["ranking"].isin(["probeless", "random"]) & (curves["direction"] == "ttb")]
    at = foreign[foreign["k"] <= d // 4].pivot_table("accuracy", WHERE, "probe")
    return at["gaussian"] - at["linear"]


ahead = gaussian_ahead(real)
on_dev = gaussian_ahead(tables["curves"].query("task == 'real' and split == 'dev'"))
print(f"Gaussian ahead by more than .02 in {(ahead > 0.02).sum()} of {len(ahead)} configurations,")
print(f"Linear ahead by more than .02 in {(ahead < -0.02).sum()}")
print(ahead.groupby("attribute").agg(["mean", "min", "max"]).round(3).to_string())
most, least = on_dev.idxmax(), on_dev.idxmin()  # chosen on dev, and reported on test
for what, where in (("highest", most), ("lowest", least)):
    print(f"{what} on dev: {' '.join(map(str, where))}, on test {ahead[where]:.3f}")

# %%
print(course.reveal("09-a", (ahead > 0.02).sum()))

# %% [markdown]
# The Gaussian probe is ahead by more than .02 in 66 of the 108 configurations, and the linear probe in none: where it
# did best on dev, in Russian Aspect on layer 1, it is ahead by .005 on test. So *Standard* and *G>L* occur in this
# model, and *L>G* does not.
#
# Here is the configuration in which the Gaussian probe was furthest ahead on dev:

# %%
own = real.set_index(WHERE).loc[most].reset_index()
figure = pf.publish(pf.figures.accuracy(own), "09_pattern")
figure.show()

# %% [markdown]
# **In one sentence**: from all 128 neurons the Gaussian probe reads English Number here at 0.94 and the linear probe at
# 0.87, and from a single one, chosen by Gaussian or by Probeless, they are still level (0.66 and 0.65).

# %% [markdown]
# ## Clusters, and how far to trust them
#
# The recipe of figure 2 in our list of the paper's figures (SOURCES.md, [C]): all curves of a configuration, one after
# the other, are a vector of length 1; K-means starts from three configurations, one per pattern; t-SNE lays the points
# out. The paper's three are not in this world, so we take the extremes of ours. The picture always looks like
# *something*. How much of it stays if we start elsewhere, take other k, or leave a language out? (Adjusted Rand index:
# 1 for the same clusters, 0 for what chance gives.)

# %%
figure = pf.publish(pf.figures.clusters(tables["clusters"]), "09_clusters")
figure.show()

# %% [markdown]
# **In one sentence**: the 108 configurations fall into clusters of 51, 36 and 21 here, and in all three the Gaussian
# probe is ahead on average.
#
# Two warnings. The names are those of the starting points: English Number, from which G>L started, ended up in the
# cluster called Standard. And the *score* is an average over all curves, also over those of a probe on its own ranking,
# which is pitfall 1. The cell below prints the lead along rankings that neither probe made.

# %%
print(
    tables["clusters"]
    .groupby(["cluster"])["attribute"]
    .agg(["size", lambda a: ", ".join(sorted(set(a)))])
    .to_string(header=False)
)
stable = tables["stability"].groupby("change")["adjusted_rand"].agg(["mean", "min", "max"])
print("\n" + stable.round(2).to_string())
print("\nhow far Gaussian is ahead in each cluster, on average (along rankings that neither probe made)")
print(ahead.groupby(tables["clusters"].set_index(WHERE)["cluster"]).mean().round(3).to_string(header=False))

# %% [markdown]
# Started from three other configurations, the clusters come back with an index of 0.81 on average and of 0.24 in the
# worst case; without one of the languages it is at least 0.69. So the clusters are not arbitrary, and yet no conclusion
# should depend on where one of them ends. Along rankings that neither probe made, the Gaussian probe leads most in the
# cluster called G>L (.034, against .024 in Standard and .007 in L>G). The score has the first two the other way round.
#
# ## Which method is better?
#
# A method is a probe *by* a ranking; there are fourteen. For each pair: by how much does one's accuracy exceed the
# other's, over all configurations? A star says that Wilcoxon's signed-rank test, corrected for all 91 pairs (Benjamini
# and Hochberg), finds the difference significant. The authors test at k = 10, 50 and 150 of 768 neurons [C]. Mind that
# 50 neurons are 39 % of this layer, and that with all 128 every ranking is the same set, so that only probes differ.

# %%
K = compared_ks(real)[1]
overall = tables["wilcoxon"].query("by == 'all'")
figure = pf.publish(pf.figures.wilcoxon(overall[overall["k"] == K]), "09_wilcoxon")
figure.show()

# %% [markdown]
# **In one sentence**: with the first 50 neurons 84 of the 91 pairs have a star here, and the Gaussian probe by the
# Linear ranking is ahead of all 13 other methods, at most by 14.9 percentage points.

# %% [markdown]
# ### Exercise 09.1 ★★★ 15 minutes: ninety-one tests at once
#
# Of 91 tests without any difference, four or five have p < .05. Benjamini and Hochberg's correction bounds the share
# of false stars among the stars. The function gets p-values `p` [n], in any order, and gives back the adjusted ones,
# [n], in the same order: sort them; multiply the one of rank i = 1, 2, … by n / i; then go from the largest to the
# smallest and let none be larger than the one after it.
#
# <details><summary>Hint 1</summary><code>order = np.argsort(p)</code> sorts, and <code>adjusted[order] = …</code> puts
# the results back where they came from.</details>
#
# <details><summary>Hint 2</summary>"None larger than the one after it" is a running minimum from the end:
# <code>np.minimum.accumulate(x[::-1])[::-1]</code>.</details>


# %% tags=["exercise"]
def adjusted(p):
    """Adjusted p-values, [n], in the order of p."""
    ### BEGIN SOLUTION
    order, n = np.argsort(p), len(p)
    scaled = p[order] * n / np.arange(1, n + 1)
    after = np.empty(n)
    after[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return after
    ### END SOLUTION


course.check("09.1", adjusted)

# %%
# Your function at work: the same table for the smallest k, its p-values adjusted by you.
smallest = overall[overall["k"] == overall["k"].min()]
yours = smallest.assign(p_adjusted=adjusted(smallest["p_value"].to_numpy()))
pf.figures.wilcoxon(yours).show()

# %% [markdown]
# **In one sentence**: with the first 10 neurons 90 of the 91 pairs keep their star here after your correction, and the
# Gaussian probe by its own ranking is ahead of all 13 other methods.

# %% [markdown]
# ### Are the configurations independent?
#
# So many stars. But look at what the test takes for granted: that the configurations are **independent**. They are
# not. Four layers of the same language and attribute are the same words. Number and gender of one language sit on the
# same nouns. In truth we have not a hundred observations, we have a few languages.
#
# A test that respects this flips the sign of *whole languages*: if there is no difference between two methods, each
# language might as well have come out the other way.
#
# **Guess**: how many of the 91 pairs stay significant at .05, uncorrected?

# %%
rows = []
for k in compared_ks(real):
    wilcoxon = overall[overall["k"] == k]
    blocked = tables["permutations"].query("k == @k")
    rows.append(
        {
            "k": k,
            "pairs": len(wilcoxon) // 2,
            "Wilcoxon": (wilcoxon["p_value"] < 0.05).sum() // 2,
            "Wilcoxon, corrected": (wilcoxon["p_adjusted"] < 0.05).sum() // 2,
            "languages flipped": (blocked["p_value"] < 0.05).sum() // 2,
            "all languages agree": (blocked["p_value"] <= blocked["least_p"] + 1e-9).sum() // 2,
            "least p possible": blocked["least_p"].max(),
        }
    )
print("pairs that are significant at .05")
print(pd.DataFrame(rows).to_string(index=False))

# %% [markdown]
# With so few languages this test **cannot** be significant: the last column is the smallest p-value that it can give
# at all. That is not a weakness of the test. It is what the data can bear: a hundred configurations of a few languages
# are no proof about *languages*. What remains is a count that needs no p-value: for how many pairs do *all* languages
# agree? And the size of the difference, which no test gives:

# %%
best = overall[(overall["k"] == K) & (overall["direction_a"] == "ttb") & (overall["direction_b"] == "ttb")]
best = best[best["mean_difference"] > 0].sort_values("mean_difference", ascending=False, kind="stable")
best = best.assign(a=best["probe_a"] + " by " + best["ranking_a"], b=best["probe_b"] + " by " + best["ranking_b"])
columns = ["a", "b", "mean_difference", "wins", "losses", "rank_biserial"]
print(f"top to bottom, k = {K}: the ten largest differences")
print(best[columns].head(10).round(3).to_string(index=False))

# %% [markdown]
# How sure are these means? Two doubts, kept apart: other **languages** (whole languages are drawn anew), and other
# **seeds** (of the random ranking, the only one here that draws).

# %%
LINEAR, GAUSSIAN = ("linear", "linear", "ttb"), ("gaussian", "gaussian", "ttb")
CHOSEN, RANDOM = ("linear", "probeless", "ttb"), ("linear", "random", "ttb")
intervals = pd.concat([paired_interval(real, K, methods) for methods in ((LINEAR, GAUSSIAN), (CHOSEN, RANDOM))])
columns = ["probe_a", "ranking_a", "probe_b", "ranking_b", "over", "n_languages", "mean_difference", "low", "high"]
print(intervals[columns].round(3).to_string(index=False))

print("\nfrom the means of the four languages alone, with Student's t")
at_k = real[real["k"] == K].pivot_table("accuracy", WHERE, ["probe", "ranking", "direction"])
for one, other in ((LINEAR, GAUSSIAN), (CHOSEN, RANDOM)):
    of_languages = (at_k[one] - at_k[other]).groupby("language").mean()
    found = crossed_interval(of_languages.to_frame("bert"))
    print(f"{one[0]} by {one[1]}, less {other[0]} by {other[1]}: {found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]")

# %% [markdown]
# Drawing four languages anew gives intervals that are **too narrow**: four values say little about how much languages
# vary, and drawing them again does not know that. Student's t does, and by it the first difference may as well be zero.
# The ledger below uses t.
#
# ### Exercise 09.2 ★★★ 15 minutes: flip whole languages
#
# Write the test that respects languages. The function gets `differences` [configurations] (accuracy of one method minus
# that of the other) and `languages`, a list with the language of each configuration. Every way to give each language a
# sign, + or -, is a flip; all configurations of a language get its sign. The p-value is the share of flips, the one
# without any minus included, whose mean over all configurations is at least as far from 0 as the observed mean.
#
# <details><summary>Hint 1</summary>With n languages there are 2<sup>n</sup> flips:
# <code>product((1, -1), repeat=n)</code>.</details>
#
# <details><summary>Hint 2</summary>Give each configuration the number of its language. Then
# <code>np.array(signs)[number]</code> are the signs of all configurations.</details>


# %% tags=["exercise"]
def p_of_flips(differences, languages):
    """The two-sided, exact p-value."""
    ### BEGIN SOLUTION
    names = sorted(set(languages))
    number = np.array([names.index(language) for language in languages])
    flips = [differences * np.array(signs)[number] for signs in product((1, -1), repeat=len(names))]
    return np.mean([abs(flip.mean()) >= abs(differences.mean()) for flip in flips])
    ### END SOLUTION


course.check("09.2", p_of_flips)

# %% [markdown]
# ## Do rankings choose the same neurons?

# %%
middle = sorted(real["layer"].unique())[1]
bars = tables["overlaps"].query("layer == @middle")
shown = list(dict.fromkeys(zip(bars["language"], bars["attribute"], strict=True)))[::3][:8]
bars = pd.concat([bars[(bars["language"] == a) & (bars["attribute"] == b)] for a, b in shown], ignore_index=True)
figure = pf.publish(pf.figures.overlap_bars(bars), "09_overlap")
figure.show()

# %% [markdown]
# **In one sentence**: two rankings share 2 to 11 of their first 17 neurons here, where chance gives 2.3, and 23 of the
# 32 bars are above what chance still allows.
#
# Lines are what random rankings would share, and shades what chance still allows. Now across attributes and languages,
# for one ranking:

# %%
figure = pf.publish(pf.figures.overlap_map(tables["pairs"].query("layer == @middle")), "09_map")
figure.show()

# %% [markdown]
# **In one sentence**: the same attribute in two languages shares 3.2 of the first 17 neurons here on average and two
# attributes in one language 3.6, where chance gives 2.3, and only 24 of the 351 pairs are above what chance allows.

# %%
shared = tables["shared"]
columns = ["layer", "attribute", "n_languages", "overlap", "expected", "high", "p_value"]
print(shared.query("layer == @middle")[columns].round(3).to_string(index=False))
above = shared["overlap"] > shared["high"]
# What lies above `high` has a probability of its own, which is not .05: overlaps are whole numbers.
chance = [chance_of_overlap(d, row.k, row.n_languages)[row.high + 1 :].sum() for row in shared.itertuples()]
cases = reduce(np.convolve, [[1 - p, p] for p in chance])  # how likely 0, 1, 2, … cases above are
print(f"\nabove what chance allows in {above.sum()} of {len(shared)} cases; by chance in {sum(chance):.2f} of them")
print(f"so many cases or more, if cases are independent: P = {cases[above.sum() :].sum():.5f}")
print(f"shared neurons in all cases together: {shared['overlap'].sum()}; by chance {shared['expected'].sum():.1f}")
print("cases above, by attribute (an attribute's layers are the same words):")
print(shared[above].groupby("attribute").size().to_string(header=False))

# %% [markdown]
# The languages of an attribute share 67 neurons in all cases together, where independent orders would share 37.8, and 3
# of the 32 cases are above what chance allows, where 0.2 would be (P = .001, if cases are independent; the layers of
# one attribute are not, but these three are three attributes). So languages do share neurons. But do they share neurons
# *for the attribute*? In the map above, the same attribute in two languages shares 3.2 of the first 17 neurons, and two
# *different* attributes in two languages share 2.9. Most of the excess is there for any two attributes: some neurons
# vary more than others, whatever is asked. Claim 10b in the ledger asks about the difference.

# %% [markdown]
# ### Exercise 09.3 ★☆☆ 5 minutes: what chance shares
#
# The columns *expected* are exact, and one line of arithmetic. The function gets the number of neurons `n`, the size of
# the top sets `k`, and the number of random rankings `m`. How many neurons are, on average, among the first k of *all*
# m rankings?
#
# <details><summary>Hint</summary>How likely is it that one given neuron is among the first k of one random ranking? Of
# m independent ones? And there are n such neurons.</details>


# %% tags=["exercise"]
def expected_overlap(n, k, m):
    """The expected number of neurons that m random rankings share among their first k."""
    ### BEGIN SOLUTION
    return n * (k / n) ** m
    ### END SOLUTION


course.check("09.3", expected_overlap)

# %% [markdown]
# ## The ledger
#
# Now every claim that the course tests (SOURCES.md, "Claims"; the list is ours, the tags say what the paper states).
# The rules stand in `pitfalls/study/claims.py`. They were written before these studies were computed, but not before
# anybody had looked: that constant strength does better (11) and that Gaussian loses more on unseen forms (5b) had
# shown in an earlier study of this BERT, so there it is the other models that count.
#
# - **One number per language and model**, never one per configuration.
# - **The control is subtracted**: the number is a difference from chance, a rival or a control task.
# - **k is at most a quarter of the neurons** (10a and 10b: the first 17, which is what 100 are of 768). At all of them,
#   every ranking is the same set.
# - **Whatever is chosen is chosen on dev**: k, strengths, rankings, winners. Numbers are from test.
# - **The interval is over languages and models** (with Student's t, as both are few). A claim *holds* if its number
#   must lie above a limit and all of the interval does, and it *fails* if all of it lies below. If the interval
#   contains the limit, the verdict is *undecided here*: four languages and four models do not tell.
#
# Beside them stands the same number in an **untrained twin**: the same architecture with random weights. What shows
# there as well is no finding about what training has put into a model. Where a claim is about pushing neurons, a twin
# cannot tell: it gets every word wrong before anything is pushed.

# %%
names = list(STUDIED) if world.name == "mini" else [""]
by_model = {name: claim_tables(pf.stored_study(world.name, name), d) for name in names}
twins = {name: by_model.pop(name) for name in names if name.endswith("untrained")}
claims = ledger(by_model, d, twins)
print(f"{len(by_model)} trained models and {len(twins)} untrained\n")
for claim in claims.itertuples():
    print(f"{claim.claim:3} [{claim.tag}] {claim.text}: {claim.verdict.upper()}")
    print(f"      {claim.evidence}")
    print(f"      compared with: {claim.control}" + (f"; untrained: {claim.untrained}" if claim.untrained else ""))

# %% [markdown]
# Three claims hold here (7, 10a and 11), two hold in part (2 and 9), one fails (1), and eight are undecided. With two
# of these models, the BERT and XLM-R, one claim held and one held in part: what decided was more *models*, not more
# words. And what is still undecided waits for more *languages*. Look at claim 3. Its numbers are all above .05 and
# nearly the same in every model; but they are about .3 in Spanish and .1 or less in Russian and Turkish, and four
# languages that differ so much do not say what a fifth would do.
#
# Claim 1 fails because its sign is the wrong one: on average over languages and models, two *fixed* probes contradict
# each other more often than own-probe grading contradicts either. That does not make self-grading sound. It says that
# on these attributes the choice of the grader matters as much as the swap does.
#
# Claim 2 holds by the Gaussian probe, and by the linear one its interval, from +.008, just reaches the limit of .01. A
# limit that was set beforehand is there for such a case.
#
# Look at the untrained twin, too. There a bad ranking beats the other probe's own far more often (claim 4, +0.389
# against +0.038), and the Gaussian probe is further ahead where it is most (claim 9, +0.117 against +0.063). So neither
# says anything about what training has put into a model. Rankings overlap less in the twin, but still above chance
# (10a). And claim 8 has no verdict: by its own four languages, XLM-R decides only two parts.
#
# Behind each line are a few numbers that you can look at, one per language and model. This is claim 2, judged by the
# linear probe:

# %%
studies = Studies.of(by_model, d)
(second,) = [claim for claim in CLAIMS if claim.number == "2"]
for part in second.parts:
    print(part.what)
    print(unit_values(part, studies).round(3).to_string(), "\n")
print(parts(by_model, d, [second])[["part", "limit", "mean", "low", "high", "verdict"]].round(3).to_string(index=False))

# %% [markdown]
# In every language of every model the ranking that moves most moves more than the one that is read best. By the
# Gaussian probe, the four models range from .041 to .075 on average, and the four languages from .024 to .096. So
# another seed changes the answer less than another language does.

# %% [markdown]
# ## What you can say now
#
# - One configuration is an anecdote, and a hundred of four languages are four observations with many decimals.
# - Correct for the number of pairs, keep together what belongs together, and report the size of a difference first.
# - Clusters are a description. Their stability is part of it.
# - A claim needs its control inside the number, and its limit before the number. "Undecided here" is a verdict.
# - A claim that fails here may hold elsewhere. Say where you looked.
#
# **Try it**: `pitfalls sweep --world mini --model xlmr --seed 1 --output again` computes one model's study with another
# seed. Which verdicts change?
#
# **Next**: notebook 10, where every figure of the paper that we know of comes once, from the same tables.
