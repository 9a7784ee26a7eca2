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
# # 08 · Pitfall 2: encoded is not used
#
# *"A probe reads gender from these neurons with 99 %. So that is where the model keeps gender."* Keeps, perhaps. But
# does it ever look there? To find out, one has to move the neurons and watch what the model says next.
#
# **You will learn** (1) to *predict* what changing a neuron does from what is known of it, (2) to translate: push
# words towards another value, choose the strength on dev and report on test, (3) four controls without which a high
# CLWV says little, and (4) how far, over all languages, attributes and layers of our little model, what is *encoded*
# tells what is *used*.
#
# **You need** notebooks 05 and 07. **It takes** 30 minutes to read, and 35 more for the three exercises; the cells run
# in about two and a half minutes on one core (1 GB of memory), without a GPU and without network.

# %%
import numpy as np
import pandas as pd

import pitfalls as pf
from pitfalls import course
from pitfalls.language.analysers import SimplemmaAnalyser
from pitfalls.language.coverage import agreement, coverage
from pitfalls.study.effects import long

pd.set_option("display.width", 120)
planted = pf.load_world("planted")
numbers, truth = planted.experiment("art", "Number", layer=1), pf.truth(planted)
known = numbers.data
blocks = {name: neurons for name, neurons in truth.blocks.items() if len(neurons)}
print(f"{planted.name}: {truth.n_neurons} neurons in {len(blocks)} blocks, {known.test.n_words} test words")

# %% [markdown]
# ## Predict
#
# In the planted network of notebook 04 we know every neuron, because we wrote it. Here is how well a linear probe
# reads number from each block alone:

# %%
rows = []
for name, neurons in blocks.items():
    first = pf.Ranking.of_first(neurons, truth.n_neurons, name)  # behind them all others
    accuracy = pf.probe_curve(first, known, ks=[len(neurons)], probe="linear")["accuracy"].iloc[0]
    rows.append({"block": name, "neurons": len(neurons), "probe on this block alone": round(accuracy, 2)})
encoded = pd.DataFrame(rows)
print(encoded.to_string(index=False))

# %% [markdown]
# Three blocks *encode* number. Now every word with a number is going to be pushed towards the other number, in **all
# neurons of one block**, far beyond the other value's mean. Which words come out with the other number?
#
# **Commit yourself**: for each block, will (nearly) all words flip, `True`, or (nearly) none, `False`? Write it down
# here before you run the next cell; nobody else will see it.

# %%
guess = dict.fromkeys(blocks)  # such as {"used": True, "redundant": True, ...}

# %%
parts = []
for name, neurons in blocks.items():
    first = pf.Ranking.of_first(neurons, truth.n_neurons, name)  # behind them all others
    effect = numbers.intervene(first, pf.ConstantTranslation(4), ks=[0, len(neurons)]).counts()
    parts.append(effect[effect["k"] > 0].assign(what=f"{name} ({len(neurons)} neurons)"))
    if name == "used":
        parts.insert(0, effect[effect["k"] == 0].assign(what="no intervention"))
found = pd.concat(parts, ignore_index=True)
figure = pf.publish(pf.figures.outcomes(found.drop(columns=["ranking", "k"])), "08_planted")
figure.show()

# %%
flips = pf.interventions.clwv(found[found["k"] > 0]).set_index("ranking")["clwv"]
errors = pf.interventions.error_rate(found[found["k"] > 0]).set_index("ranking")["error_rate"]
told = encoded.assign(
    CLWV=[round(flips[name], 2) for name in encoded["block"]],
    error=[round(errors[name], 2) for name in encoded["block"]],
    **{"your guess": [{None: "none yet", True: "flip", False: "stay"}[guess[name]] for name in encoded["block"]]},
)
print(told.to_string(index=False))
made = {name: said for name, said in guess.items() if said is not None}
right = sum(said == (flips[name] > 0.5) for name, said in made.items())
print(f"\nyou guessed {len(made)} of {len(blocks)} blocks, {right} of them right")

