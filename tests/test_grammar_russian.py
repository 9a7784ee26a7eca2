"""The generated Russian: true paradigms, agreement in every sentence, annotation as in GSD, good cuts."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path

import conllu
import pytest

from pitfalls.language.grammar.core import Form, Token, sentences, text, to_conllu
from pitfalls.language.grammar.russian import Russian
from pitfalls.language.grammar.russian_paradigms import adjective_words, noun_words, spell
from pitfalls.language.grammar.russian_words import preposition

TRUTHS = """
книга Sing Gen книги|книга Plur Gen книг|книга Sing Ins книгой|врач Sing Ins врачом
врач Plur Gen врачей|врач Plur Dat врачам|певец Sing Gen певца|певец Plur Gen певцов
певица Sing Ins певицей|певица Plur Nom певицы|учитель Plur Nom учителя|учитель Plur Gen учителей
солдат Plur Gen солдат|отец Sing Acc отца|отец Sing Ins отцом|дедушка Sing Acc дедушку
дедушка Plur Gen дедушек|юноша Plur Gen юношей|сестра Plur Gen сестер|герой Plur Gen героев
девочка Plur Acc девочек|осел Sing Gen осла|щенок Plur Nom щенки|лошадь Sing Ins лошадью
лошадь Plur Acc лошадей|дом Plur Nom дома|дом Plur Acc дома|дом Sing Acc дом
дворец Sing Loc дворце|музей Plur Gen музеев|станция Sing Loc станции|станция Plur Gen станций
башня Plur Gen башен|деревня Plur Gen деревень|здание Sing Loc здании|здание Plur Gen зданий
площадь Sing Acc площадь|город Plur Nom города|поле Plur Gen полей|озеро Plur Gen озер
яблоко Plur Nom яблоки|яблоко Plur Gen яблок|огурец Plur Gen огурцов|роза Plur Acc розы
платье Plur Gen платьев|кресло Plur Gen кресел|ведро Plur Gen ведер|сценарий Sing Loc сценарии
мысль Plur Gen мыслей|галерея Sing Dat галерее
"""
"""Lemma, number, case and form, by hand."""

VERBS = """
читать Pres Sing читает|читать Pres Plur читают|прочитать Fut Sing прочитает
прочитать Past Fem прочитала|строить Pres Plur строят|спешить Pres Plur спешат
кричать Pres Sing кричит|рисовать Pres Sing рисует|смеяться Pres Plur смеются
смеяться Past Fem смеялась|улыбнуться Fut Sing улыбнется|вернуться Past Masc вернулся
ждать Pres Plur ждут|показать Fut Sing покажет|открыть Fut Plur откроют
бояться Pres Plur боятся|спать Pres Sing спит|увидеть Past Plur увидели
надеть Fut Plur наденут|танцевать - - -|украсить Pass Fem украшена
купить Pass Masc куплен|построить Pass Plur построены|передвинуть Pass Neut передвинуто
скрыть Pass Fem скрыта|заказать Pass Masc заказан
"""
"""Lemma, tense or Pass, number or gender, form; a line of dashes names a verb that must not be there."""


@pytest.fixture(scope="module")
def grammar() -> Russian:
    return Russian()


@pytest.fixture(scope="module")
def corpus(grammar: Russian) -> list[list[Token]]:
    return list(islice(sentences(grammar, seed=11), 2000))


@pytest.fixture(scope="module")
def forms(grammar: Russian) -> list[Form]:
    return list(grammar.paradigms())


def features(token: Token) -> dict[str, str]:
    return dict(token.form.feats)


def children(tokens: list[Token], index: int) -> list[int]:
    return [position for position, token in enumerate(tokens) if token.head == index + 1]


def test_there_are_enough_lemmas(forms: list[Form]) -> None:
    lemmas = defaultdict(set)
    for form in forms:
        lemmas[form.upos].add(form.lemma)
    assert len(lemmas["NOUN"]) >= 150
    assert len(lemmas["VERB"]) >= 80
    assert len(lemmas["ADJ"]) >= 60


def test_noun_forms_are_the_true_ones(forms: list[Form]) -> None:
    known = {(form.lemma, dict(form.feats).get("Number"), dict(form.feats).get("Case"), form.text) for form in forms}
    truths = [tuple(entry.split()) for line in TRUTHS.strip().splitlines() for entry in line.split("|")]
    assert len(truths) >= 40
    assert [truth for truth in truths if truth not in known] == []


def test_verb_forms_are_the_true_ones(forms: list[Form]) -> None:
    known = set()
    for form in forms:
        values = dict(form.feats)
        if form.upos == "VERB" and values.get("Person") != "1":
            tense = "Pass" if values.get("Voice") == "Pass" else values.get("Tense")
            known.add((form.lemma, tense, values.get("Gender", values.get("Number")), form.text))
    for line in VERBS.strip().splitlines():
        for entry in line.split("|"):
            lemma, tense, slot, word = entry.split()
            assert ((lemma, tense, slot, word) in known) == (word != "-"), entry


@pytest.mark.parametrize(
    ("stem", "ending", "word"),
    [("книг", "ы", "книги"), ("врач", "ям", "врачам"), ("ключ", "ю", "ключу"), ("птиц", "ы", "птицы")],
)
def test_spelling_rules(stem: str, ending: str, word: str) -> None:
    assert spell(stem, ending) == word


def test_accusative_is_the_genitive_of_what_lives_and_the_nominative_of_what_does_not(
    grammar: Russian,
) -> None:
    for noun in grammar.nouns:
        other = "Gen" if noun.animacy == "Anim" else "Nom"
        numbers = ("Sing", "Plur") if noun.gender == "Masc" and noun.lemma[-1] not in "ая" else ("Plur",)
        for number in numbers:
            assert noun.forms[number, "Acc"].text == noun.forms[number, other].text, noun.lemma


def test_adjective_types() -> None:
    assert adjective_words("синий")["Masc"][1] == "синего"
    assert adjective_words("большой")["Masc"][:2] == ("большой", "большого")
    assert adjective_words("большой")["Plur"][0] == "большие"
    assert adjective_words("хороший")["Neut"][0] == "хорошее"
    assert adjective_words("свежий")["Fem"][3] == "свежую"
    assert adjective_words("тихий")["Masc"][4] == "тихим"
    assert adjective_words("новый")["Plur"][5] == "новых"


def test_a_noun_keeps_its_fleeting_vowel_out_of_its_stem() -> None:
    words = noun_words("рынок", "Masc", "Inan", {"obl": "рынк"})
    assert words["Sing", "Gen"] == "рынка"
    assert words["Plur", "Nom"] == "рынки"


def test_every_verb_has_one_aspect_and_a_perfective_no_present(grammar: Russian) -> None:
    for verb in grammar.verbs.values():
        tenses = {dict(form.feats)["Tense"] for form in verb.nonpast.values()}
        assert tenses == {"Pres" if verb.aspect == "Imp" else "Fut"}, verb.lemma
        aspects = {dict(form.feats)["Aspect"] for form in (*verb.past.values(), *verb.nonpast.values())}
        assert aspects == {verb.aspect}
        assert not (verb.passive and verb.aspect == "Imp")


def mismatch(subject: dict[str, str], predicate: dict[str, str], plural: bool) -> str:
    """Which feature of a predicate disagrees with its subject; empty if none does."""
    number = "Plur" if plural else subject["Number"]
    if predicate.get("Number", number) != number:
        return "Number"
    if number == "Sing" and "Gender" in predicate and predicate["Gender"] != subject["Gender"]:
        return "Gender"
    if "Person" in predicate and predicate["Person"] != subject.get("Person", "3"):
        return "Person"
    return ""


def test_every_subject_agrees_with_its_predicate(corpus: list[list[Token]]) -> None:
    checked = Counter[str]()
    for tokens in corpus:
        for index, token in enumerate(tokens):
            if not token.deprel.startswith("nsubj") or features(token)["Case"] != "Nom":
                continue
            head = token.head - 1
            plural = any(tokens[child].deprel == "conj" for child in children(tokens, index))
            predicates = [child for child in children(tokens, head) if tokens[child].deprel[:3] in ("aux", "cop")]
            if tokens[head].form.text != "есть" and tokens[head].form.upos != "NOUN":
                predicates.append(head)
            for position in predicates:
                values = features(tokens[position])
                if values.get("VerbForm") == "Inf":
                    continue
                if values.get("Case") == "Ins":
                    values = {key: value for key, value in values.items() if key != "Case"}
                assert mismatch(features(token), values, plural) == "", text(tokens)
                checked[tokens[position].form.upos] += 1
    assert min(checked[upos] for upos in ("VERB", "ADJ", "AUX")) > 50


def test_the_agreement_check_can_fail() -> None:
    singular = {"Number": "Sing", "Gender": "Fem", "Case": "Nom"}
    assert mismatch(singular, {"Number": "Sing", "Gender": "Masc"}, plural=False) == "Gender"
    assert mismatch(singular, {"Number": "Sing"}, plural=True) == "Number"
    assert mismatch(singular, {"Number": "Sing", "Person": "1"}, plural=False) == "Person"


def test_every_adjective_determiner_and_relative_agrees_with_its_noun(corpus: list[list[Token]]) -> None:
    checked = Counter[str]()
    for tokens in corpus:
        for token in tokens:
            if token.deprel in ("amod", "det"):
                noun, names = tokens[token.head - 1], ("Case", "Number", "Gender", "Animacy")
            elif token.form.lemma == "который":
                clause = tokens[token.head - 1]
                assert clause.deprel == "acl:relcl"
                noun, names = tokens[clause.head - 1], ("Number", "Gender", "Animacy")
            else:
                continue
            own, other = features(token), features(noun)
            for name in names:
                assert name not in own or own[name] == other[name], text(tokens)
            checked[token.form.upos] += 1
    assert min(checked[upos] for upos in ("ADJ", "DET", "PRON")) > 100


def test_prepositions_govern_their_cases(corpus: list[list[Token]]) -> None:
    cases = {"в": "Loc Acc", "на": "Loc Acc", "с": "Ins Gen", "о": "Loc", "к": "Dat", "по": "Dat"}
    cases |= dict.fromkeys(("у", "из", "около", "возле", "для"), "Gen")
    cases |= {"во": cases["в"], "со": cases["с"], "об": cases["о"]}
    governed = {base: set(names.split()) for base, names in cases.items()}
    seen = set()
    for tokens in corpus:
        for token in tokens:
            if token.deprel == "case":
                assert features(tokens[token.head - 1])["Case"] in governed[token.form.text], text(tokens)
                seen.add(token.form.text)
    assert seen | {"во"} == set(governed), "во is rare: во дворце"


@pytest.mark.parametrize(
    ("base", "following", "variant"),
    [
        ("о", "озере", "об"),
        ("о", "ели", "о"),
        ("с", "старым", "со"),
        ("с", "садом", "с"),
        ("в", "дворце", "во"),
        ("в", "воде", "в"),
        ("к", "дворцу", "к"),
        ("в", "дом", "в"),
        ("с", "звездой", "со"),
        ("с", "собакой", "с"),
    ],
)
def test_prepositions_before_clusters(base: str, following: str, variant: str) -> None:
    assert preposition(base, following) == variant


def test_every_word_is_in_the_paradigms(corpus: list[list[Token]], forms: list[Form]) -> None:
    known = set(forms)
    assert {token.form for tokens in corpus for token in tokens} <= known
    assert len(known) == len(forms)


def test_attractors_stand_between_subject_and_predicate(corpus: list[list[Token]]) -> None:
    share = 0
    for tokens in corpus:
        for index, token in enumerate(tokens):
            if token.deprel.startswith("nsubj") and token.form.upos == "NOUN":
                between = tokens[min(index, token.head - 1) + 1 : max(index, token.head - 1)]
                if any(other.form.upos == "NOUN" for other in between):
                    share += 1
                    break
    assert share / len(corpus) >= 0.4


def test_sentences_are_short_lower_case_and_full_of_different_things(corpus: list[list[Token]]) -> None:
    lengths = [len(tokens) for tokens in corpus]
    assert 6 <= sum(lengths) / len(lengths) <= 11
    assert max(lengths) <= 20
    for tokens in corpus:
        line = text(tokens)
        assert line == line.lower() and line.endswith(" .") and "ё" not in line
        assert ", ." not in line and ", ," not in line
    deprels = {token.deprel for tokens in corpus for token in tokens}
    assert deprels >= {
        "acl:relcl",
        "nsubj:pass",
        "obl:agent",
        "ccomp",
        "advcl",
        "conj",
        "cop",
        "iobj",
        "aux",
        "nmod",
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Case", ("Nom", "Gen", "Dat", "Acc", "Ins", "Loc")),
        ("Number", ("Sing", "Plur")),
        ("Gender", ("Masc", "Fem", "Neut")),
        ("Animacy", ("Anim", "Inan")),
        ("Tense", ("Pres", "Past", "Fut")),
        ("Aspect", ("Imp", "Perf")),
        ("Voice", ("Act", "Mid", "Pass")),
    ],
)
def test_every_value_is_frequent_and_stands_on_many_words(
    corpus: list[list[Token]], name: str, values: tuple[str, ...]
) -> None:
    counts, words = Counter[str](), defaultdict(set)
    for tokens in corpus:
        for token in tokens:
            value = features(token).get(name)
            if value:
                counts[value] += 1
                words[value].add(token.form.text)
    assert set(counts) == set(values)
    for value in values:
        assert counts[value] / sum(counts.values()) >= 0.07, value
        assert len(words[value]) >= 60, value


def pieces(word: str, stems: set[str], endings: set[str]) -> tuple[str, ...]:
    """Greedy longest match from the left, as WordPiece does it; single letters are always there."""
    cut, start = [], 0
    while start < len(word):
        table = endings if start else stems
        end = next(end for end in range(len(word), start, -1) if word[start:end] in table or end == start + 1)
        cut.append(word[start:end])
        start = end
    return tuple(cut)


def test_wordpiece_cuts_into_stem_and_ending(forms: list[Form]) -> None:
    stems, endings = {form.stem for form in forms}, {form.ending for form in forms if form.ending}
    assert len(stems) <= 680
    assert len(endings) <= 350
    cuts = {(form.stem, form.ending) for form in forms}
    good = sum(
        pieces(stem + ending, stems, endings) == tuple(piece for piece in (stem, ending) if piece)
        for stem, ending in cuts
    )
    assert good / len(cuts) >= 0.97


def test_forms_that_contrast_have_as_many_pieces(forms: list[Form]) -> None:
    bare = {form.lemma for form in forms if form.upos in ("NOUN", "ADJ", "VERB", "DET") and not form.ending}
    assert bare == {"быть", "нет"}


def test_a_lemma_has_one_stem_but_for_its_participle(forms: list[Form]) -> None:
    stems = defaultdict(set)
    for form in forms:
        if form.upos in ("NOUN", "ADJ", "VERB") and form.lemma != "быть":
            stems[form.lemma, dict(form.feats).get("Variant")].add(form.stem)
    assert {key: found for key, found in stems.items() if len(found) > 1} == {}


def test_nouns_of_a_class_keep_different_company(grammar: Russian) -> None:
    """At least nine nouns in ten of a class have a set of adjectives, or of verbs, that is all their own."""
    groups = defaultdict(list)
    for noun in grammar.nouns:
        adjectives = frozenset(entry.lemma for entry in grammar._adjectives_of(noun.lemma))
        assert len(adjectives) == 5
        verbs = frozenset(pair.imperfective.lemma for pair in grammar._verbs_of(noun.lemma, "object"))
        assert len(verbs) == 5
        groups[noun.kind].append((adjectives, verbs))
    for kind, found in groups.items():
        assert len(set(found)) >= 0.9 * len(found), kind


def test_conllu_blocks_parse_and_are_trees(corpus: list[list[Token]]) -> None:
    blocks = "".join(to_conllu(tokens, f"rus-{number}") for number, tokens in enumerate(corpus[:300]))
    parsed = conllu.parse(blocks)
    assert len(parsed) == 300
    for sentence in parsed:
        heads = {token["id"]: token["head"] for token in sentence}
        assert list(heads.values()).count(0) == 1
        for start in heads:
            path = []
            while start:
                assert start not in path
                path.append(start)
                start = heads[start]
        sentence.to_tree()


def test_same_seed_same_text(corpus: list[list[Token]]) -> None:
    again = [text(tokens) for tokens in islice(sentences(Russian(), seed=11), 200)]
    assert again == [text(tokens) for tokens in corpus[:200]]
    other = [text(tokens) for tokens in islice(sentences(Russian(), seed=12), 200)]
    assert other != again


def test_forms_are_annotated_as_in_gsd(shared: Path, forms: list[Form]) -> None:
    """Every noun, adjective and verb form that GSD also has, with our lemma, has an analysis of ours."""
    known = defaultdict(set)
    for form in forms:
        known[form.upos, form.lemma, form.text].add(form.feats)
    agreed, differ = 0, Counter[str]()
    for path in sorted((shared / "data" / "ud").glob("ru_gsd-ud-*.conllu")):
        for sentence in conllu.parse(path.read_text(encoding="utf-8")):
            for token in sentence:
                lemma, word = token["lemma"].lower(), token["form"].lower().replace("ё", "е")
                analyses = known.get((token["upos"], lemma, word))
                if analyses and token["feats"]:
                    same = tuple(sorted(token["feats"].items(), key=lambda pair: pair[0].lower())) in analyses
                    agreed += same
                    if not same:
                        differ[f"{token['form']} {token['feats']}"] += 1
    assert agreed > 500
    assert agreed / (agreed + sum(differ.values())) >= 0.98, differ.most_common(20)
