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
# # 05 · Pitfall 1: a probe is not a ranking
#
# *"With our top ten neurons, our probe reaches 91 %. With theirs, their probe reaches only 84 %. Our neurons are
# better."* Two things changed between those numbers, and only one of them is the neurons. This notebook pulls the two
# apart, first where the truth is known, then in a model.
#
# **You will learn** (1) that a linear probe can fail on a *perfect* ranking, (2) to read the probe × ranking matrix and
# to see a conclusion break when only the probe is swapped, and (3) how much of a result belongs to seeds and to
# training presets.
#
# **You need** notebook 04. **It takes** 20 minutes to read; the cells run in about two minutes on one core (1.3 GB of
# memory), without a GPU and without network.

# %%
import numpy as np
import pandas as pd
from scipy.stats import kendalltau

import pitfalls as pf

pd.set_option("display.width", 110)
planted = pf.load_world("planted-covariance")
data = planted.activations("art", "Number", layer=1)
truth = pf.truth(planted)
print(f"{truth.encoded.sum()} of {data.n_neurons} neurons encode number; {data.train.n_words} training words")

# %% [markdown]
# ## A neuron that shouts
#
# In this second planted world, number is not in a neuron's *mean* but in its *spread*: for one value the neuron stays
# close to zero, for the other it swings widely to both sides. Here is the clearest one:

# %%
spread = np.stack([data.test.X[data.test.y == c].std(axis=0) for c in range(2)])
star = int(np.abs(np.log(spread[0] / spread[1])).argmax())
table = pd.DataFrame({"value": [data.values[i] for i in data.test.y], "activation": data.test.X[:, star]})
neuron = pf.publish(pf.figures.neuron(table, f"Neuron {star}, planted-covariance"), "05_neuron")
neuron.show()

# %% [markdown]
# You can read off it: *far from zero? then the wide value*. A model can read it too; ours does. But a linear probe
# makes one straight cut, and the wide value lies on *both* sides of the narrow one.
#
# **Guess**: give a linear probe the perfect ranking (all neurons that encode number first, the clearest at the top).
# How accurate will it be?

# %%
informative = np.abs(np.log(spread[0] / spread[1]))
perfect = pf.Ranking(np.lexsort((-informative, ~truth.encoded)), None, "truth")
rankings = [perfect, pf.rank("probeless", data), pf.rank("random", data)]
ks = [1, 2, 4, 8, 12, 16, 24, 36, 48, 64, 96, 128]
curves = pf.probe_curves(rankings, data, ks=ks)
figure = pf.publish(pf.figures.accuracy(curves), "05_planted")
figure.show()

# %%
at = curves[curves["k"].isin([4, 36])].pivot_table(
    index=["k", "ranking"], columns="probe", values="accuracy", sort=False
)
print(at.round(2).to_string())
shares = np.bincount(data.test.y) / data.test.n_words
print(f"\nalways guessing the same value: {shares.max():.2f}")

# %% [markdown]
# The linear probe sees nothing, whatever the ranking. (It can even fall below one half: the words of the narrow value
# all lie on the same side of the cut, and that may be the wrong one.) The Gaussian probe sees everything, with the
# perfect ranking at once and with a random one as soon as a few good neurons are in it. So
#
# - **a low accuracy does not convict the ranking** (the perfect one has it, with the linear probe), and
# - **a high accuracy does not acquit it** (the random one has it, with the Gaussian probe).
#
# This is the extreme of a claim that we infer ([I] in SOURCES.md): a good probe with a *random* ranking can beat
# another probe on its own best ranking. Here it beats it on the best ranking that there is.
#
# ## The matrix
#
# In the mini BERT there is no truth to compare with, so we do the next best: hold one thing fixed. Along a **row**
# below only the probe changes; down a **column** only the ranking. Frames mark the cells that a study sees which grades
# every ranking with the probe that made it. The linear probe starts from three seeds, and the random ranking is drawn
# five times; `±` is half the range.
#
# The third probe, *Linear converged*, is the same loss at its minimum instead of after ten epochs of Adam: what the
# preset leaves undone shows as a difference between the first two columns.

# %%
LANGUAGE, ATTRIBUTE, LAYER, K = "spa", "Gender", 2, 8
world = pf.load_world()  # `mini`, unless the environment variable PITFALLS_WORLD says another
data = world.activations(LANGUAGE, ATTRIBUTE, layer=LAYER)
made = [pf.rank(name, data, direction=way, max_neurons=64) for name, way in pf.PAPER_RANKINGS if name != "random"]
made.append(pf.rank("linear_converged", data))
draws = list(pf.random_rankings(data, draws=5))
ks = [1, 2, 4, 8, 16, 32, 64]
curves = pd.concat(
    [
        pf.probe_curves([*made, *draws], data, ks=ks, probes=["gaussian"]),
        pf.probe_curves([*made, *draws], data, ks=ks, probes=["linear"], seeds=[0, 1, 2]),
        pf.probe_curves([*made, draws[0]], data, ks=ks, probes=["linear_converged"]),
    ],
    ignore_index=True,
)
matrix = pf.publish(pf.figures.matrix(curves, K), "05_matrix")
matrix.show()

