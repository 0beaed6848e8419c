"""French: articles, adjectives and trades agree, what must be elided is, and stories read as they are tokenised."""

import re
from functools import cache

import pytest

from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.world import french, stories, vocabulary
from electra_helpers.world import french_words as fr
from electra_helpers.world import lexicon as lex
from electra_helpers.world.labels import question_rows, summary_row
from electra_helpers.world.meaning import EXPRESSIONS
from electra_helpers.world.telling import Slot, language

MANY = 2000
VOWEL = "[aeiouâàéèêëîïôûœ]"
# Written down anew, not read from the tables under test.
MUTE_H = "hameçon|herbe|herminette|heures?|hiver|horloge|horlog[eè]re?|huile|hélène|henri"
ASPIRATED_H = "hache|hamburger|hibou|houe|huit|hugo"
ARTICLES = dict.fromkeys(("le", "un", "du", "au", "ce", "cet", "quel"), "m")  # l', son and mon say nothing of gender
ARTICLES |= dict.fromkeys(("la", "une", "cette", "ma", "sa", "quelle"), "f")

FORBIDDEN = {
    "no elision before a vowel": rf"\b(?:le|la|de|que|ne|se|me|te|je|jusque) {VOWEL}",
    "no elision before a mute h": rf"\b(?:le|la|de|que|ne|se) (?:{MUTE_H})\b",
    "elided before a consonant": rf"\b(?:[ldnsj]|qu)'(?!{VOWEL}|h|y )",
    "elided before an aspirated h": rf"'(?:{ASPIRATED_H})\b",
    "not contracted": r"\b(?:à|de) les?\b",
    "ma, sa before a vowel": rf"\b(?:ma|sa) (?:{VOWEL}|(?:{MUTE_H})\b)",
    "mon, son before a feminine consonant": r"\b(?:mon|son) (?:fille|sœur|tante|nièce|voisine|scie|râpe|hache|houe)\b",
    "beau, nouveau, vieux, ce before a vowel": rf"\b(?:beau|nouveau|vieux|ce) (?:{VOWEL}|(?:{MUTE_H})\b)",
    "bel, nouvel, vieil, cet before a consonant": rf"\b(?:bel|nouvel|vieil|cet) (?!{VOWEL}|h)",
    "a slot left open": r"[{}<>\[\]|_~]|\(e\)|\bNone\b",
    "a loose apostrophe or mark": r"' | '| [,.\-]|- | [!?:;»]|«[^\u00a0]|[^\u00a0][!?:;»]",
    "two spaces": r"\s\s",
    "one of many, or many of one": r"\bune (?:pièces|assiettes|heures)\b|\b(?:deux|trois|dix) (?:pièce|assiette)\b",
}


@cache
def told_stories():
    return list(stories(seed=31, count=MANY, languages=["fr"]))


@cache
def sentences():
    return [sentence for story in told_stories() for sentence in story.told("fr")]


@pytest.mark.parametrize("mistake", FORBIDDEN)
def test_no_story_has_a_slip_of_spelling(mistake):
    for sentence in sentences():
        found = re.search(FORBIDDEN[mistake], sentence.text.lower() if mistake != "a slot left open" else sentence.text)
        assert not found, f"{mistake}: {sentence.text}"


def test_the_patterns_find_the_slips_that_they_are_about():
    slips = ["le arbre", "de horloge", "l'table", "l'hache", "de le banc", "sa amie", "son sœur", "ce âne", "bel banc"]
    slips += ["un {adj}", "l' été", "deux  bancs", "trois pièce"]
    assert len(slips) == len(FORBIDDEN)
    for slip, pattern in zip(slips, FORBIDDEN.values(), strict=True):
        assert re.search(pattern, slip), slip


