"""The little world told in French: the simple past for what happens, the imperfect for what was so.

A noun phrase stands in square brackets: `[le tool]` is "le marteau" or "l'aiguille", `[un adj X]` is "un beau gâteau",
"un bel album" or "une table parfaite": article, adjective and noun agree, and the adjective stands on its side.
"""

from __future__ import annotations

from .french_grammar import expand, join, split, word
from .french_labels import QUESTIONS, SUMMARIES

__all__ = ["NOUN_FORMS", "QUESTIONS", "SUMMARIES", "TEMPLATES", "join", "split", "word"]

NOUN_FORMS = frozenset({"", "f"})  # "f": a number that counts something feminine

LINES: dict[str, list[str]] = {
    "open": [
        "{P} était {T~P} {L.in} [un how L] .",
        "{P} exerçait le métier {T.de~P} {T~P} {L.in} [un how L] .",
        "{L.in} [un how L] vivait [un T~P] <qui s' appelait|du nom {P.de}> {P} .",
        "[un T~P] <qui s' appelait|du nom {P.de}> {P} habitait {L.in} [un how L] .",
    ],
    "habit": [
        "{P.il} travaillait [at place] avec [son age tool] .",
        "{P} aimait [le place] et [son age tool] .",
        "[at place] , {P} se servait <toujours|souvent> de [son age tool] .",
        "[son age tool] attendait <toujours|chaque jour> {P} [at place] .",
    ],
    "order": [
        "un {E} , [son R] {F} lui <commanda|demanda> [un adj X] .",
        "un {E} , [son R] {F} vint lui <commander|demander> [un adj X] .",
        "« il me faut [un adj X] » , lui dit un {E} [son R] {F} .",
    ],
    "craft": [
        "{P} <prit|alla chercher> [le tool] , {make} [le X] et {work.le~X} {work} .",
        "avec [le tool] , {P} {make} [le X] et {work.le~X} {work} .",
        "{P} {make} d' abord [le X] avec [le tool] , puis {work.le~X} {work} .",
    ],
    "promise": [
        "{P} promit à {F} d' apporter [le X] le {E2} suivant .",
        "« tu auras [le X] {E2} » , promit {P.-il} à {F} .",
        "{F} devait recevoir [le X] le {E2} suivant .",
    ],
    "finished": [
        "<en|au bout de> {hours} heures , {P} avait terminé [le adj X] .",
        "{hours} heures plus tard , {P} avait fini [le adj X] .",
        "il fallut {hours} heures à {P} pour <finir|achever> [le adj X] .",
    ],
    "unfinished": [
        "mais [son tool] avait disparu , et {P.il} n' acheva jamais [le adj X] .",
        "mais sans [son tool] , {P} ne put <finir|achever> [le adj X] .",
        "mais {P} avait perdu [le tool] , et il fallut renoncer [au adj X] .",
    ],
    "paid": [
        "{F} <adora|admira> [le X] et paya {coins.f} {coins.pièce} .",
        "{F} lui donna {coins.f} {coins.pièce} pour [le X] .",
        "« [quel X] ! » s' écria {F} , qui paya {coins.f} {coins.pièce} .",
    ],
    "unpaid": [
        "{F} attendit [le X] pendant {days} jours et ne paya rien .",
        "au bout de {days} jours , {F} ne voulait plus [du X] .",
        "pendant {days} jours , {F} <réclama|demanda> [le X] en vain .",
    ],
    "birthday": [
        "ce {E} -là , {P} fêtait l' anniversaire de [son R] {F} .",
        "un {E} , [son R] {F} <fêta|célébra> son anniversaire .",
        "c' était un {E} , le jour de l' anniversaire de [son R] {F} .",
    ],
    "wish": [
        "{F} avait toujours <voulu|désiré> [un G] {C~G} .",
        "{F} rêvait <depuis longtemps|> d' [un G] {C~G} .",
        "« j' aimerais tant avoir [un G] {C~G} ! » avait dit {F} <à {P}|> .",
    ],
    "buy": [
        "{P} acheta [le G] pour {coins.f} {coins.pièce} .",
        "{P} alla donc au marché et paya [le G] {coins.f} {coins.pièce} .",
        "au marché , {P} trouva [le G] pour {coins.f} {coins.pièce} .",
    ],
    "handmade": [
        "{P} {make} également [un X] avec [son tool] et {work.le~X} {work} .",
        "avec [son tool] , {P} {make} aussi [un X] , puis {work.le~X} {work} .",
    ],
    "played": [
        "grâce à {P} , {F} put enfin {use.infinitive} [le G] {C~G} .",
        "{F} remercia {P} pour le cadeau et s' empressa {use.de} {use.infinitive} [le G] {C~G} .",
        "{F} déballa son cadeau et {use} [le G] {C~G} <avec joie|sans attendre> .",
    ],
    "stolen": [
        "mais un voleur <prit|déroba> près [du mark] [le G] {C~G} {G.destiné(e)} à {F} .",
        "mais {F} perdit <aussitôt|bientôt> son cadeau , [le G] {C~G} , près [du mark] .",
        "mais , près [du mark] , on vola [le G] {C~G} qu' on venait d' offrir à {F} .",
    ],
    "find": [
        "par [un M] {sky~M} , {P.il} trouva [un A] {state~A} près [du mark] .",
        "par [un M] {sky~M} , {P} rencontra [un A] {state~A} près [du mark] .",
        "[un M] {sky~M} , {P.il} aperçut [un A] {state~A} non loin [du mark] .",
    ],
    "feed": [
        "{P} donna [du food] [au A] et <l' appela|{A.it} nomma> {Q} .",
        "{P} nourrit [le A] {food.de} {food} et lui donna le nom de {Q} .",
        "[le A] se régala {food.de} {food} , et {P} l' appela {Q} .",
    ],
    "shelter": [
        "{Q} dormait à côté [du tool] , {place.in} [le place] .",
        "{place.in} [le place] , {Q} avait son coin à côté [du tool] .",
        "dès lors , {Q} vécut {place.in} [le place] et veilla sur [le tool] .",
    ],
    "settled": [
        "bientôt , {Q} {sound.imperfect} de joie quand {P} arrivait avec [le food] .",
        "{Q} {sound.imperfect} de joie chaque fois {P.que} {P} apportait [du food] .",
        "désormais , {P} avait toujours [du food] , et {Q} {sound.imperfect} de bonheur .",
    ],
    "ran away": [
        "mais , un {E2} , {Q} s' enfuit et laissa [le home] vide .",
        "mais , un {E2} , {P} trouva [le home] vide : {Q} avait disparu .",
        "mais {Q} quitta [le home] un {E2} et ne revint jamais .",
    ],
    "visit": [
        "[son R] {F} venait souvent jouer avec {Q} .",
        "{P} et [son R] {F} jouaient avec {Q} tous les jours .",
    ],
    "search": [
        "{P} et [son R] {F} cherchèrent [le A] près [du mark] .",
        "avec [son R] {F} , {P.il} chercha [le A] jusqu' [au mark] .",
    ],
    "invite": [
        "un {E} , {P.il} invita [son R] {F} à {meal.infinitive} .",
        "un {E} , [son R] {F} vint {meal.infinitive} chez {P.lui} .",
        "« viens {meal.infinitive} {E} ! » écrivit {P} à [son R] {F} .",
    ],
    "shop": [
        "{P} acheta {count~counted} {counted} et [du weighed] au marché .",
        "il y avait {count~counted} {counted} et [du weighed] dans la cuisine {P.de} {P} .",
        "{P} rapporta du marché {count~counted} {counted} et [du weighed] .",
    ],
    "prepare": [
        "pendant {P.que} {P} préparait [un D] , {F} <regardait|examinait> [le tool] .",
        "{P.il} prépara [un D] et montra [le tool] à {F} .",
        "{F} jouait avec [le tool] pendant {P.que} {P} préparait [un D] .",
    ],
    "enjoyed": [
        "[le D] était {yum~D} , et {F} en mangea {plates.f} {plates.assiette} .",
        "{F} trouva [le D] {yum~D} et en mangea {plates.f} {plates.assiette} .",
        "« [ce D] est {yum~D} ! » dit {F} , qui en mangea {plates.f} {plates.assiette} .",
    ],
    "spoiled": [
        "mais [le D] était trop {yuck~D} , et {F} n' y toucha pas .",
        "mais {F} trouva [le D] trop {yuck~D} et <resta sur sa faim|ne mangea rien> .",
        "« [ce D] est trop {yuck~D} ! » dit {F} <en quittant|avant de quitter> la table .",
    ],
    "present": [
        "après [le meal] , {P} offrit [un adj X] à {F} .",
        "{F} remercia {P} pour [le meal] et reçut en plus [un adj X] .",
    ],
    "apology": [
        "pour se faire pardonner , {P} offrit [un adj X] à {F} .",
        "même [un adj X] ne consola pas {F} .",
    ],
    "leave": [
        "un {E} {M} , {P.il} prit [le Z] pour aller {Y.à} {Y} .",
        "un {E} {M} , {P} se rendit {Y.à} {Y} en {Z} .",
        "un {E} {M} , [le Z] emmena {P} {Y.à} {Y} .",
    ],
    "carry": [
        "{P.il} voulait y vendre [un adj X] .",
        "{P} espérait y trouver un acheteur pour [son adj X] .",
        "{P.il} emportait [un adj X] pour l' y vendre .",
    ],
    "meet": [
        "[au stop] , {P.il} <rencontra|croisa> [son R] {F} .",
        "[son R] {F} l' attendait [au stop] .",
        "{P} et [son R] {F} se dirent au revoir [au stop] .",
    ],
    "arrive": [
        "quand {P} arriva {Y.à} {Y} , la capitale [du country] , le temps était {sky} .",
        "{P} arriva {Y.à} {Y} , capitale [du country] , par un temps {sky} .",
        "{Y.à} {Y} , la capitale [du country] , {P} trouva un temps {sky} .",
    ],
    "sold": [
        "{Y.à} {Y} , {P.il} vendit [le X] pour {coins.f} {coins.pièce} .",
        "{Y.à} {Y} , quelqu' un donna {coins.f} {coins.pièce} à {P} pour [le X] .",
        "{P} obtint {coins.f} {coins.pièce} pour [le X] {Y.à} {Y} .",
    ],
    "unsold": [
        "mais , {Y.à} {Y} , personne ne voulut [du adj X] .",
        "mais personne {Y.à} {Y} n' avait <d' argent|une seule pièce> pour [le adj X] .",
        "mais un voleur déroba [le adj X] {Y.à} {Y} .",
    ],
    "lose": [
        "un {E} , {P} ne retrouva plus [son tool] .",
        "« où est [mon tool] ? » demanda {P} un {E} .",
        "un {E} , {P.il} <perdit|égara> [son tool] .",
    ],
    "need": [
        "sans cela , il n' y aurait pas {X.de} {X} pour [son R] {F} .",
        "il lui fallait pourtant {make.infinitive} [un X] pour [son R] {F} .",
        "or [son R] {F} attendait [un X] .",
    ],
    "look": [
        "[at place] , {P.il} regarda {H.in} [le H] et {H2.in} [le H2] .",
        "[at place] , {P.il} ne trouva rien , ni {H.in} [le H] ni {H2.in} [le H2] .",
        "{P} fouilla [le place] : rien {H.in} [le H] , rien {H2.in} [le H2] .",
    ],
    "help": [
        "{F} aida {P} à fouiller [le place] .",
        "{F} vint [at place] pour aider {P} à chercher .",
        "{P} et {F} fouillèrent [le place] de fond en comble .",
    ],
    "found": [
        "enfin , {F} retrouva [le tool] près [du mark] .",
        "puis {F} aperçut [le tool] près [du mark] et {tool.it} rapporta à {P} .",
        "[le tool] gisait près [du mark] , où {F} {tool.it} trouva .",
    ],
    "gone": [
        "mais [le tool] resta introuvable , et {P} paya {coins.f} {coins.pièce} pour en avoir {tool.un} autre .",
        "mais {P} ne retrouva jamais [le tool] et dut payer {coins.f} {coins.pièce} pour {tool.un} autre .",
        "{P} dut finalement racheter [un tool] pour {coins.f} {coins.pièce} .",
    ],
    "announce": [
        "{S.en} {S} , il y eut {L.in} [le L] un concours pour {X.it} {X.meilleur(e)} {X} .",
        "chaque {S} , on organisait {L.in} [le L] un concours pour {X.it} {X.meilleur(e)} {X} .",
        "{S.ce} {S} -là , {L.in} [le L] , on cherchait {X.it} {X.meilleur(e)} {X} .",
    ],
    "rival": [
        "[son R] {F} , {T~F} {F.lui} aussi , voulait gagner .",
        "[son R] {F} était {T~F} {F.lui} aussi et participa au concours .",
        "{P} et [son R] {F} , {T~F} {F.lui} aussi , y participèrent .",
    ],
    "enter": [
        "{P} {make} [un adj X] et {work.le~X} {work} .",
        "pour le concours , {P} {make} [un adj X] , puis {work.le~X} {work} .",
    ],
    "better": [
        "[le X] {P.de} {P} était {comp~X} que {X.celui} {F.de} {F} .",
        "{P} fit mieux : [son X] était {comp~X} que {X.celui} {F.de} {F} .",
        "tout le monde trouva [le X] {P.de} {P} {comp~X} que {X.celui} {F.de} {F} .",
    ],
    "worse": [
        "[le X] {F.de} {F} était {comp~X} que {X.celui} {P.de} {P} .",
        "{F} fit mieux : [son X] était {comp~X} que {X.celui} {P.de} {P} .",
        "tout le monde trouva [le X] {F.de} {F} {comp~X} que {X.celui} {P.de} {P} .",
    ],
    "won": [
        "{P} gagna [un G] {C~G} et {coins.f} {coins.pièce} .",
        "{P} <reçut|remporta> le premier prix : [un G] {C~G} et {coins.f} {coins.pièce} .",
        "comme premier prix , {P} reçut {coins.f} {coins.pièce} et [un G] {C~G} .",
    ],
    "defeated": [
        "{F} gagna [un G] {C~G} , et {P} n' eut rien .",
        "le premier prix , [un G] {C~G} , revint à {F} , et non à {P} .",
        "{P} n' eut aucun prix , mais {F} reçut [un G] {C~G} .",
    ],
    "forecast": [
        "un {E} {S.de} {S} , [le W] s' abattit sur [le how L] .",
        "[le W] <atteignit|gagna> [le how L] un {E} {S.de} {S} .",
        "un {E} , comme souvent {S.en} {S} , [le W] s' abattit sur [le how L] .",
    ],
    "forget": [
        "sur le chemin [du place] , {P} n' avait pas {item.de} {item} .",
        "{P} partit pour [le place] en oubliant [son item] .",
        "sans {item} , {P} prit le chemin [du place] .",
    ],
    "suffer": [
        "{P.il} arriva [at place] , {effect~P} et {P.fatigué(e)} .",
        "bientôt , {P} fut {effect~P} , et [le place] était encore loin .",
        "quand {P} aperçut [le place] , {P.il} était déjà {effect~P} .",
    ],
    "lent": [
        "heureusement , [son R] {F} lui prêta [un item] .",
        "puis {P.il} rencontra [son R] {F} , qui avait [un item] pour {P.lui} .",
        "« prends [mon item] » , lui dit [son R] {F} .",
    ],
    "ruined": [
        "[le W] abîma [un adj X] {place.in} [le place] .",
        "{place.in} [le place] , [le W] <abîma|gâta> [un adj X] .",
        "à cause [du W] , {P.il} perdit [un adj X] {place.in} [le place] .",
    ],
    "thanks": [
        "pour remercier {F} , {P} {make} [un adj X] .",
        "{P} remercia {F} et lui {make} [un adj X] .",
    ],
    "missed": [
        "[son R] {F} attendit [le X] en vain .",
        "{P} n' avait <donc|désormais> plus {X.de} {X} pour [son R] {F} .",
    ],
    "friends": [
        "dès lors , {F} revint souvent voir {P} [at place] .",
        "{F} parla à tout le monde [du place] {P.de} {P} .",
        "depuis ce jour , {F} aimait venir [at place] .",
    ],
    "estranged": [
        "dès lors , {F} ne remit plus jamais les pieds [at place] .",
        "{F} conseilla à tout le monde d' éviter [le place] {P.de} {P} .",
        "depuis ce jour , {F} ne venait plus [at place] .",
    ],
    "rejoice": [
        "sur le chemin [du place] , {P} était {joy~P} et {joyful.imperfect} .",
        "comme {P} était {joy~P} : [at place] , {P.il} {joyful} toute la journée !",
        "de retour [at place] , {P} , {joy~P} , {joyful} toute la journée .",
    ],
    "mourn": [
        "sur le chemin [du place] , {P} était {woe~P} et {woeful.imperfect} .",
        "comme {P} était {woe~P} : [at place] , {P.il} {woeful} toute la journée !",
        "de retour [at place] , {P} , {woe~P} , {woeful} toute la journée .",
    ],
}


TEMPLATES = {frame: [expand(line) for line in lines] for frame, lines in LINES.items()}