# %% [markdown]
# ## Where a conclusion breaks
#
# For every k, and every pair of the three top-to-bottom rankings: does the verdict *"A is better than B"* survive when
# only the probe is swapped?

# %%
mean = pf.interval(curves).pivot_table(index=["k", "ranking", "direction"], columns="probe", values="mean")
rows = []
for k in ks:
    scores = mean.loc[k].xs("ttb", level="direction")
    own = {"linear": scores.loc["linear", "linear"], "gaussian": scores.loc["gaussian", "gaussian"]}
    pairs = [("linear", "gaussian"), ("linear", "probeless"), ("gaussian", "probeless")]
    flips = [
        f"{a} or {b}"
        for a, b in pairs
        if (scores.loc[a, "linear"] - scores.loc[b, "linear"]) * (scores.loc[a, "gaussian"] - scores.loc[b, "gaussian"])
        < 0
    ]
    tau = kendalltau(mean.loc[k]["linear"], mean.loc[k]["gaussian"]).statistic
    rows.append(
        {
            "k": k,
            "linear says": scores["linear"].drop(["random", "linear_converged"]).idxmax(),
            "gaussian says": scores["gaussian"].drop(["random", "linear_converged"]).idxmax(),
            "own by own": max(own, key=own.get),
            "Kendall tau": round(tau, 2),
            "verdicts that flip": "; ".join(flips) or "none",
        }
    )
verdicts = pd.DataFrame(rows).set_index("k")
print(verdicts.to_string())
flipped = (verdicts["verdicts that flip"] != "none").sum()
differ = (verdicts["linear says"] != verdicts["gaussian says"]).sum()
print(f"\nat {flipped} of {len(ks)} values of k some verdict flips; at {differ} the probes name different winners")

# %% [markdown]
# The claim from above once more: does a probe with a *random* or even a *bottom-to-top* ranking beat the other probe on
# the ranking that it made itself? In the planted world it did. Here:

# %%
RIVAL = "rival's accuracy"
rows = []
for k in ks:
    scores = mean.loc[k]
    for probe, other in (("gaussian", "linear"), ("linear", "gaussian")):
        bad = scores[probe].drop(index=[p for p in scores.index if p[1] == "ttb" and p[0] != "random"])
        rows.append(
            {
                "k": k,
                "probe": probe,
                "its best bad ranking": " ".join(bad.idxmax()),
                "accuracy": bad.max(),
                "rival": f"{other} by its own",
                RIVAL: scores.loc[(other, "ttb"), other],
            }
        )
claim = pd.DataFrame(rows)
claim["beats"] = claim["accuracy"] > claim[RIVAL]
print(claim.round(3).to_string(index=False))
holds = claim.groupby("k")["beats"].any()
print(f"\nit does at {holds.sum()} of {len(ks)} values of k; at best the difference is", end=" ")
print(f"{(claim['accuracy'] - claim[RIVAL]).max():+.3f}")

# %% [markdown]
# ## Seeds and presets
#
# How large must a difference be before it means anything? Here is the range over three seeds of the linear probe, the
# distance between the preset and the optimum of the same loss, and the interval that five *random* rankings cover.

# %%
linear = curves[(curves["probe"] == "linear") & (curves["ranking_seed"] == 0)]
over_seeds = pf.interval(linear).assign(range=lambda t: t["high"] - t["low"])
both = curves[(curves["seed"] == 0) & (curves["ranking_seed"] == 0)]
both = both.pivot_table(index=["ranking", "direction", "k"], columns="probe", values="accuracy")
preset = (both["linear_converged"] - both["linear"]).abs()
random = curves[(curves["ranking"] == "random") & (curves["seed"] == 0)]
chance = pf.interval(random, level=0.8).assign(range=lambda t: t["high"] - t["low"])
summary = pd.DataFrame(
    {
        "seeds, largest": over_seeds.groupby("k")["range"].max(),
        "preset, largest": preset.groupby("k").max(),
        "random, linear": chance[chance["probe"] == "linear"].set_index("k")["range"],
        "random, gaussian": chance[chance["probe"] == "gaussian"].set_index("k")["range"],
    }
)
print("in accuracy (1 = 100 points); random: the middle 80 % of 5 draws")
print(summary.round(3).to_string())

# %% [markdown]
# ## What you can say now
#
# - An accuracy belongs to a **pair**. "Linear by Linear beats Gaussian by Gaussian" is not a statement about rankings.
# - To compare rankings hold the probe fixed, and say which; better, show all probes.
# - To compare probes hold the ranking fixed, and say which.
# - A difference smaller than what seeds, presets or a random draw do is not a finding. (With this many training words
#   seeds hardly matter: the loss is convex. With few words, try again.)
#
# **What this does not show**: whether the probe *read* the attribute or *memorised* the words. That is 06.
#
# **Try it**: set `LANGUAGE, ATTRIBUTE, LAYER = "rus", "Case", 4` and run the matrix again. Or plant spreads that differ
# less, by `planted=pf.PlantedParameters.covariance(used_spread=1.5, unused_spread=1.5)` in the second cell.
