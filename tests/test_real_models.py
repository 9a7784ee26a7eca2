"""The real models against the slow, obvious way: transformers' plain models with a hook, and one probe at a time.

Nothing is fetched: the models must lie in the cache already (``make real``). The text is the mini world's English,
read as if it were English EWT, and sentences that are constructed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from numpy.typing import NDArray
from oracles import plain_training_loop
from scipy.stats import multivariate_normal

import pitfalls as pf
from pitfalls.interventions.interchange import Interchange
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.translation import ConstantTranslation
from pitfalls.language.agreement.items import Item
from pitfalls.language.agreement.minimal_pairs import minimal_pairs
from pitfalls.language.treebanks import cache_folder
from pitfalls.models import real
from pitfalls.models.vectors import site_vectors
from pitfalls.site import Site
from pitfalls.study.output import stored_study
from pitfalls.study.real.plan import plans
from pitfalls.study.real.work import again
from pitfalls.worlds.load import load_world

pytestmark = pytest.mark.slow

SENTENCES = {"train": 400, "dev": 60, "test": 120}
FEW = {"train": 120, "dev": 10, "test": 20}
#: Margins (nats) that differ by less are the same. Both sides add in float32, in different orders: they were some 1e-5
#: apart, and changes move margins by more than a thousand times that.
SAME, MOVES = 1e-4, 1e-2
BEGINS = "<|endoftext|>"
VALUES = ("PL", "SG")


@pytest.fixture(scope="module")
def text(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of English, under the names of English EWT's files."""
    folder = tmp_path_factory.mktemp("english")
    for split, count in SENTENCES.items():
        generated = (root / "data" / "mini" / f"eng_mini-ud-{split}.conllu").read_text(encoding="utf-8")
        some = "\n\n".join(generated.split("\n\n")[:count])
        (folder / f"en_ewt-ud-{split}.conllu").write_text(f"{some}\n\n", encoding="utf-8")
    return folder


def there(name: str) -> Path:
    """The folder of a real model, if it is in the cache as its manifest says."""
    folder = cache_folder() / "models" / name
    fault = real._fault(real.MODELS[name], folder)
    if fault is not None:
        pytest.skip(f"{name} is not ready in {folder} ({fault or 'there is no such folder'}): pitfalls fetch {name}")
    return folder


def world_of(name: str, text: Path, cache: Path) -> pf.World:
    """The real world of the text, with word vectors kept apart from the user's own."""
    there(name)
    return replace(load_world("real", model=name, treebanks=text, min_forms=4), cache=cache)


@pytest.fixture(scope="module")
def minilm(text: Path, tmp_path_factory: pytest.TempPathFactory) -> pf.World:
    world = world_of("minilm", text, tmp_path_factory.mktemp("minilm"))
    world.prepare(["eng"], world.layers)
    return world


@pytest.fixture(scope="module")
def smollm2(text: Path, tmp_path_factory: pytest.TempPathFactory) -> pf.World:
    """With vectors of all sites that are drawn, from one pass."""
    world = world_of("smollm2", text, tmp_path_factory.mktemp("smollm2")).sampled(FEW)
    world.prepare(["eng"], [site_of(seed) for seed in range(10)])
    return world


# ------------------------------------------------------------------------------------------ the plain models


