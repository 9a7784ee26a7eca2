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
# # 06 · Did the probe read, or did it memorise?
#
# A student who has learnt the answers by heart gets full marks, too. A probe with enough freedom can do the same: it
# need not find *gender* in the vectors if it can recognise the *words*. Hewitt & Liang (2019) gave a test: ask it
# something that is true of no word, and see whether it answers.
#
# **You will learn** (1) to make a control task, (2) what selectivity is, (3) three ways to rank the neurons of a
# control task, and why the choice matters, and (4) to tell a probe that *can* memorise from one that did.
#
# **You need** notebook 05. **It takes** 20 minutes to read, and 30 more for the three exercises; the cells run in about
# two and a half minutes on one core (0.9 GB of memory), without a GPU and without network.

# %%
import numpy as np
import pandas as pd

import pitfalls as pf
from pitfalls import course
from pitfalls.comparison.selectivity import selectivity
from pitfalls.probes.curves import CurveJob, curves_of, score
from pitfalls.probes.scores import clustered_mean

pd.set_option("display.width", 110)
planted = pf.load_world("planted")
data = planted.activations("art", "Number", layer=1)
control = pf.control_task(data, seed=0)

# %% [markdown]
# ## A question without an answer
#
# For every *word form* we toss a coin. The label is nonsense, but it is *consistent* nonsense: the same form always has
# the same one, in train and in test. All that a probe can do is to learn the forms by heart.

# %%
shown = pd.DataFrame(
    {
        "form": data.train.forms[:8],
        "number": [data.values[y] for y in data.train.y[:8]],
        "control": [control.values[y] for y in control.train.y[:8]],
    }
)
print(shown.to_string(index=False))
by_hand = {}
for form, label in zip(control.train.forms, control.train.y, strict=True):
    assert by_hand.setdefault(form, label) == label  # one label a form
print(f"\n{len(by_hand)} forms; {np.mean(list(by_hand.values())):.2f} of them have the label {control.values[1]!r}")

# %% [markdown]
# ### Exercise 06.1 ★★☆ 15 minutes: one label per word form
#
# Make a control task yourself. The function gets two lists of word forms, `train` and `test`, the number of labels
# `n_values`, and a `seed`. It gives back the labels of the training words and of the test words: whole numbers from 0
# to `n_values - 1`. One form has one label wherever it occurs; a form that only test has draws its own; the same seed
# gives the same labels, and those of train do not depend on what test holds.
#
# <details><summary>Hint 1</summary>Keep a dictionary from forms to labels, and fill it from train first.</details>
#
# <details><summary>Hint 2</summary><code>generator = np.random.default_rng(seed)</code> once, then
# <code>generator.integers(n_values)</code> for each new form. A <code>set</code> has another order in every session:
# loop over the list, or sort.</details>


# %% tags=["exercise"]
def labels_by_form(train, test, n_values, seed):
    """The control labels of the training words and of the test words."""
    ### BEGIN SOLUTION
    generator = np.random.default_rng(seed)
    labels = {}
    for form in [*train, *test]:
        if form not in labels:
            labels[form] = generator.integers(n_values)
    return [labels[form] for form in train], [labels[form] for form in test]
    ### END SOLUTION


course.check("06.1", labels_by_form)

# %% [markdown]
# **Selectivity** = accuracy on the attribute - accuracy on the control task. High: the probe finds the attribute, and
# it can *not* learn the nonsense. Low: the probe *could* have learnt the words by heart. Whether it did is another
# question. Selectivity does not answer it; words that the probe has never seen do, at the end of this notebook.
#
# ## In the planted world, block by block
#
# We know which neurons know the *noun* (the lemma block) and which know *number*. **Guess**: on which block can a probe
# learn the nonsense best? And will the linear or the Gaussian probe be better at it?