@pytest.mark.parametrize(
    ("concept", "form", "shown"),
    [
        *[("hammer", "le", "le"), ("saw", "le", "la"), ("needle", "le", "l'"), ("magnet", "le", "l'")],
        *[("clock", "le", "l'"), ("axe", "le", "la"), ("owl", "le", "le"), ("hoe", "du", "de la"), ("owl", "au", "au")],
        *[("yacht", "le", "le"), ("hook", "du", "de l'"), ("bakery", "au", "à la"), ("studio", "au", "à l'")],
        *[("oil", "du", "de l'"), ("butter", "du", "du"), ("cream", "du", "de la"), ("mice", "du", "des")],
        *[("grass", "de", "d'"), ("hay", "de", "de"), ("yacht", "de", "de"), ("axe", "de", "de"), ("adze", "de", "d'")],
        *[("Hugo", "de", "de"), ("Helen", "de", "d'"), ("Anna", "que", "qu'"), ("Paul", "que", "que")],
        *[("sister", "son", "sa"), ("friend (f)", "son", "son"), ("uncle", "son", "son"), ("needle", "mon", "mon")],
        *[("burger", "ce", "ce"), ("omelette", "ce", "cette"), ("donkey", "ce", "cet"), ("summer", "ce", "cet")],
        *[("Cairo", "à", "au"), ("Oslo", "à", "à"), ("Egypt", "du", "de l'"), ("Japan", "du", "du")],
        *[("spring", "en", "au"), ("winter", "en", "en"), ("winter", "de", "d'"), ("spring", "de", "de")],
        *[("island", "in", "sur"), ("town", "in", "dans"), ("shelf", "in", "sur"), ("ladder", "in", "sous")],
        *[("yard", "at", "dans la"), ("harbour", "at", "sur l'"), ("office", "at", "au"), ("factory", "at", "à l'")],
        *[("Anna", "fatigué(e)", "fatiguée"), ("Paul", "fatigué(e)", "fatigué"), ("Anna", "-il", "-elle")],
        *[("baker", "~Anna", "boulangère"), ("baker", "~Paul", "boulanger"), ("writer", "de~Anna", "d'")],
        *[("one", "f", "une"), ("one", "~egg", "un"), ("one", "~tomato", "une"), ("six", "pièce", "pièces")],
        *[("many potato", "", "pommes de terre"), ("one", "pièce", "pièce"), ("many egg", "", "œufs")],
        *[("to oil", "le~clock", "l'"), ("to launch", "le~canoe", "le"), ("to glaze", "", "émailla")],
        *[
            ("to sand", "", "ponça"),
            ("to hammer", "", "forgea"),
            ("to launch", "", "mit à l'eau"),
            ("to sew", "", "cousit"),
        ],
        *[("to frown", "imperfect", "fronçait les sourcils"), ("to bray", "imperfect", "brayait")],
        *[
            ("to open", "de", "d'"),
            ("to kick", "de", "de"),
            ("to hem", "le~dress", "l'"),
            ("to iron", "le~dress", "la"),
        ],
        *[("grey", "~scarf", "grise"), ("orange", "~scarf", "orange"), ("brown", "~doll", "marron")],
        *[("white", "~lantern", "blanche"), ("better", "~song", "meilleure"), ("bitter", "~salad", "amère")],
    ],
)
def test_words_take_their_forms(concept, form, shown):
    assert french.word(concept, form) == shown


@pytest.mark.parametrize(
    ("phrase", "shown"),
    [
        *[(("un", "beautiful", "cake"), "un beau gâteau"), (("un", "beautiful", "album"), "un bel album")],
        *[(("un", "beautiful", "yacht"), "un beau yacht"), (("le", "beautiful", "sword"), "la belle épée")],
        *[(("le", "perfect", "sword"), "l'épée parfaite"), (("du", "perfect", "album"), "de l'album parfait")],
        *[(("le", "elegant", "axe"), "la hache élégante"), (("du", "lovely", "bench"), "du joli banc")],
        *[(("son", "old", "needle"), "sa vieille aiguille"), (("son", "worn", "needle"), "son aiguille usée")],
        *[(("son", "old", "magnet"), "son vieil aimant"), (("son", "new", "laptop"), "son nouvel ordinateur")],
        *[(("son", "favourite", "hoe"), "sa houe préférée"), (("son", "old", "hammer"), "son vieux marteau")],
        *[(("le", "small", "island"), "la petite île"), (("le", "quiet", "island"), "l'île tranquille")],
    ],
)
def test_article_adjective_and_noun_agree_and_stand_in_order(phrase, shown):
    article, adjective, noun = phrase
    pieces = [french.word(adjective, f"{article}~{noun}"), french.word(adjective, f"before~{noun}")]
    pieces += [french.word(noun), french.word(adjective, f"after~{noun}")]
    assert french.join(pieces) == shown[0].upper() + shown[1:]


