"""``pitfalls intervene``: change the first k neurons and see what becomes of each word.

A causal model predicts a word before it reads it, so the command looks at the words that must agree with the changed
one instead (``agreement``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import pandas as pd

from pitfalls import figures
from pitfalls.cli import agreement
from pitfalls.cli.common import name_of, own_ids, say, say_found, world_and_data, wrote
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.interchange import Interchange, ResampleAblation
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.rates import clwv
from pitfalls.interventions.run import Run
from pitfalls.interventions.translation import ConstantTranslation, Translation
from pitfalls.language.analysers import SpacyAnalyser
from pitfalls.language.corpus import Sentence
from pitfalls.language.coverage import coverage
from pitfalls.language.forms import composed
from pitfalls.study.experiments import Interventions, ranking_of
from pitfalls.study.output import publish, publish_table
from pitfalls.study.sweep import sweep
from pitfalls.worlds.experiment import Experiment

# What --kind takes: the intervention with its strength, and the figure that draws it.
_KINDS: dict[str, tuple[Callable[[argparse.Namespace], Kind], Callable[[pd.DataFrame], figures.Plot]]] = {
    "translation": (lambda options: Translation(options.beta, options.target), figures.translation),
    "constant": (lambda options: ConstantTranslation(options.alpha, options.target), figures.translation),
    "interchange": (lambda options: Interchange(options.target, options.seed), figures.effects),
    "ablation": (lambda options: _ablation(options, Ablation("zero")), figures.ablation),
    "mean-ablation": (lambda options: _ablation(options, Ablation("mean")), figures.ablation),
    "resample-ablation": (lambda options: _ablation(options, ResampleAblation(options.seed)), figures.effects),
}


def _ablation(options: argparse.Namespace, kind: Kind) -> Kind:
    if options.target is not None:
        raise ValueError("an ablation has no target value: leave out --target, or use --kind translation")
    return kind


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    world, data = world_and_data(options)
    make_kind, draw = _KINDS[options.kind]
    kind = make_kind(options)
    largest = min(options.max_k, data.n_neurons)
    ks = sorted({*range(0, largest + 1, options.step), largest})
    name = name_of(options, data, options.kind)
    if world.model.causal:
        agreement.report(options, Experiment(world, data), kind, ks, name)
        return
    if options.spacy:
        world = world.judged_by(SpacyAnalyser(data.language, options.spacy, conversion=options.conversion))
    experiment = Experiment(world, data)
    _say_judge(experiment)
    _say_spelling(experiment)
    _say_left_out(experiment)
    plan = Interventions(experiment, kind, ks, options.max_neurons or largest)
    plan.rehearse()
    kept = options.output / "build" / "intervene" / name
    tasks = plan.tasks(options.seed, options.random)
    say_found(tasks, kept)
    swept = sweep(tasks, plan.work, kept)
    swept.check()
    effects, intervals = swept.tables()["effects"], swept.tables()["intervals"]
    publish(draw(effects), name, options.output)
    publish_table(intervals, f"{name}_intervals", options.output)
    for title in ("error rate", "CLWV"):
        _say_rates(intervals[intervals["measure"] == title], title, [0, min(50, largest), largest])
    best = ranking_of(max(swept.results, key=lambda result: float(clwv(result.tables["effects"])["clwv"].max())))
    run = experiment.intervene(best, kind, [largest])
    _say_damage(run)
    if options.examples > 0:
        shown = run.examples(options.examples, seed=options.seed)
        publish_table(shown, f"{name}_examples", options.output)
        sentences = experiment.sentences("test")
        say(f"{best.name} {best.direction}, k = {largest}:\n{_before_and_after(shown, sentences)}")
        say(f"wrote {options.output / 'results' / name}_examples.csv")
    say(f"wrote {options.output / 'results' / name}_intervals.csv")
    wrote(options, name)


def _say_judge(experiment: Experiment) -> None:
    """Name the analyser, and say how many of the test words it knows."""
    judge, data = experiment.analyser(), experiment.data
    known = coverage([judge], data.test.forms).set_index("per").loc["word"]
    say(
        f"judged by {judge.name}, which knows {known['known']:.1%} of the test words with {data.attribute}, "
        f"{known['with_attributes']:.1%} with their attributes"
    )


def _say_spelling(experiment: Experiment) -> None:
    """Say how many test words the tokenizer spells differently (accents, capitals), and how many the judge knows then.

    The model can only predict what its tokenizer spells, and the judge knows words as they are written.
    """
    model, judge, forms = experiment.model, experiment.analyser(), experiment.data.test.forms
    known = {form: own for form, own in own_ids(model, forms).items() if model.unknown_id not in own}
    spelt = {form: composed(model.join(own, own, form) or form) for form, own in known.items()}
    others = [form for form in forms if spelt.get(form, form) != form]
    if others:
        told = coverage([judge], [spelt.get(form, form) for form in forms]).set_index("per").loc["word"]
        say(
            f"the tokenizer spells {len(others) / len(forms):.1%} of these words differently, such as {others[0]} as "
            f"{spelt[others[0]]}; {judge.name} knows {told['known']:.1%} in the tokenizer's spelling, and can hardly "
            "judge more of the predicted words"
        )


def _say_damage(run: Run) -> None:
    """Say how many of the other words the strongest ranking damaged."""
    try:
        found = run.damage().iloc[0]
    except ValueError as error:
        # If all words carry the attribute, there is nothing to damage, and no reason to stop.
        say(f"damage: {error}")
        return
    who = f"{found['ranking']} {found['direction']}, k = {found['k']}"
    say(
        f"damage by {who}: {found['damaged']} of the {found['others']} words that were left alone came out different "
        f"({found['damage']:.1%})"
    )


def _say_left_out(experiment: Experiment) -> None:
    """Name the values of test words that are not studied, such as those that training lacks."""
    data = experiment.data
    found = {
        word.attributes.get(data.attribute) for sentence in experiment.sentences("test") for word in sentence.words
    }
    left_out = sorted(value for value in found if value is not None and value not in data.values)
    if left_out:
        least = experiment.world.min_forms
        say(
            f"values of test words that are left out, because train, dev or test has fewer than {least} "
            f"forms with them: {' '.join(left_out)}"
        )


def _say_rates(intervals: pd.DataFrame, title: str, ks: Sequence[int]) -> None:
    """Say one measure of every ranking at a few k, each with its interval; k = 0 is the model without intervention."""
    shown = intervals[intervals["k"].isin(ks)]
    cells = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in shown[["mean", "low", "high"]].to_numpy()]
    names = {k: "0 (no intervention)" if k == 0 else str(k) for k in shown["k"]}
    table = shown.assign(cell=cells, k=shown["k"].map(names)).pivot(
        index=["ranking", "direction", "ranking_seed"], columns="k", values="cell"
    )
    rows = list(dict.fromkeys(zip(shown["ranking"], shown["direction"], shown["ranking_seed"], strict=True)))
    table = table.loc[rows, list(dict.fromkeys(names.values()))]
    say(f"{title} on test, with 95 % intervals over sentences, at k =\n{table.to_string()}")


def _before_and_after(shown: pd.DataFrame, sentences: Sequence[Sentence]) -> str:
    """Each sentence before and after, with stars around the words that came out different, and their outcomes."""
    # Words may hold spaces, so the text alone does not say where they begin.
    forms = {(sentence.id, " ".join(sentence.forms)): sentence.forms for sentence in sentences}
    blocks = []
    for _, rows in shown.groupby(["sentence_id", "before"], sort=False):
        sentence_id, before = rows[["sentence_id", "before"]].iloc[0]
        after = list(forms[sentence_id, before])
        for position, predicted in zip(rows["position"], rows["predicted"], strict=True):
            after[position] = f"*{predicted}*"
        lines = ["", f"before: {before}", f"after:  {' '.join(after)}"]
        lines += [f"        {row['word']} -> {row['predicted']} ({row['outcome']})" for row in rows.to_dict("records")]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)