# %%
truth = pf.truth(planted)
rows = []
for block in ("used", "lemma", "noise"):
    first = np.isin(np.arange(data.n_neurons), truth.blocks[block])
    order = pf.Ranking(np.argsort(~first, kind="stable"), None, block)
    k = len(truth.blocks[block])
    jobs = [CurveJob(order, task) for task in ("real", "control")]
    rows.append(curves_of(jobs, data, ks=[k], splits=["train", "test"]))
blocks = pd.concat(rows)
blocks["read"] = [f"{a:.2f} ±{1.96 * e:.2f}" for a, e in zip(blocks["accuracy"], blocks["accuracy_se"], strict=True)]
shown = blocks.pivot_table("read", ["ranking", "probe"], ["task", "split"], aggfunc="first", sort=False)
print("accuracy ± 1.96 standard errors, if other word forms had been drawn")
print(shown.to_string())

# %% [markdown]
# The used block knows number and no nouns: high accuracy, and next to nothing to memorise with. The lemma block is the
# opposite. Compare the two control columns as well: what is higher on *train* than on *test* was learnt from the
# occurrences, not from the forms.
#
# ## Curves on the mini BERT
#
# Every probe on every ranking, on real and on control labels. All linear probes (7 rankings, two tasks, every k) are
# trained side by side, as one batched computation that gives what each alone would give. (The table alone comes from
# one call, `pf.comparison.selectivity_curves(data, ks=ks)`; here we keep the counts of each form, for the intervals.)
#
# Luck alone gets one half of the coins right. How much nonsense can a probe learn that has all 128 neurons, and is
# asked about new occurrences of forms that it knows?

# %%
course.predict("06-a", "How accurate is the Gaussian probe on the control task, with all neurons?", 0, 1)

# %%
LANGUAGE, ATTRIBUTE, LAYER = "spa", "Gender", 2
world = pf.load_world()  # `mini`, unless the environment variable PITFALLS_WORLD says another
data = world.activations(LANGUAGE, ATTRIBUTE, layer=LAYER)
ks = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128]
coined = pf.control_task(data, seed=0)
real, on_coins = (pf.rank_all(part, max_neurons=ks[-1]) for part in (data, coined))
scored = score([*map(CurveJob, real), *(CurveJob(ranking, "control") for ranking in on_coins)], data, ks)
table = pd.concat([curve.table() for curve in scored])
anew = selectivity(table[table["task"] == "real"], table[table["task"] == "control"])
figure = pf.publish(pf.figures.accuracy(anew, measure="selectivity"), "06_selectivity")
figure.show()

# %% [markdown]
# How sure are these numbers? Other texts would hold other words, and all occurrences of a form are right or wrong
# together. So the intervals resample *forms*, not words. Both probes are asked about the same forms, so the difference
# between them has an interval of its own.


# %%
def told(mean, error):
    """Means and their 95 % intervals."""
    return [f"{m:.3f} ±{1.96 * e:.3f}" for m, e in zip(mean, error, strict=True)]


def with_interval(counts, words):
    """Counts by form [n_forms, n_ks] as a share of all words, each with a 95 % interval over forms."""
    return told(*clustered_mean(counts, words))


words = scored[0].words  # of each form, the same for every curve
right = {}  # words read right, of each form
for curve in scored:
    ranking = curve.about["ranking"], curve.about["direction"]
    right[curve.about["probe"], curve.about["task"], ranking] = curve.right
rankings = [(ranking.name, ranking.direction) for ranking in real]
beyond = {  # words read right of the attribute, beyond those of the control task
    probe: {ranking: right[probe, "real", ranking] - right[probe, "control", ranking] for ranking in rankings}
    for probe in ("linear", "gaussian")
}
means = anew.pivot_table(index="k", columns="probe", values=["accuracy", "control_accuracy"])
average = {probe: np.mean([*by_ranking.values()], axis=0) for probe, by_ranking in beyond.items()}
average["linear - gaussian"] = average["linear"] - average["gaussian"]
shown = means.round(3)
for name, counts in average.items():
    shown["selectivity", name] = with_interval(counts, words)
