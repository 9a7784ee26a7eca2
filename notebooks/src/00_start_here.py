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
# # 00 · Start here
#
# *Somebody shows you a neuron of a language model that is high on plurals and low on singulars. Do you believe that
# the model uses it to count?* This course is about what you would have to see before you say yes.
#
# **You will learn** (1) whether everything is set up, (2) which three worlds the experiments run in, and (3) how
# exercises and guesses work.
#
# **You need** some Python (NumPy and a little pandas) and a rough idea of what a masked language model is. **It takes**
# 10 minutes to read, and 3 more for the exercise; the cells run in about a quarter of a minute on one core (0.7 GB of
# memory), without a GPU and without network.

# %%
import platform
from importlib.metadata import requires, version

import pandas as pd
from packaging.requirements import Requirement

import pitfalls as pf
from pitfalls import course
from pitfalls.language.treebanks import TREEBANKS
from pitfalls.worlds.load import PAPER_MIN_FORMS

pd.set_option("display.width", 110)

# %% [markdown]
# ## Is everything there?
#
# The package says which versions it needs at least. The first cell shows what it found, the second one what is too
# old.

# %% tags=["nbval-ignore-output"]
print(f"Python {platform.python_version()}, pitfalls {pf.__version__}")
for name in ("numpy", "pandas", "scikit-learn", "torch", "transformers", "matplotlib", "ipywidgets"):
    print(f"{name:14}{version(name)}")

# %%
needed = [Requirement(line) for line in requires("pitfalls") or []]
needed = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": "course"})]
old = [f"{one} (found {version(one.name)})" for one in needed if not one.specifier.contains(version(one.name), True)]
print("\n".join(old) or "every package is there and new enough")

# %% [markdown]
# If a package is missing or too old: `make lab` in the folder of the course builds an environment that fits. Then a
# sentence through the small model that comes with the course. It gets the words, and gives for every subword its most
# probable one; nothing is masked. (`##` marks a subword that goes on with the word before it.)

# %%
mini = pf.load_world("mini")
sentence = mini.sentences("spa", "test")[3].forms
batch = mini.model.encode([sentence])
states = mini.model.hidden(batch, mini.model.n_layers)
said = mini.model.pieces(mini.model.predict(states, batch.word_ids >= 0).tolist())
print("in: ", *sentence)
print("out:", *said)

# %% [markdown]
# ## Three worlds
#
# A world is a masked language model, sentences whose words have attributes (number, gender, tense …), and a lexicon.
# The experiments are the same in all three; one word switches: `pf.load_world("planted")`, `"mini"`, `"paper"`.


# %%
def known(world):
    """Whether it is known which neurons the model reads."""
    try:
        return f"yes: {pf.truth(world).used.sum()} neurons"
    except ValueError:
        return "no"


planted = pf.load_world("planted")
worlds = {
    world.name: {
        "model": {"planted": "a network written by hand", "mini": "a small BERT"}[world.name],
        "languages": ", ".join(world.languages),
        "layers": world.model.n_layers,
        "neurons a layer": world.model.n_neurons,
        "test sentences of a language": len(world.sentences(world.languages[-1], "test")),
        "distinct forms that a value needs": world.min_forms,
        "is the truth known?": known(world),
    }
    for world in (planted, mini)
}
worlds["paper"] = {
    "model": "M-BERT or XLM-R",
    "languages": f"{len(TREEBANKS)} treebanks",
    "layers": "of the model",
    "neurons a layer": "of the model",
    "test sentences of a language": "of the treebank",
    "distinct forms that a value needs": PAPER_MIN_FORMS,
    "is the truth known?": "no",
}
print(pd.DataFrame(worlds).to_string())

# %% [markdown]
# - **planted** is a network that we wrote ourselves, neuron by neuron. There we know the answer, and a method that is
#   wrong can be *caught*.
# - **mini** is a real, small, trained BERT for four generated languages. Every kind of experiment that we know the
#   paper made (SOURCES.md) runs on it in minutes. It is a toy *language*, not a toy *protocol*.
# - **paper** is the reproduction: any masked language model that transformers loads, on the treebanks of Universal
#   Dependencies in nine languages. It needs a download and, for whole studies, a GPU. No cell of the course needs it.
#
# No result of the planted or the mini world is a result of the paper. Where ours disagree with it, the notebooks say
# so.
#
# ## How guesses work
#
# Before a result comes, commit yourself: give an interval in which it lies, so wide that you would be right 8 times in
# 10. If you have guessed, you read the result differently. Guesses stay on your own disk, and notebook 10 shows how
# often yours held what they promised.
#
# The first one. You saw the model say one sentence again. **Of all subwords of 200 Spanish test sentences, what share
# does it give back unchanged?** Move the slider's two ends and press the button, then run the cells below it. (Once you
# have seen the result, a guess no longer counts. Where no slider appears, one line of code does the same.)

