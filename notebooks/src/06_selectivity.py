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
# **You will learn** (1) to make a control task, (2) what selectivity is, and (3) three ways to rank the neurons of a
# control task, and why the choice matters.
#
# **You need** notebook 05. **It takes** 20 minutes to read; the cells run in about two minutes on one core (1.2 GB of
# memory), without a GPU and without network.

# %%
import numpy as np
import pandas as pd

import pitfalls as pf

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
# **Selectivity** = accuracy on the attribute - accuracy on the control task. High: the probe finds the attribute and
# can *not* learn nonsense, so it reads. Low: whatever it does, it could do without the attribute being there.
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
    rows.append(pf.probe_curves([order], data, ks=[k], tasks=["real", "control"], splits=["train", "test"]))
blocks = pd.concat(rows).pivot_table(
    index=["ranking", "probe"], columns=["task", "split"], values="accuracy", sort=False
)
print(blocks.round(2).to_string())

# %% [markdown]
# The used block knows number and no nouns: high accuracy, and next to nothing to memorise with. The lemma block is the
# opposite. Compare the two control columns as well: what is higher on *train* than on *test* was learnt from the
# occurrences, not from the forms.
#
# ## Curves on the mini BERT
#
# Every probe on every ranking, on real and on control labels. All linear probes (7 rankings, two tasks, every k) are
# trained side by side, as one batched computation that gives what each alone would give.

# %%
LANGUAGE, ATTRIBUTE, LAYER = "spa", "Gender", 2
world = pf.load_world()  # `mini`, unless the environment variable PITFALLS_WORLD says another
data = world.activations(LANGUAGE, ATTRIBUTE, layer=LAYER)
ks = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128]
anew = pf.selectivity_curves(data, ks=ks)
figure = pf.publish(pf.figures.accuracy(anew, measure="selectivity"), "06_selectivity")
figure.show()

# %%
means = anew.pivot_table(index="k", columns="probe", values=["accuracy", "control_accuracy", "selectivity"])
print("mean over the seven rankings")
print(means.round(3).to_string())

# %% [markdown]
# A claim about the paper that we infer ([I] in SOURCES.md): *Gaussian memorises; its selectivity is lower than
# Linear's*. What do these numbers say? We compare the two probes pair by pair (same ranking, same k):

# %%
pairs = anew.pivot_table(
    index=["ranking", "direction", "k"], columns="probe", values=["selectivity", "control_accuracy"]
)
more = (pairs["control_accuracy"]["gaussian"] > pairs["control_accuracy"]["linear"]).mean()
less = (pairs["selectivity"]["gaussian"] < pairs["selectivity"]["linear"]).mean()
print(f"Gaussian learns the control task better in {more:.0%} of {len(pairs)} pairs")
print(f"Gaussian is less selective in {less:.0%} of them")
gap = (pairs["selectivity"]["linear"] - pairs["selectivity"]["gaussian"]).groupby("k").mean()
print("\nselectivity, Linear minus Gaussian, mean over rankings")
print(gap.round(3).to_string())
verdict = "holds" if gap.iloc[-1] > 0 else "does not hold"
print(f"\nwith all neurons the claim {verdict} here (difference {gap.iloc[-1]:+.3f})")

# %% [markdown]
# ## Whose ranking does the control curve follow?
#
# A ranking was made from labels. For the control task there are two honest choices and one historical one:
#
# - **anew**: rank the neurons on the *control* labels, too. Both runs are the same procedure on other labels.
# - **kept**: keep the ranking of the *real* labels. Only the probe sees the nonsense.
# - **authors**: in the paper's code Probeless keeps its real ranking while Linear and Gaussian rank anew.

# %%
K = [8, 32]
probeless = [("probeless", "ttb")]
variants = pd.concat(
    [
        pf.selectivity_curves(data, ks=K, rankings=[*probeless, ("linear", "ttb")], control_ranking=how).assign(
            control=how
        )
        for how in ("anew", "kept", "authors")
    ]
)
table = variants.pivot_table(index=["ranking", "probe", "control"], columns="k", values="selectivity", sort=False)
print("selectivity at k")
print(table.round(3).to_string())
spread = table.groupby(level=["ranking", "probe"]).agg(lambda s: s.max() - s.min())
print(f"\nthe choice alone moves a selectivity by up to {spread.max().max():.3f}")

# %% [markdown]
# ## Words that the probe has never seen
#
# A form that does not occur in train has a control label that nobody could know: there accuracy must be at chance, up
# to the luck of the coins (so we toss them ten times). And on the *real* task, unseen forms show what the probe has
# learnt beyond its word list. The mini world's lexicon is small, so train has seen nearly every form of test; we take a
# third of the test forms out of train and dev.

# %%
held = pf.hold_out_forms(data, share=1 / 3, seed=0)
order = pf.rank("probeless", held)
apart = pf.probe_curves([order], held, ks=[32, 128], tasks=["real", "control"], seeds=range(10))
parts = [
    pf.interval(apart, f"accuracy_{which}").assign(forms=which)[["probe", "task", "k", "forms", "mean", "low", "high"]]
    for which in ("seen", "unseen")
]
print(pd.concat(parts).sort_values(["task", "probe", "k"], kind="stable").round(2).to_string(index=False))
print(f"\n{apart['n_unseen'].iloc[0]} of {held.test.n_words} test words have a form that train lacks")

# %% [markdown]
# ## What you can say now
#
# - High accuracy alone does not say that a probe found the attribute; it may have learnt the words.
# - Selectivity compares with what the same probe makes of nonsense. It belongs to a probe, a ranking, a k, and to the
#   choice of the control's ranking: say all four.
# - Many occurrences of few forms (as in the mini world, whose lexicon is small) make memorising easy.
#
# **What this does not show**: whether the model uses any of it. On to interventions.
#
# **Try it**: `LANGUAGE, ATTRIBUTE, LAYER = "rus", "Case", 4` (six values: is the control task harder?), or other seeds
# of the control labels, `pf.selectivity_curves(data, ks=ks, seeds=[0, 1, 2])`.