print("mean over the seven rankings; ± over forms")
print(shown.to_string())

# %%
print(course.reveal("06-a", means["control_accuracy"]["gaussian"].iloc[-1]))

# %% [markdown]
# **In one sentence**: in the mean over the rankings the difference in selectivity is within its interval up to 24
# neurons, with 32 the linear probe leads by 0.057 ±0.037, and with all 128 it is at 0.321 and the Gaussian one has
# fallen to 0.135.
#
# A claim about the paper that we infer ([I] in SOURCES.md): *Gaussian memorises; its selectivity is lower than
# Linear's*. These are two claims. *Less selective* compares four accuracies, and we test it here. *Memorises* says how
# the probe gets at the attribute, and has to wait.
#
# We compare the two probes pair by pair (same ranking, same k), up to 32 neurons, a quarter of the layer. With all 128
# every ranking is the same, and the comparison is about the probes alone.

# %%
few = [i for i, k in enumerate(ks) if k <= 32]
by_coins = {probe: np.stack([right[probe, "control", ranking][:, few] for ranking in rankings]) for probe in beyond}
learns = by_coins["gaussian"].sum(axis=1) > by_coins["linear"].sum(axis=1)
less = [clustered_mean((beyond["linear"][one] - beyond["gaussian"][one])[:, few], words) for one in rankings]
lead, error = np.stack(less, axis=1)
sure = np.abs(lead) > 1.96 * error
print(f"up to 32 neurons, Gaussian learns the control task better in {learns.mean():.0%} of {learns.size} pairs")
print(f"and is less selective in {(lead > 0).mean():.0%} of them")
print(f"differences outside their interval: Gaussian less selective {(sure & (lead > 0)).sum()}", end=", ")
print(f"Gaussian more selective {(sure & (lead < 0)).sum()}")

# %% [markdown]
# One ranking in more detail, Probeless:

# %%
KS = [8, 32, 128]
at = [ks.index(k) for k in KS]
probeless = "probeless", "ttb"
rows = {}
for probe in ("linear", "gaussian"):
    for task, name in (("real", "accuracy"), ("control", "control accuracy")):
        rows[probe, name] = with_interval(right[probe, task, probeless][:, at], words)
    rows[probe, "selectivity"] = with_interval(beyond[probe][probeless][:, at], words)
difference = beyond["linear"][probeless] - beyond["gaussian"][probeless]
rows["linear - gaussian", "selectivity"] = with_interval(difference[:, at], words)
print(f"Probeless, {len(words)} forms, {words.sum()} test words")
print(pd.DataFrame(rows, index=pd.Index(KS, name="k")).T.to_string())

# %% [markdown]
# With 8 neurons Gaussian is less selective by 0.035 ±0.023, with 32 by 0.090 ±0.032, and with all 128 by 0.187 ±0.056.
# On the attribute both are equally accurate, so all of the difference is nonsense that Gaussian learns and Linear does
# not. On *this* ranking Gaussian is less selective. Does it mean that Gaussian did not read gender?

# %% [markdown]
# ### Exercise 06.2 ★☆☆ 5 minutes: selectivity at the same k
#
# The function gets a table `table` of one probe on one ranking with the columns `task` ("real" or "control"), `k` and
# `accuracy`, its rows in any order. It gives back the selectivity as a Series with `k` as its index, for those k that
# both tasks have.
#
# <details><summary>Hint</summary><code>table.pivot(index="k", columns="task", values="accuracy")</code> puts the two
# tasks side by side; where one of them is missing, it leaves NaN.</details>


# %% tags=["exercise"]
def selectivity_at(table):
    """Selectivity, a Series with k as its index."""
    ### BEGIN SOLUTION
    by_task = table.pivot(index="k", columns="task", values="accuracy").dropna()
    return by_task["real"] - by_task["control"]
    ### END SOLUTION