def test_nouns_that_are_often_mistaken_have_their_gender():
    feminine = (
        "aiguille agrafeuse éponge écharpe écurie église épée étagère affiche anguille avoine herbe huile horloge"
    )
    feminine += " icône omelette ombrelle orchidée usine échelle île application herminette hache houe"
    masculine = (
        "album atlas aimant âne atelier avion aéroport embarcadère enclos entonnoir escalier hameçon hibou hiver"
    )
    masculine += " imperméable interrupteur oignon orage ordinateur été après-midi automne œuf fil tournevis trèfle"
    assert set(feminine.split()) <= set(fr.FEMININE.values())
    assert set(masculine.split()) <= set(fr.MASCULINE.values())


def test_endings_that_tell_the_gender_agree_with_the_tables():
    masculine = r"(age|eau|oir|eur|ier|et|ert|ou)$"
    feminine = r"(tion|ette|ie|euse|erie|ine|elle|ure|ade|ée|otte)$"
    exceptions = {"cage", "chaleur", "parapluie"}
    first_words = [{word.split()[0] for word in table.values()} for table in (fr.MASCULINE, fr.FEMININE)]
    assert not [word for word in first_words[0] - exceptions if re.search(feminine, word)]
    assert not [word for word in first_words[1] - exceptions if re.search(masculine, word)]


def test_every_noun_keeps_one_gender_in_all_stories():
    genders = {word: "m" for word in fr.MASCULINE.values()} | {word: "f" for word in fr.FEMININE.values()}
    known = sorted(map(re.escape, genders), key=len, reverse=True)
    pair = re.compile(rf"\b({'|'.join(ARTICLES)}) ({'|'.join(known)})\b")
    seen = {found for sentence in sentences() for found in pair.findall(sentence.text.lower())}
    assert len({noun for _, noun in seen}) > 200
    assert not [(article, noun) for article, noun in seen if ARTICLES[article] != genders[noun]]


def test_every_concept_has_a_word_of_its_own():
    nouns = (*fr.MASCULINE, *fr.FEMININE, *fr.PLURAL)
    assert len(nouns) == len(set(nouns))
    shown = [*fr.MASCULINE.values(), *fr.FEMININE.values(), *fr.PLURAL.values()]
    assert len(shown) == len(set(shown))
    assert len(set(fr.VERBS.values())) == len(fr.VERBS)
    for trade in lex.TRADES.values():
        for concept in (trade.place, *trade.tools, *trade.products):
            assert french.word(concept)
    with pytest.raises(ValueError, match="no noun for 'spaceship'"):
        french.word("spaceship")
    with pytest.raises(ValueError, match="no form 'them' of 'hammer'"):
        french.word("hammer", "them")


def test_trades_participles_and_pronouns_follow_the_hero():
    women, men = {"elle", "-elle"}, {"il", "-il"}
    for story in told_stories():
        is_woman = story.values["P"] in lex.WOMEN
        for sentence in story.told("fr"):
            for piece, slot in zip(sentence.pieces, sentence.slots, strict=True):
                if slot is None:
                    continue
                if slot.expression == "T" and slot.form == "" and slot.agrees_with == "P":
                    assert piece == fr.TRADES[story.concept("T")].split()[is_woman].replace("_", " ")
                if slot.expression == "P" and slot.form in ("il", "-il"):
                    assert piece in (women if is_woman else men)
                if slot.expression in ("joy", "woe", "effect"):
                    assert slot.agrees_with == "P"


def test_the_pet_is_called_by_a_pronoun_of_the_animals_gender():
    shown = {"le": set(), "la": set()}
    for story in told_stories():
        for sentence in story.told("fr"):
            for pronoun in re.findall(r"\b(le|la) nomma\b", sentence.text):
                shown[pronoun].add(story.values["A"])
    assert shown["la"] == {"goat", "hen"}
    assert len(shown["le"]) > 5
    assert shown["le"].isdisjoint(shown["la"])