# %% [markdown]
# **In one sentence**: pushed in the 12 used neurons of the planted world all 1,000 words come out with the other
# number, and pushed in any other block only 0.001 of them, as many as without an intervention.
#
# The block called *unused* is read by a probe as well as any other; push it as far as you like, and **nothing
# happens**: the head has no connection to it. The *redundant* block holds copies of the used neurons, and the head
# does not read them either. A probe cannot tell these three blocks apart, and it never could: it looks at the neurons,
# and whether they matter is decided behind them.
#
# So much for a model that we wrote. What of one that was trained?
#
# ## How far to push
#
# **Translation** ([C] in SOURCES.md): in the first k neurons of the ranking, `h ← h + α ⊙ (q(z′) − q(z))`, from the
# mean vector of the word's own value z towards that of the next value z′. The factor α falls with the rank, from β for
# the first neuron to 0.001 for the last, evenly in its logarithm. The unscaled variant takes the same α for all.

# %% [markdown]
# ### Exercise 08.1 ★★☆ 10 minutes: a step that falls with the rank
#
# The function gets `beta` and the number of neurons `d`, and gives back the factor α of every rank, [d]: β for rank 0,
# 0.001 for rank d - 1, and evenly in the logarithm between them, so that each is the one before it times the same
# number.
#
# <details><summary>Hint 1</summary>Write α as β times something to the power of r / (d - 1). What must the something be
# for the last rank?</details>
#
# <details><summary>Hint 2</summary>β · x = 0.001 at r = d - 1, so x = 1 / (1000 β). (NumPy has
# <code>geomspace</code>.)</details>


# %% tags=["exercise"]
def coefficients(beta, d):
    """The factor alpha of every rank, [d]."""
    ### BEGIN SOLUTION
    ranks = np.arange(d)
    return beta * (1 / (1000 * beta)) ** (ranks / (d - 1))
    ### END SOLUTION


course.check("08.1", coefficients)

# %% [markdown]
# ### Exercise 08.2 ★★★ 15 minutes: one translation by hand
#
# The function gets `states` [words, neurons]; the words' values `y` [words], numbers from 0; `q` [values, neurons], the
# mean training vector of each value; `order` [neurons]; `alpha` [neurons], the factor of each *rank*; and `k`. It gives
# back states in which the first k neurons of the ranking have moved by `α (q(z′) − q(z))`. The value z′ is the next one
# after the word's own z, and after the last comes the first.
#
# <details><summary>Hint 1</summary><code>np.roll(q, -1, axis=0)</code> has in row z the mean of z + 1, and in its last
# row that of value 0.</details>
#
# <details><summary>Hint 2</summary>Make the differences first, [values, neurons]; take each word's row by
# <code>[y]</code>; then the columns <code>order[:k]</code>. Which entries of <code>alpha</code> belong to
# them?</details>


# %% tags=["exercise"]
def translate(states, y, q, order, alpha, k):
    """New states, [words, neurons]."""
    ### BEGIN SOLUTION
    step = (np.roll(q, -1, axis=0) - q)[y]  # [words, neurons]
    first = order[:k]
    after = states.copy()
    after[:, first] += alpha[:k] * step[:, first]
    return after
    ### END SOLUTION


course.check("08.2", translate)

# %%
# Your function at work: all words of one value, pushed with alpha = 4 in the used neuron that tells the values best.
q = np.stack([known.train.X[known.train.y == value].mean(axis=0) for value in range(len(known.values))])
star = max(blocks["used"].tolist(), key=lambda neuron: abs(q[1] - q[0])[neuron])
order = pf.Ranking.of_first([star], truth.n_neurons, "one neuron").order
from_here, to_there = (known.test.X[known.test.y == value] for value in range(2))
y = np.zeros(len(from_here), dtype=int)
pushed = translate(from_here, y, q, order, np.full(truth.n_neurons, 4.0), 1)
here, there = known.values
parts = {here: from_here, f"{here}, pushed": pushed, there: to_there}
moved = [pd.DataFrame({"value": name, "activation": part[:, star]}) for name, part in parts.items()]
pf.figures.neuron(pd.concat(moved), f"Neuron {star}, {planted.name}").show()

# %% [markdown]
# **In one sentence**: on this neuron the plural words have mean 1.15 and the singular words -1.17, and your push takes
# the plural ones to -8.31, not into the other value's place but far beyond it.

# %% [markdown]
# ### The strength is chosen on dev
#
# Too weak, and nothing changes. Too strong, and words break. The choice is made on **dev** words, and only then do we
# look at test words: a β that was picked on the test words would flatter whatever it was picked for.