course.check("06.2", selectivity_at)

# %%
# Your function at work: both probes on the Probeless ranking.
own = anew[(anew["ranking"] == "probeless") & (anew["direction"] == "ttb")]
yours = []
for _, one in own.groupby("probe"):
    tasks = one.rename(columns={"accuracy": "real", "control_accuracy": "control"})
    tasks = tasks.melt("k", ["real", "control"], var_name="task", value_name="accuracy")
    yours.append(one.assign(selectivity=selectivity_at(tasks).loc[one["k"]].to_numpy()))
pf.figures.accuracy(pd.concat(yours), measure="selectivity").show()

# %% [markdown]
# **In one sentence**: on the Probeless ranking both probes begin alike here (0.27 with one neuron), and from there the
# linear probe's selectivity rises to 0.338 at 48 neurons while the Gaussian probe's falls to 0.135 with all of them.

# %% [markdown]
# ## Whose ranking does the control curve follow?
#
# A ranking was made from labels. For the control task there are two honest choices and one historical one:
#
# - **anew**: rank the neurons on the *control* labels, too. Both runs are the same procedure on other labels.
# - **kept**: keep the ranking of the *real* labels. Only the probe sees the nonsense.
# - **authors**: in the paper's code Probeless keeps its real ranking while Linear and Gaussian rank anew ([C] in
#   SOURCES.md, Traps).

# %%
K = [8, 32]
at = [ks.index(k) for k in K]
followed = [ranking for ranking in real if (ranking.name, ranking.direction) in (probeless, ("linear", "ttb"))]
rows = {}
for curve in score([CurveJob(ranking, "control") for ranking in followed], data, K):
    probe, name = curve.about["probe"], curve.about["ranking"]
    reads, learns_anew = (right[probe, task, (name, "ttb")][:, at] for task in ("real", "control"))
    anew_and_kept = (with_interval(reads - counts, words) for counts in (learns_anew, curve.right))
    rows[name, probe, "anew"], rows[name, probe, "kept"] = anew_and_kept
    # The authors' choice takes each ranking from one of these two.
    rows[name, probe, "authors"] = rows[name, probe, "kept" if name == "probeless" else "anew"]
    rows[name, probe, "kept - anew"] = with_interval(learns_anew - curve.right, words)
print("selectivity at k")
print(pd.DataFrame(rows, index=pd.Index(K, name="k")).T.to_string())

# %% [markdown]
# *Kept* gives the higher selectivity in all eight rows: a ranking that was made for the coins helps to learn the coins.
# But only one of these differences is outside its interval, Linear by Linear with 32 neurons (+0.070 ±0.041). In the
# authors' mixture the rule differs between rankings, so there a difference between Probeless and Linear may be one
# between the rules.

# %% [markdown]
# ## Words that the probe has never seen
#
# A probe that knows its words by heart knows nothing about a word that it has never met. So take a third of the test
# forms out of train and dev, and ask for these. On the control task nobody can do better than chance there. On the
# attribute, a probe that only memorised is at chance as well, and a probe that reads is not. (The coins are tossed only
# once here, so luck remains: on English nonsense both probes end above one half.)
#
# The mini BERT, Russian gender and English number, layer 2, the Probeless ranking. Which probe will be better on words
# that it has never seen: the selective one, or the one that learns more nonsense?