class Plain:
    """Transformers' own model and tokenizer, and what stands before and after the words of a text."""

    def __init__(self, name: str, auto: Any) -> None:
        self.model = auto.from_pretrained(there(name), dtype=torch.float32).eval()
        self.tokenizer = hf.AutoTokenizer.from_pretrained(there(name))
        self.causal = name == "smollm2"
        self.before, self.after = (
            ([self.tokenizer.convert_tokens_to_ids(BEGINS)], [])
            if self.causal
            else ([self.tokenizer.cls_token_id], [self.tokenizer.sep_token_id])
        )

    def tokenised(self, words: Sequence[str]) -> list[list[int]]:
        """The ids of each word; in running text a space belongs to the word after it."""
        texts = [f" {word}" if self.causal and i else word for i, word in enumerate(words)]
        return [self.tokenizer(one, add_special_tokens=False)["input_ids"] for one in texts]

    def read(self, words: Sequence[str], states: Callable[..., Any] = lambda read: read.hidden_states) -> Any:
        """What the model says of one sentence without padding, [1, t, ...] each."""
        ids = [*self.before, *chain.from_iterable(self.tokenised(words)), *self.after]
        with torch.no_grad():
            return states(self.model(input_ids=torch.tensor([ids]), output_hidden_states=True))

    def slots(self, words: Sequence[str]) -> list[list[int]]:
        """Where each word's subwords stand."""
        ends = np.cumsum([len(self.before), *map(len, self.tokenised(words))])
        return [list(range(*ends[i : i + 2])) for i in range(len(words))]

    def module(self, site: pf.Site) -> torch.nn.Module:
        """The block that gives a layer, or the map in it that reads its neurons."""
        base = self.model.base_model
        block = (base.layers if self.causal else base.encoder.layer)[site.layer - 1]
        if site.kind == "residual":
            return block
        return block.mlp.down_proj if self.causal else block.output.dense

    @contextmanager
    def hooked(self, site: pf.Site, touch: Callable[[torch.Tensor], None]) -> Iterator[None]:
        """While inside, ``touch`` sees the states [1, t, n_units] of a site, and may change them."""

        def output(_: object, __: object, out: Any) -> None:
            touch(out[0] if isinstance(out, tuple) else out)

        module = self.module(site)
        if site.kind == "residual":
            handle = module.register_forward_hook(output)
        else:
            handle = module.register_forward_pre_hook(lambda _, given: touch(given[0]))
        yield
        handle.remove()


@pytest.fixture(scope="module")
def plain_smollm2() -> Plain:
    return Plain("smollm2", hf.AutoModelForCausalLM)


@pytest.fixture(scope="module")
def plain_minilm() -> Plain:
    return Plain("minilm", hf.AutoModel)


# ------------------------------------------------------------------------------------------ whole vectors