# %%
LANGUAGE, ATTRIBUTE, LAYER = "spa", "Gender", 2
SENTENCES = 100  # drawn by a seed, the same ones for every curve
world = pf.load_world()  # `mini`, unless the environment variable PITFALLS_WORLD says another
d = world.model.n_neurons
experiment = world.experiment(LANGUAGE, ATTRIBUTE, layer=LAYER)
data = experiment.data
rankings = pf.rank_all(data, max_neurons=64)
best = {ranking.name: ranking for ranking in rankings if ranking.direction == "ttb"}
three = [best[name] for name in ("linear", "gaussian", "probeless")]
few = [d * i // 16 for i in (1, 2, 4, 8, 16)]
on_dev = pf.Sample("dev", sentences=SENTENCES // 2)
scaled = pf.interventions.run_all(experiment, three, [pf.Translation(beta) for beta in range(2, 13)], few, on_dev)
constant = pf.interventions.run_all(
    experiment, three, [pf.ConstantTranslation(alpha) for alpha in (1, 2, 4, 6, 8)], few, on_dev
)
sweep = pf.publish(pf.figures.beta(pd.concat([scaled, constant], ignore_index=True)), "08_beta")
sweep.show()

# %% [markdown]
# **In one sentence**: on dev words every ranking's CLWV is highest here at a middling strength, β = 4 or 5 (0.41 by the
# best) or α = 2 (0.46), and at the strongest push each is below 0.2.

# %%
choice = pf.interventions.choose_beta(scaled)
BETA = float(choice["overall_beta"].iloc[0])
print(choice[["ranking", "beta", "clwv", "k"]].round(2).to_string(index=False))
print(f"\nhighest mean over the three rankings: beta = {BETA:g}; the paper shows 8 [P]\n")
gain = pf.interventions.scaled_against_constant(pd.concat([scaled, constant], ignore_index=True))
print(gain[["ranking", "beta", "scaled_clwv", "alpha", "constant_clwv", "gain"]].round(2).to_string(index=False))

# %% [markdown]
# ### Exercise 08.3 ★★☆ 10 minutes: choose on dev, report on test
#
# Somebody ran one ranking with several β and k on both splits. The function gets the table `curves`, a row a split
# ("dev" or "test"), `beta` and `k`, with its `clwv`. It gives back three numbers: the β and the k that you choose, and
# the CLWV that you report.
#
# <details><summary>Hint 1</summary>Two things are chosen here, not one.</details>
#
# <details><summary>Hint 2</summary><code>dev.loc[dev["clwv"].idxmax()]</code> is the best row of a table
# <code>dev</code>. Then look up the same β and k among the other rows.</details>


# %% tags=["exercise"]
def chosen_and_reported(curves):
    """beta, k, and the CLWV to report."""
    ### BEGIN SOLUTION
    dev, test = curves[curves["split"] == "dev"], curves[curves["split"] == "test"]
    best = dev.loc[dev["clwv"].idxmax()]
    reported = test[(test["beta"] == best["beta"]) & (test["k"] == best["k"])]["clwv"].iloc[0]
    return best["beta"], best["k"], reported
    ### END SOLUTION


course.check("08.3", chosen_and_reported)

# %% [markdown]
# ## On test words
#
# Now the curves, with the β that dev chose: **error rate** (solid), words that came out different in any way, and
# **CLWV** (dashed), words that came out as the same lemma with another value. As always, ten random rankings.

# %%
KS = [d * i // 16 for i in range(17)]
draws = list(pf.random_rankings(data, draws=10))
everybody = [ranking for ranking in rankings if ranking.name != "random"] + draws
runs = [experiment.intervene(ranking, pf.Translation(BETA), ks=KS, sentences=SENTENCES) for ranking in everybody]
effects = pd.concat([run.counts() for run in runs], ignore_index=True)
figure = pf.publish(pf.figures.translation(effects), "08_translation")
figure.show()

# %% [markdown]
# **In one sentence**: with β = 5 the first neurons by Linear reach a CLWV of 0.45 here, by Probeless 0.36 and by
# Gaussian 0.24, while random rankings reach 0.02 on average and the reversed ones 0.00.
#
# The paper's saturation table asks of each curve: how high does it get, and with how many neurons? *Saturated* is the
# first k after which two more steps gain less than 5 % ([C]; the rule is in SOURCES.md). `baseline` is the CLWV
# without an intervention, and the interval is over resampled sentences, at the k of the highest CLWV.

# %%
table = pf.interventions.saturation_table(effects[effects["ranking_seed"] == 0])
rows = []
for one in table.itertuples():
    run = runs[[(r.name, r.direction) for r in everybody].index((one.ranking, one.direction))]
    rate = run.rates().query("measure == 'CLWV' and k == @one.max_k").iloc[0]
    rows.append(
        {
            "ranking": f"{one.ranking} {one.direction}",
            "highest CLWV": f"{rate['mean']:.2f} [{rate['low']:.2f}, {rate['high']:.2f}]",
            "at k": one.max_k,
            "saturated at k": one.saturation_k,
            "with CLWV": round(one.saturation_clwv, 2),
            "baseline": round(rate["baseline"], 2),
        }
    )
print(f"{table['words'].iloc[0]} words")
print(pd.DataFrame(rows).to_string(index=False))
random_peaks = pf.interventions.saturation_table(effects[effects["ranking"] == "random"])["max_clwv"]
print(f"\nten random rankings: highest CLWV {random_peaks.min():.2f} to {random_peaks.max():.2f}")

# %% [markdown]
# ## Examples
#
# Numbers hide what happens to a sentence. Changed words stand between asterisks.

# %%
top = table.loc[table[table["direction"] == "ttb"]["max_clwv"].idxmax()]
order, k = best[top["ranking"]], int(top["max_k"])
shown = experiment.intervene(order, pf.Translation(BETA), ks=[k]).examples(n=5, seed=2)
print(f"{order.name} {order.direction}, k = {k}, beta = {BETA:g}")
for _, words in shown.groupby("sentence_id", sort=False):
    before, after = words["before"].iloc[0].split(), words["after"].iloc[0]
    marked = [f"*{form}*" if i in set(words["position"]) else form for i, form in enumerate(before)]
    print("\nbefore:", *marked)
    print("after: ", after)
    for word in words.itertuples():
        print(f"        {word.word} -> {word.predicted}: {word.outcome}")

# %% [markdown]
# Try others: a sentence, k, β and a ranking, and the model answers at once.

# %%
course.intervention_explorer(experiment, three, k=k, beta=BETA)

# %% [markdown]
# ## Four controls
#
# A high CLWV has rivals for its explanation. Perhaps *any* push of that length makes words come out differently.
# Perhaps any push in a *meaningful* direction does. And perhaps the words flip because the whole sentence falls apart.
# So, with the same ranking and the same k:
#
# - **random directions**: as long as the translation, and pointing nowhere in particular; five of them;
# - **another attribute**: as long, and towards the means of Number;
# - **erasure** (LEACE, Belrose et al. 2023): all that a linear probe could read in these neurons is removed, and
#   nothing is put in its place;
# - **damage**: how many of the words that were *not* touched come out other than without the intervention?

# %%
other = world.activations(LANGUAGE, "Number", layer=LAYER)
erasure = pf.interventions.LeaceErasure.of(data)
trials = [
    (pf.Translation(BETA), k),
    *((pf.interventions.RandomDirection(BETA, seed=seed), k) for seed in range(5)),
    (pf.interventions.OtherAttribute.of(other, BETA), k),
    (pf.Ablation("mean"), k),
    (erasure, k),
    (erasure, d),
]
rows = []
for kind, first in trials:
    run = experiment.intervene(order, kind, ks=[0, first], sentences=SENTENCES)
    effect, harm = run.counts(), run.damage().query("k > 0")
    rates = pf.interventions.with_baseline(pf.interventions.error_rate(effect)).query("k > 0").iloc[0]
    rows.append(
        {
            "kind": kind.label,
            "k": first,
            "CLWV": pf.interventions.clwv(effect).query("k > 0")["clwv"].iloc[0],
            "error rate": rates["error_rate"],
            "baseline": rates["baseline"],
            "damage": harm["damage"].iloc[0],
        }
    )
controls = pf.publish(pd.DataFrame(rows), "08_controls")
print(f"{order.name} {order.direction}; baseline: error rate without an intervention")
print(controls.round(3).to_string(index=False))
mine, turned = controls["CLWV"].iloc[0], controls["CLWV"].iloc[1:6]
print(f"\nCLWV: translation {mine:.2f}, the best of five random directions {turned.max():.2f}")

# %% [markdown]
# Read the table from below. **Erasing** gender from *all* neurons of these words, as far as a straight line can read
# it, takes out all that translation plays with. How many words does it change, compared with the first line? What is
# taken out can be made good: by what no straight line reads, and by the neighbours, whose articles and adjectives
# agree. What is put *in* has to be believed. So the two ask different questions: *is this needed?* and *is this
# believed?*
#
# In between, a push as long as the translation but elsewhere. It breaks words too (error rate), but the words that
# come out are seldom the same lemma with the other gender.
#
# What an intervention *costs* is part of its result. Each path below is a ranking: it starts at the lower left
# (nothing changed, nothing broken) and moves with k. High and to the left is what fine control would look like.

# %%
FEW = [d * i // 8 for i in range(9)]
harm = pd.concat(
    [
        experiment.intervene(ranking, pf.Translation(BETA), ks=FEW, sentences=SENTENCES).damage()
        for ranking in [*three, *draws[:3]]
    ],
    ignore_index=True,
)
keys = [column for column in harm.columns if column not in ("others", "damaged", "damage")]
both = pf.interventions.clwv(effects).merge(harm, on=keys)
figure = pf.publish(pf.figures.tradeoff(both), "08_tradeoff")
figure.show()

# %% [markdown]
# **In one sentence**: the price is low here, for where the three rankings have their highest CLWV (Linear 0.45,
# Probeless 0.36, Gaussian 0.24) they damage at most 0.004 of the words that were left alone.

# %% [markdown]
# ## Who says so?
#
# That *gata* is a form of *gato*, feminine, is said by an **analyser**, and a word that the analyser does not know
# counts as *unknown*, not as changed in any interesting way. The mini world's grammar knows every form that it can
# make. With a treebank it is otherwise: its lexicon knows what it has seen, and simplemma knows lemmas and no values.
# How much would each know of the words that the model predicted, and do they agree?

# %%
predicted = experiment.intervene(order, pf.Translation(BETA), ks=[k], sentences=SENTENCES).outcomes
forms = predicted.loc[~predicted["outcome"].isin(["unchanged", "split"]), "predicted"].tolist()
ours, lemmatiser = world.analyser(LANGUAGE), SimplemmaAnalyser(LANGUAGE)
print(f"{len(forms)} words that came out different, as one word")
print(coverage([ours, lemmatiser], forms).round(2).to_string(index=False), "\n")
print(agreement(ours, lemmatiser, forms).round(2).to_string(index=False), "\n")
verdicts = {}
for judged in (world, world.judged_by(lemmatiser)):
    run = pf.Experiment(judged, data).intervene(order, pf.Translation(BETA), ks=[k], sentences=SENTENCES)
    verdicts[judged.analyser(LANGUAGE).name] = run.counts().set_index("outcome")["rate"].round(2)
print(pd.DataFrame(verdicts).to_string())

# %% [markdown]
# A lemmatiser alone cannot find a single CLWV, since it knows no values. This is why every result here says whom it
# trusts, and why *unknown* is an outcome of its own.
#
# ## Encoded against used, everywhere
#
# So far: one language, one attribute, one layer. `pitfalls sweep` does the same in **all** of them (it is part of
# `make reproduce`, and takes some minutes; here we read the tables that it wrote). For every configuration and ranking
# it keeps two areas: under the probing curve (how well a linear probe reads the first k neurons, over all k), and
# under the CLWV curve. If encoded meant used, the rankings that win the one would win the other.

# %%
study = pf.stored_study(world.name)
areas = study["areas"]
where = ["language", "attribute", "layer"]
print(f"{areas[where].drop_duplicates().shape[0]} configurations, {len(areas)} areas")
figure = pf.publish(pf.figures.encoded_used(areas), "08_encoded_used")
figure.show()

# %% [markdown]
# **In one sentence**: over all 756 points of this world, what is encoded tells little of what is used (Spearman's
# correlation 0.30), and within a configuration it tells much more (0.75 on average).
#
# Within a configuration random and reversed rankings mostly lie low on both sides, and that alone makes a correlation.
# So leave them out, and ask only which of the three others wins. By chance, the one whose first neurons a probe reads
# best would also flip the most words in one configuration of three. **Guess**: in how many is it so?

# %%
course.predict("08-a", "In what share of the configurations does the most readable ranking flip the most words?", 0, 1)

# %%
real = areas[(areas["ranking"] != "random") & (areas["direction"] == "ttb")]
reads = real.loc[real.groupby(where)["probing_area"].idxmax()].set_index(where)["ranking"]
moves = real.loc[real.groupby(where)["clwv_area"].idxmax()].set_index(where)[["ranking", "clwv_area"]]
happens = moves["clwv_area"] > 0.01
print(f"configurations in which some ranking flips words (area above 0.01): {happens.sum()} of {len(moves)}")
counts = pd.crosstab(
    reads[happens].rename("most readable"), moves.loc[happens, "ranking"].rename("most used"), margins=True
)
print(counts.to_string())
same = (reads[happens] == moves.loc[happens, "ranking"]).sum()
print(f"\nthe same ranking wins both in {same} of {happens.sum()} (by chance, about {happens.sum() / 3:.0f})")

# %%
print(course.reveal("08-a", same / happens.sum()))

# %% [markdown]
# The saturation table for the attributes and languages that the paper's has too ([C]: eng, fra, spa × Number, Tense,
# Gender), as far as this world holds them. Each cell: highest CLWV, and the k that reaches it.

# %%
counts = pf.interventions.saturation_table(long(study["effects"]))
wanted = counts[
    counts["attribute"].isin(["Number", "Tense", "Gender"]) & counts["language"].isin(["eng", "fra", "spa"])
]
wanted = wanted[(wanted["kind"] == "translation") & (wanted["ranking_seed"] == 0)]
cells = wanted.assign(cell=[f"{row.max_clwv:.2f} @{row.max_k}" for row in wanted.itertuples()])
cells["by"] = cells["ranking"] + " " + cells["direction"]
order_of = list(dict.fromkeys(cells["by"]))
print(cells.pivot(index=where, columns="by", values="cell")[order_of].to_string())

# %% [markdown]
# ## The claims
#
# Three claims are about what you have just seen: two are the paper's own ([P]), and one we infer from it ([I]). Here is
# what this world says about each; the lines are computed from the tables, not written by hand.

# %%
ttb = counts[(counts["kind"] == "translation") & (counts["direction"] == "ttb") & (counts["ranking_seed"] == 0)]
peaks = ttb.pivot_table(index=where, columns="ranking", values="max_clwv")
some = peaks[peaks.max(axis=1) > 0.05]
winner = some[["linear", "gaussian", "probeless"]].idxmax(axis=1).value_counts()
print(f"configurations with a CLWV above .05: {len(some)} of {len(peaks)}")
print(f"6 [I] Probeless has the highest CLWV: in {winner.get('probeless', 0)} of {len(some)}")
print(f"      the others: {', '.join(f'{name} {n}' for name, n in winner.items() if name != 'probeless')}")
alone = (some[["linear", "gaussian", "probeless"]].max(axis=1) > some["random"]).sum()
print(f"3 [P] neurons control the output to some extent: a ranking beats the random one in {alone} of {len(some)}")
unlike = (happens.sum() - same) / happens.sum()
print(
    f"2 [P] encoded is not used: the most readable ranking is not the most used one in {unlike:.0%} of {happens.sum()}"
)

# %% [markdown]
# ## What you can say now
#
# - *Encoded* is a statement about neurons and a probe. *Used* is a statement about the model, and takes an
#   intervention.
# - An intervention has a strength: choose it on dev. It has a cost: report the damage. It has rivals: random
#   directions, other attributes. It has a judge: say who.
# - A ranking that translates well need not read well, and the other way round.
#
# **What this does not show**: that the neurons are *where* the model "keeps" gender. A push can reach a mechanism from
# outside; that a model breaks where it is hit does not say that it was built there.
#
# **Try it**: set `ATTRIBUTE = "Number"` or `LANGUAGE, ATTRIBUTE = "rus", "Case"`, and name the value to translate to
# with `pf.Translation(BETA, target="ACC")`. Or plant a world whose head reads the copies, with
# `planted=pf.PlantedParameters(redundant_read=1.0)`, and predict again.
#
# **Next**: notebook 09, where a hundred configurations are asked whether it is always so.