# %%
def held_out(world, language, attribute):
    """What both probes read, in a table; a third of the test forms occur in no training or dev sentence."""
    data = world.activations(language, attribute, layer=LAYER)
    held = pf.probes.hold_out_forms(data, share=1 / 3, seed=0)
    order = pf.rank("probeless", held)
    right = {}
    for curve in score([CurveJob(order), CurveJob(order, "control")], held, ks=KS[1:]):
        right[curve.about["probe"], curve.about["task"]] = curve.right
        words, unseen = curve.words, curve.unseen
    about = f"{language} {attribute}, {world.model.name}"
    print(f"{about}: {unseen.sum()} unseen forms, {words[unseen].sum()} of {words.sum()} test words")
    common, new = np.bincount(held.train.y).argmax(), ~np.isin(held.test.forms, held.train.forms)
    seen_share, unseen_share = ((held.test.y[which] == common).mean() for which in (~new, new))
    print(
        f"always train's most frequent value ({held.values[common]}): seen {seen_share:.2f}, unseen {unseen_share:.2f}"
    )
    rows = {}
    for task, which, name in (
        ("control", ~unseen, "nonsense, seen forms"),
        ("control", unseen, "nonsense, unseen forms"),
        ("real", ~unseen, "attribute, seen forms"),
        ("real", unseen, "attribute, unseen forms"),
    ):
        linear, gaussian = (right[probe, task][which] for probe in ("linear", "gaussian"))
        for probe, counts in (("linear", linear), ("gaussian", gaussian), ("gaussian - linear", gaussian - linear)):
            rows[name, probe] = with_interval(counts, words[which])
    # Seen and unseen forms are not the same, so the variances of their accuracies add up.
    linear, gaussian = right["linear", "real"], right["gaussian", "real"]
    for probe, counts in (("linear", linear), ("gaussian", gaussian), ("gaussian - linear", gaussian - linear)):
        seen, seen_error = clustered_mean(counts[~unseen], words[~unseen])
        mean, error = clustered_mean(counts[unseen], words[unseen])
        rows["attribute, seen - unseen", probe] = told(seen - mean, np.hypot(seen_error, error))
    return pd.DataFrame(rows, index=[f"k = {k}" for k in KS[1:]]).T.unstack()


for language, attribute in (("rus", "Gender"), ("eng", "Number")):
    print(held_out(world, language, attribute).to_string(), "\n")

# %% [markdown]
# Read the rows of Russian gender at k = 128. Gaussian knows far more nonsense (0.778 of the seen forms' coins, Linear
# 0.479), and it also reads better: on words that it has never seen it is at 0.949 ±0.030, and Linear at 0.904 ±0.032.
# The difference is +0.045 ±0.023, form by form, and with 32 neurons it is +0.045 ±0.036. English number looks the same
# at k = 128 (0.849 and 0.800), but there the interval of the difference includes zero (+0.048 ±0.055).
#
# So *"a probe that learns nonsense as well has not read anything"* is false, tempting as it is. The claim from above
# comes apart. On these configurations of one model:
#
# - Gaussian is **less selective**: mostly, with Spanish gender. Up to 32 neurons it is so in 57 % of the pairs. Where
#   the difference is outside its interval (18 of 56), Gaussian is the less selective one 16 times and the more
#   selective one twice. From 16 neurons on, the mean lead of the linear probe grows.
# - Gaussian **memorises the attribute instead of reading it**: no. On unseen forms memory is of no use, and there it is
#   far above the most frequent value of train (0.49 and 0.47) and not below Linear in either language.
# - Gaussian **loses more** on unseen forms than Linear does: in three of the four cases (two attributes, two k), but
#   only once by more than the interval (Russian with 32 neurons, +0.045 ±0.043). The forms were drawn at random, so
#   this loss (*seen - unseen*) is what memory adds; both probes have some of it.
#
# The first and the last of these are claims 5a and 5b of the ledger: notebook 09 tests them over languages and models.

# %% [markdown]
# ## A model that has learnt nothing
#
# How much of this has the *model* learnt? The untrained twin of the mini BERT has the same architecture and tokenizer,
# and random weights. It has never seen a sentence. How well will the probes read Russian gender from it?

# %%
print(held_out(world.untrained(0), "rus", "Gender").to_string())

