"""The generated Russian: true paradigms, agreement in every sentence, annotation as in GSD."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice

import conllu
import pytest

from pitfalls.language.grammar.core import Token, sentences, text
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
def grammar():
    return Russian()


@pytest.fixture(scope="module")
def corpus(grammar):
    return list(islice(sentences(grammar, seed=11), 2000))


@pytest.fixture(scope="module")
def forms(grammar):
    return list(grammar.paradigms())


def features(token: Token) -> dict[str, str]:
    return dict(token.form.feats)


def children(tokens: list[Token], index: int) -> list[int]:
    return [position for position, token in enumerate(tokens) if token.head == index + 1]


def test_noun_forms_are_the_true_ones(forms):
    known = {(form.lemma, dict(form.feats).get("Number"), dict(form.feats).get("Case"), form.text) for form in forms}
    truths = [tuple(entry.split()) for line in TRUTHS.strip().splitlines() for entry in line.split("|")]
    assert len(truths) >= 40
    assert [truth for truth in truths if truth not in known] == []


def test_verb_forms_are_the_true_ones(forms):
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


def test_spelling_rules():
    table = {("книг", "ы"): "книги", ("врач", "ям"): "врачам", ("ключ", "ю"): "ключу", ("птиц", "ы"): "птицы"}
    assert {pair: spell(*pair) for pair in table} == table


def test_accusative_is_the_genitive_of_what_lives_and_the_nominative_of_what_does_not(grammar):
    for noun in grammar.nouns:
        other = "Gen" if noun.animacy == "Anim" else "Nom"
        numbers = ("Sing", "Plur") if noun.gender == "Masc" and noun.lemma[-1] not in "ая" else ("Plur",)
        for number in numbers:
            assert noun.forms[number, "Acc"].text == noun.forms[number, other].text, noun.lemma


def test_adjective_types():
    assert adjective_words("синий")["Masc"][1] == "синего"
    assert adjective_words("большой")["Masc"][:2] == ("большой", "большого")
    assert adjective_words("большой")["Plur"][0] == "большие"
    assert adjective_words("хороший")["Neut"][0] == "хорошее"
    assert adjective_words("свежий")["Fem"][3] == "свежую"
    assert adjective_words("тихий")["Masc"][4] == "тихим"
    assert adjective_words("новый")["Plur"][5] == "новых"


def test_a_noun_keeps_its_fleeting_vowel_out_of_its_stem():
    words = noun_words("рынок", "Masc", "Inan", {"obl": "рынк"})
    assert words["Sing", "Gen"] == "рынка"
    assert words["Plur", "Nom"] == "рынки"


def test_every_verb_has_one_aspect_and_a_perfective_no_present(grammar):
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


def test_every_subject_agrees_with_its_predicate(corpus):
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
                assert mismatch(features(token), values, plural) == "", text(tokens)
                checked[tokens[position].form.upos] += 1
    assert min(checked[upos] for upos in ("VERB", "ADJ", "AUX")) > 50


def test_the_agreement_check_can_fail():
    singular = {"Number": "Sing", "Gender": "Fem", "Case": "Nom"}
    assert mismatch(singular, {"Number": "Sing", "Gender": "Masc"}, plural=False) == "Gender"
    assert mismatch(singular, {"Number": "Sing"}, plural=True) == "Number"
    assert mismatch(singular, {"Number": "Sing", "Person": "1"}, plural=False) == "Person"


def test_every_adjective_determiner_and_relative_agrees_with_its_noun(corpus):
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


def test_prepositions_govern_their_cases(corpus):
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


def test_prepositions_before_clusters():
    table = """
    о озере об|о ели о|с старым со|с садом с|в дворце во|в воде в|к дворцу к|в дом в|с звездой со|с собакой с
    """
    for base, following, variant in map(str.split, table.strip().split("|")):
        assert preposition(base, following) == variant, following


def test_sentences_are_well_written_and_full_of_different_things(corpus):
    for tokens in corpus:
        line = text(tokens)
        assert line.endswith(" .") and "ё" not in line
        assert ", ." not in line and ", ," not in line
    deprels = {token.deprel for tokens in corpus for token in tokens}
    assert deprels >= {"acl:relcl", "nsubj:pass", "obl:agent", "ccomp", "advcl", "conj", "cop", "iobj", "aux", "nmod"}


def test_forms_that_contrast_have_as_many_pieces(forms):
    bare = {form.lemma for form in forms if form.upos in ("NOUN", "ADJ", "VERB", "DET") and not form.ending}
    assert bare == {"быть", "нет"}


def test_a_lemma_has_one_stem_but_for_its_participle(forms):
    stems = defaultdict(set)
    for form in forms:
        if form.upos in ("NOUN", "ADJ", "VERB") and form.lemma != "быть":
            stems[form.lemma, dict(form.feats).get("Variant")].add(form.stem)
    assert {key: found for key, found in stems.items() if len(found) > 1} == {}


def test_nouns_of_a_class_keep_different_company(grammar):
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


def test_forms_are_annotated_as_in_gsd(shared, forms):
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