@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_word_vectors_are_transformers_hidden_states(name: str, request: pytest.FixtureRequest) -> None:
    """The mean over a word's subwords in MiniLM, and its last one in SmolLM2, at every layer and inside three."""
    world, plain = request.getfixturevalue(name), request.getfixturevalue(f"plain_{name}")
    sentences = [sentence.forms for sentence in world.sentences("eng", "test")[:8]]
    sentences.append(("Un-believable", "keyholders", "don't", "re-tokenise", "naïvely", "!"))
    layers = [pf.Site("residual", layer) for layer in world.layers]
    inside = [pf.Site("mlp", layer) for layer in (1, len(layers) // 2, len(layers) - 1)]
    found = site_vectors(world.model, sentences, [*layers, *inside])
    expected: list[list[NDArray[np.float32]]] = [[] for _ in found]
    several = 0
    for words in sentences:
        states = list(plain.read(words))
        for site in inside:
            with plain.hooked(site, states.append):
                plain.read(words)
        slots = plain.slots(words)
        several += sum(len(own) > 1 for own in slots)
        for vectors, of_site in zip(expected, states, strict=True):
            vectors += [(of_site[0, own[-1]] if plain.causal else of_site[0, own].mean(0)).numpy() for own in slots]
    assert several > 5
    for site, vectors in zip([*layers, *inside], expected, strict=True):
        theirs = np.stack(vectors)
        apart = np.linalg.norm(found[site] - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
        assert apart.max() < 2e-5, site


# ------------------------------------------------------------------------------------------ interventions

KINDS: Sequence[Callable[[float], Kind]] = (
    lambda strength: pf.Translation(beta=3 * strength),
    lambda strength: ConstantTranslation(alpha=strength),
    lambda _: pf.Ablation(),
    lambda _: pf.Ablation("mean"),
    lambda strength: Interchange(seed=int(10 * strength)),
)


def site_of(seed: int) -> pf.Site:
    """Below the last layer, from which no other word reads."""
    kind = ("residual", "mlp")[seed % 2]
    return pf.Site(kind, int(np.random.default_rng(seed).integers(1, 30)))


def plain_change(experiment: Any, order: NDArray[np.int64], k: int, kind: Kind, item: Item) -> Callable[[Any], None]:
    """What an intervention does to the state [n_units] of an item's controller, unit by unit."""
    train = experiment.data.train
    X, labels = train.X.astype(np.float64), np.array(train.values)[train.y]
    mean = {value: X[labels == value].mean(0) for value in VALUES}
    (other,) = set(VALUES) - {item.value}
    d = len(order)

    def change(state: torch.Tensor) -> None:
        if isinstance(kind, Interchange):
            source = train.X[plain_draw(np.flatnonzero(labels == other), item, kind.seed)]
        for rank, unit in enumerate(order[:k].tolist()):
            if isinstance(kind, pf.Translation):
                alpha = kind.beta * (1 / (1000 * kind.beta)) ** (rank / (d - 1))
                state[unit] += alpha * (mean[other][unit] - mean[item.value][unit])
            elif isinstance(kind, ConstantTranslation):
                state[unit] += kind.alpha * (mean[other][unit] - mean[item.value][unit])
            elif isinstance(kind, Interchange):
                state[unit] = float(source[unit])
            else:
                state[unit] = float(X[:, unit].mean()) if kind.value == "mean" else 0.0

    return change


def plain_draw(rows: NDArray[np.int64], item: Item, seed: int) -> int:
    """The training word that an item's controller draws; none stands in a sentence that is constructed."""
    told = "".join(f"{len(word)}:{word}" for word in item.words)
    sentence = int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big") >> 1
    drawn = hashlib.blake2b(f"{seed} {sentence} {item.controller}".encode(), digest_size=8).digest()
    return int(rows[int.from_bytes(drawn, "big") % len(rows)])


@pytest.fixture(scope="module")
def ends(plain_smollm2: Plain) -> list[int]:
    """The tokens after which a word has ended: those that begin with neither a letter nor a digit."""
    tokenizer = plain_smollm2.tokenizer
    word = tokenizer("a", add_special_tokens=False)["input_ids"]
    more = [text[1:2] for text in tokenizer.batch_decode([[*word, token] for token in range(len(tokenizer))])]
    return [i for i, first in enumerate(more) if not first.isalnum() and first != "\N{REPLACEMENT CHARACTER}"]


def plain_margin(plain: Plain, ends: list[int], item: Item, site: pf.Site, change: Callable[[Any], None]) -> float:
    """Log-probability of the right form less that of the wrong one, nats, each from a forward pass of its own."""

    def log_p(form: str) -> float:
        words = [*item.prefix, form]
        slots, pieces = plain.slots(words), plain.tokenised(words)[-1]
        with plain.hooked(site, lambda states: change(states[0, slots[item.controller][-1]])):
            logits = plain.read(words, lambda read: read.logits)[0].double()
        log_p = logits.log_softmax(-1)
        before = slots[-1][0] - 1
        return float(sum(log_p[before + i, piece] for i, piece in enumerate(pieces)) + log_p[-1, ends].logsumexp(0))

    return log_p(item.right) - log_p(item.wrong)


@pytest.mark.parametrize("seed", range(10))
def test_a_margin_is_that_of_the_plain_model_with_a_hook(
    smollm2: pf.World, plain_smollm2: Plain, ends: list[int], seed: int
) -> None:
    """Every kind of intervention in the residual stream and in neurons, at random layers, in random units."""
    draw = np.random.default_rng(100 + seed)
    site, kind = site_of(seed), KINDS[seed % 5](float(draw.uniform(1, 4)))
    experiment = smollm2.experiment("eng", "Number", site=site)
    assert experiment.data.values == VALUES
    ranking = experiment.rank("random", seed=seed)
    k = int(draw.integers(1, len(ranking) + 1))
    items = minimal_pairs("test", 4, seed)
    found = experiment.intervene(ranking, kind, ks=[k]).margins(items)
    assert found["item"].tolist() == [0, 1, 2, 3] and set(found["changed"]) == {"controller"}
    moved = []
    for item, row in zip(items, found.itertuples(), strict=True):
        before = plain_margin(plain_smollm2, ends, item, site, lambda _: None)
        after = plain_margin(plain_smollm2, ends, item, site, plain_change(experiment, ranking.order, k, kind, item))
        assert (row.before, row.margin) == (pytest.approx(before, abs=SAME), pytest.approx(after, abs=SAME))
        moved.append(abs(after - before))
    assert max(moved) > MOVES


# ------------------------------------------------------------------------------------------ probes


def plain_gaussian(X: NDArray[Any], y: NDArray[np.int64], test: NDArray[Any], width: int) -> NDArray[np.int64]:
    """The class of each test word, by the density of a Gaussian per class with the maximum a posteriori covariance."""
    log_joint = []
    for c in range(y.max() + 1):
        own = X[y == c]
        scatter = (own - own.mean(0)).T @ (own - own.mean(0))
        covariance = (np.diag(own.var(0, ddof=1)) + scatter) / (2 * width + 4 + len(own))
        density = multivariate_normal(own.mean(0), covariance)
        log_joint.append(density.logpdf(test) + np.log(len(own) / len(y)))
    return np.stack(log_joint).argmax(0)


@pytest.mark.parametrize("seed", range(10))
def test_an_accuracy_is_that_of_one_probe_trained_the_plain_way(minilm: pf.World, seed: int) -> None:
    """Random attributes, layers, rankings and k: the very same accuracy."""
    draw = np.random.default_rng(seed)
    attribute = str(draw.choice(minilm.pairs()["attribute"]))
    experiment = minilm.experiment("eng", attribute, layer=int(draw.integers(0, 7)))
    method, k = str(draw.choice(["linear", "gaussian", "probeless", "random"])), int(draw.integers(1, 41))
    order = experiment.rank(method, **({"max_neurons": k} if method == "gaussian" else {}))
    probe = ("linear", "gaussian")[seed % 2]
    found = experiment.probe(order, ks=[k], probes=[probe], seed=seed)["accuracy"].item()
    train, test = experiment.data.train, experiment.data.test
    columns = order.order[:k].tolist()
    if probe == "linear":
        X, y = torch.tensor(train.X[:, columns]), torch.tensor(train.y)
        model, _, _ = plain_training_loop(X, y, len(train.values), seed)
        predicted = model(torch.tensor(test.X[:, columns])).argmax(1).numpy()
    else:
        X, Z = (part.X[:, columns].astype(np.float64) for part in (train, test))
        predicted = plain_gaussian(X, train.y, Z, train.n_neurons)
    assert found == pytest.approx((predicted == test.y).mean(), abs=1e-12)
    assert 0 < found < 1


# ------------------------------------------------------------------------------------------ what is stored


@pytest.mark.parametrize("attribute, layer", [("Number", 3), ("Tense", 6)])
def test_a_stored_configuration_comes_out_again(shared: Path, attribute: str, layer: int) -> None:
    """On another processor a few words may fall on the other side: its float32 sums end in other digits."""
    there("minilm")
    plan, site = plans()["minilm"], Site("residual", layer)
    plan = replace(plan, world={**plan.world, "treebanks": str(shared / "data" / "ud")})
    found, kept = again("minilm", plan, attribute, site)["curves"], stored_study("real", "minilm")["curves"]
    keys = ["probe", "ranking", "direction", "ranking_seed", "task", "split", "seed", "k"]
    own = kept[(kept["attribute"] == attribute) & (kept["layer"] == layer)]
    both = found.merge(own, on=keys, validate="1:1", suffixes=("", "_kept"))
    assert len(both) == len(found) == len(own)
    differs = (both["accuracy"] - both["accuracy_kept"]).abs()
    assert differs.median() < 0.002 and differs.max() < 0.05