# %% [markdown]
# With all 128 neurons and on seen forms Gaussian reads gender from random weights at 0.946, and from the trained model
# at 0.978. Such an accuracy says next to nothing about the model. On unseen forms the twin falls behind: 0.828 ±0.045
# against 0.949 ±0.030 for Gaussian, and 0.635 ±0.051 against 0.904 ±0.032 for Linear. With 32 neurons the
# numbers are 0.592 ±0.048 against 0.819 ±0.037, and 0.532 ±0.049 against 0.775 ±0.036. That distance is what training
# has added.
#
# And still both probes read the twin's 128 neurons better than always answering train's most frequent value does
# (0.49). Words are made of pieces, each piece has a random vector, and unseen words share their endings with seen ones:
# that is probably what the probes read. So even a probe that reads unseen words need not read anything that the model
# has *learnt*. (This is one twin, of one model, and one attribute.)

# %% [markdown]
# Here are both models beside each other, from one neuron to a quarter of them, on the unseen forms alone.


# %%
def on_unseen(world):
    """What both probes read along Probeless and along random rankings, of words whose form is not in train."""
    held = pf.probes.hold_out_forms(world.activations("rus", "Gender", layer=LAYER), share=1 / 3, seed=0)
    rankings = [pf.rank("probeless", held), *pf.random_rankings(held, draws=3)]
    curves = pf.probe_curves(rankings, held, ks=[1, 2, 4, 8, 16, 32])
    return curves.assign(accuracy=curves["accuracy_unseen"], attribute="Gender of unseen forms")


both = {"trained": on_unseen(world), "untrained": on_unseen(world.untrained(0))}
pf.publish(pf.figures.beside(pf.figures.accuracy, both), "06_untrained").show()

# %% [markdown]
# **In one sentence**: along Probeless the linear probe climbs from 0.572 to 0.775 in the trained model and only from
# 0.494 to 0.532 in the twin, and the Gaussian probe from 0.584 to 0.819 and from 0.494 to 0.592.
#
# In the twin, a random ranking of 32 neurons is read about as well as Probeless (0.522 by the linear probe and 0.620 by
# the Gaussian one, means of three draws).

# %% [markdown]
# ### Exercise 06.3 ★★★ 10 minutes: what a perfect memory would reach
#
# A probe that remembers the label of every training form, and nothing else: which accuracy on the control task can it
# expect on the *test words*? The function gets the word forms `train` and `test` (two lists) and the number of labels
# `n_values`, all equally likely, and gives back that accuracy. No probe can expect more.
#
# <details><summary>Hint 1</summary>There are two kinds of test words: those whose form is in train, and the others. How
# often is it right on each kind?</details>
#
# <details><summary>Hint 2</summary>Accuracy counts words, not forms: a frequent form weighs more.</details>


# %% tags=["exercise"]
def perfect_memory(train, test, n_values):
    """The expected control accuracy of a probe that remembers every training form."""
    ### BEGIN SOLUTION
    known = set(train)
    seen = np.mean([form in known for form in test])
    return seen + (1 - seen) / n_values
    ### END SOLUTION


course.check("06.3", perfect_memory)

# %% [markdown]
# ## What you can say now
#
# - A high accuracy alone does not say that a probe found the attribute; it may have learnt the words.
# - Selectivity compares with what the same probe makes of nonsense. It belongs to a probe, a ranking, a k, and to the
#   choice of the control's ranking: say all four.
# - Low selectivity says that a probe *could* have memorised. Words that it has never seen show whether it reads.
# - Compare with an untrained model: what a probe reads there as well, training has not put in.
# - Many occurrences of few forms (as in the mini world, whose lexicon is small) make memorising easy.
#
# **What this does not show**: whether the model uses any of it. On to interventions.
#
# **Try it**: `LANGUAGE, ATTRIBUTE, LAYER = "rus", "Case", 4` (six values: is the control task harder?), or other seeds
# of the control labels, `pf.comparison.selectivity_curves(data, ks=ks, seeds=[0, 1, 2])`.
#
# **Next**: notebook 07, where neurons are switched off and the model runs on without them.