# %%
course.predict("00-a", "What share of unmasked subwords does the mini BERT give back unchanged?", 0, 1)

# %%
sentences = [sentence.forms for sentence in mini.sentences("spa", "test")[:200]]
batch = mini.model.encode(sentences)
states = mini.model.hidden(batch, mini.model.n_layers)
asked = batch.word_ids >= 0
same = (mini.model.predict(states, asked) == batch.input_ids[asked]).float().mean().item()
print(f"{same:.3f} of {int(asked.sum())} subwords come back unchanged")

# %% tags=["nbval-ignore-output"]
print(course.reveal("00-a", same))

# %% [markdown]
# That is worth keeping in mind. The model is never asked to fill gaps in this course: it reads a whole sentence and
# says it again. When we change some neurons and it says *something else*, the change was ours.
#
# ## How exercises work
#
# An exercise has a level (★☆☆ recall, ★★☆ apply, ★★★ think further), minutes, and folded hints. You replace `raise
# NotImplementedError` by your own lines and run the cell. Its last line checks your answer; a wrong answer gets a hint
# about what seems to be wrong. In the instructor's version of a notebook the solution is already there.
#
# ### Exercise 00.1 ★☆☆ 3 minutes: an accuracy by hand
#
# Write `accuracy(predicted, true)`: two lists of values, one a word, in; the share of the words where the two agree,
# between 0 and 1, out.
#
# <details><summary>Hint</summary>
#
# `zip(predicted, true)` goes through both at once, and `True` counts as 1 in a sum.
#
# </details>


# %% tags=["exercise"]
def accuracy(predicted, true):
    """The share of the words whose predicted value is the true one."""
    ### BEGIN SOLUTION
    return sum(p == t for p, t in zip(predicted, true, strict=True)) / len(true)
    ### END SOLUTION


course.check("00.1", accuracy)


# %% [markdown]
# And this is what a wrong answer gets. (Here the error is caught so that the notebook runs on; in an exercise it
# stops.)


# %%
def counted(predicted, true):
    """How many agree. Something is missing."""
    return sum(p == t for p, t in zip(predicted, true, strict=True))


try:
    course.exercises()["00.1"].check(counted)
except course.WrongAnswer as hint:
    print(hint)

# %% [markdown]
# Any exercise can be left out: no later cell needs your answer.
#
# ## The way through the course
#
# | notebook | the question | reading | running, one core |
# |---|---|---|---|
# | 01 Two pitfalls in ten minutes | what can go wrong with "this neuron encodes gender"? | 10 min | 2½ min |
# | 02 Words, attributes and control tasks | how good is a list of words? | 25 min | ½ min |
# | 03 From sentences to neurons | is one neuron that separates evidence? | 25 min | ½ min |
# | 04 Three ways to rank a neuron | do rankings agree, with each other and with the truth? | 25 min | 3 min |
# | 05 A probe is not a ranking | what does an accuracy say about a ranking? | 20 min | 3 min |
# | 06 Did the probe read, or memorise? | what is left when memory is taken away? | 20 min | 2½ min |
# | 07 Ablation | what breaks when neurons are taken out? | 25 min | 3½ min |
# | 08 Encoded is not used | can we change a word's gender, and nothing else? | 30 min | 4½ min |
# | 09 All configurations | does it hold everywhere, and how sure can we be? | 30 min | 1½ min |
# | 10 The paper, figure by figure | which claims hold here, and how good were your guesses? | 35 min | 2½ min |
# | 11 Your own model and attribute | and in your model? | 20 min | ½ min |
# | 12 A real language model | does it hold in models that others trained? | 25 min | ½ min |
#
# Reading times are without exercises. **In a hurry**: 01, then 05 and 08. **For a lecture**: 01. **For a lab**: 02 to
# 06, then 07 and 08. Every notebook stands on its own: it loads what it needs, and its first lines say what you
# should know.
#
# Two habits will help. Run the cells from top to bottom ("Restart kernel and run all cells" when in doubt). And
# change something: the first cell of each notebook has the language, the attribute and the layer, and its last lines
# say what to try.
#
# ## What you can say now
#
# - Everything is installed, and the mini world's model says its sentences again.
# - There is a world in which the answer is known (planted), one in which the whole protocol runs (mini), and the
#   paper's.
# - A guess is an interval, and comes before the result.
#
# **What this does not show**: any neuron.
#
# **Next**: notebook 01, two pitfalls in ten minutes.