def test_written_stories_come_apart_into_the_told_words():
    tokenizer = tokenizer_from_words(vocabulary("fr"))
    for story in [*told_stories()[:300], *stories(count=100, split="test")]:
        encoding = tokenizer.encode(story.text("fr"))
        shown = [token for token, special in zip(encoding.tokens, encoding.is_special, strict=True) if not special]
        assert shown == story.words("fr") == french.split(story.text("fr"))
        assert "[UNK]" not in encoding.tokens


def test_vocabulary_keeps_accents_and_splits_apostrophes_and_hyphens():
    known = set(vocabulary("fr"))
    assert {"gâteau", "œuf", "à", "'", "-", "«", "»", "l", "qu", "élégante"} <= known
    assert not [word for word in known if len(word) > 1 and re.search(r"[\W_A-Z]", word)]
    assert 800 <= len(known) <= 1500


def test_entities_are_the_nouns_without_their_articles():
    articles = {"le", "la", "l", "un", "une", "du", "de", "des", "d", "son", "sa", "mon", "ma", "au", "à", "ce", "'"}
    seen = set()
    for story in told_stories()[:500]:
        for sentence in story.told("fr"):
            tags = sentence.entities
            assert len(tags) == len(sentence.words)
            assert not [
                word for word, tag in zip(sentence.words, tags, strict=True) if tag[0] == "B" and word in articles
            ]
            for piece, slot in zip(sentence.pieces, sentence.slots, strict=True):
                if slot and slot.form == "" and EXPRESSIONS[slot.expression].entity == "PERSON":
                    at = sentence.words.index(french.split(piece)[0])
                    assert tags[at] == "B-PERSON"
            seen |= {tag[2:] for tag in tags}
    assert seen == {"", "PERSON", "PLACE", "TRADE", "TIME", "THING"}


def test_join_writes_french_punctuation():
    pieces = ["«", "où", "est", "mon", "stylo", "?", "»", "demanda", "-t", "-elle", "à", "l'", "ami", "d'", "Éric", "."]
    assert french.join(pieces) == "«\u00a0Où est mon stylo\u00a0?\u00a0» demanda-t-elle à l'ami d'Éric."


def labels():
    """Every question and summary of a few hundred stories, as written."""
    for story in stories(seed=32, count=400, languages=["fr"]):
        yield summary_row(story, "fr")["summary"]
        yield from (row["question"] for row in question_rows(story, "fr"))


def test_questions_and_summaries_have_no_slip_of_spelling():
    written = list(labels())
    assert len(set(written)) > 800
    for text in written:
        for mistake, pattern in FORBIDDEN.items():
            assert not re.search(pattern, text.lower()), f"{mistake}: {text}"
        assert text[0].isupper()
        assert text.endswith(".") or text.endswith("\u00a0?")


def test_every_question_is_answered_by_every_way_of_telling_its_frame():
    speaker, english = language("fr"), language("en")
    assert set(speaker.questions) == set(english.questions)
    assert set(speaker.summaries) == set(english.summaries)
    for frame, questions in speaker.questions.items():
        for question in questions:
            if question.answer in ("sentence", "P", "F"):  # people may be told by a pronoun
                continue
            for template in speaker.templates[frame]:
                pieces = [piece for segment in template for way in segment for piece in way]
                nouns = {p.expression for p in pieces if isinstance(p, Slot) and p.form in speaker.noun_forms}
                assert question.answer in nouns, (frame, question.answer)


def test_answers_stand_where_they_are_said_to_stand():
    rows = [row for story in stories(seed=33, count=300, languages=["fr"]) for row in question_rows(story, "fr")]
    assert {
        kind for row in rows for kind in re.findall(r"^(?:Qui|Où|Quel jour|Combien|Pourquoi)", row["question"])
    } == {"Qui", "Où", "Quel jour", "Combien", "Pourquoi"}
    for row in rows:
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert row["context"][start : start + len(text)] == text
