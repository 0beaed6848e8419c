"""What can be asked about a story in French, and each topic told in one sentence; the templates are those of `french`."""

from .french_grammar import expand

ASKED: dict[str, list[tuple[str, str, str]]] = {  # frame: (kind, question, the expression that answers)
    "open": [
        ("what", "quel était le métier {P.de} {P} ?", "T"),
        ("where", "où vivait {P} ?", "L"),
        ("who", "qui était {T~P} ?", "P"),
    ],
    "habit": [
        ("what", "de quoi {P} se servait {P.-il} au travail ?", "tool"),
        ("where", "où travaillait {P} ?", "place"),
    ],
    "order": [
        ("who", "qui voulait [un adj X] ?", "F"),
        ("what", "que demanda {F} à {P} ?", "X"),
        ("when", "quel jour {F} vint {F.-il} voir {P} ?", "E"),
    ],
    "craft": [("what", "qu' utilisa {P} pour {make.infinitive} [le X] ?", "tool")],
    "promise": [("when", "quel jour {F} devait {F.-il} recevoir [le X] ?", "E2")],
    "finished": [("how many", "combien d' heures fallut -il à {P} pour finir [le X] ?", "hours")],
    "unfinished": [
        ("what", "qu' avait perdu {P} ?", "tool"),
        ("why", "pourquoi {P} était {P.-il} triste ?", "sentence"),
    ],
    "paid": [
        ("how many", "combien de pièces {F} paya -t {F.-il} ?", "coins"),
        ("why", "pourquoi {P} était {P.-il} {P.content(e)} ?", "sentence"),
    ],
    "unpaid": [("how many", "combien de jours {F} attendit {F.-il} [le X] ?", "days")],
    "birthday": [
        ("who", "qui fêta son anniversaire ?", "F"),
        ("when", "quel jour fut fêté l' anniversaire {F.de} {F} ?", "E"),
    ],
    "wish": [("what", "que désirait {F} ?", "G")],
    "buy": [("how many", "combien de pièces {P} paya -t {P.-il} pour [le G] ?", "coins")],
    "handmade": [("what", "{make.que} {make} {P} avec [son tool] ?", "X")],
    "played": [("why", "pourquoi {F} était {F.-il} {F.content(e)} ?", "sentence")],
    "stolen": [
        ("where", "où [le G] {F.de} {F} disparut {G.-il} ?", "mark"),
        ("why", "pourquoi {F} était {F.-il} triste ?", "sentence"),
    ],
    "find": [
        ("where", "où {P} trouva -t {P.-il} [le A] ?", "mark"),
        ("when", "à quel moment de la journée {P} trouva -t {P.-il} [le A] ?", "M"),
    ],
    "feed": [("what", "que donna {P} à manger [au A] ?", "food"), ("who", "comment s' appelait [le A] ?", "Q")],
    "shelter": [("where", "où vivait {Q} ?", "place")],
    "ran away": [
        ("when", "quel jour disparut {Q} ?", "E2"),
        ("why", "pourquoi {P} était {P.-il} triste ?", "sentence"),
    ],
    "visit": [("who", "qui venait jouer avec {Q} ?", "F")],
    "search": [("who", "qui aida {P} à chercher [le A] ?", "F")],
    "invite": [
        ("who", "qui {P} invita -t {P.-il} à {meal.infinitive} ?", "F"),
        ("when", "quel jour {F} vint {F.-il} {meal.infinitive} ?", "E"),
    ],
    "prepare": [("what", "que prépara {P} pour {F} ?", "D")],
    "enjoyed": [
        ("how many", "combien d' assiettes {F} mangea -t {F.-il} ?", "plates"),
        ("why", "pourquoi {P} était {P.-il} {P.content(e)} ?", "sentence"),
    ],
    "spoiled": [("why", "pourquoi {F} n' aima -t {F.-il} pas [le D] ?", "yuck")],
    "present": [("what", "qu' offrit {P} à {F} ?", "X")],
    "apology": [("what", "qu' offrit {P} à {F} pour se faire pardonner ?", "X")],
    "leave": [("where", "où {P} alla -t {P.-il} ?", "Y"), ("when", "quel jour {P} partit {P.-il} ?", "E")],
    "carry": [("what", "que voulait vendre {P} ?", "X")],
    "meet": [("where", "où {P} vit {P.-il} {F} ?", "stop")],
    "arrive": [("where", "dans quel pays {P} arriva -t {P.-il} ?", "country")],
    "sold": [
        ("how many", "combien de pièces {P} obtint {P.-il} pour [le X] ?", "coins"),
        ("why", "pourquoi {P} était {P.-il} {P.content(e)} ?", "sentence"),
    ],
    "unsold": [("why", "pourquoi {P} était {P.-il} triste ?", "sentence")],
    "lose": [("what", "que perdit {P} ?", "tool"), ("when", "quel jour {P} perdit {P.-il} [son tool] ?", "E")],
    "need": [("who", "qui devait recevoir [un X] de la part {P.de} {P} ?", "F")],
    "found": [("who", "qui retrouva [le tool] ?", "F"), ("where", "où {F} retrouva -t {F.-il} [le tool] ?", "mark")],
    "gone": [
        ("how many", "combien de pièces {P} dut {P.-il} payer pour {tool.un} autre {tool} ?", "coins"),
        ("why", "pourquoi {P} était {P.-il} triste ?", "sentence"),
    ],
    "announce": [
        ("when", "en quelle saison eut lieu le concours pour {X.it} {X.meilleur(e)} {X} ?", "S"),
        ("where", "où eut lieu le concours ?", "L"),
    ],
    "rival": [("who", "qui participa au concours avec {P} ?", "F")],
    "better": [("who", "qui avait {X.it} {X.meilleur(e)} {X} ?", "P")],
    "worse": [("who", "qui avait {X.it} {X.meilleur(e)} {X} ?", "F")],
    "won": [("what", "que gagna {P} ?", "G"), ("why", "pourquoi {P} était {P.-il} {P.content(e)} ?", "sentence")],
    "defeated": [("who", "qui gagna [le G] {C~G} ?", "F"), ("why", "pourquoi {P} était {P.-il} triste ?", "sentence")],
    "forecast": [("when", "quel jour arriva [le W] ?", "E")],
    "forget": [("what", "qu' avait oublié {P} ?", "item")],
    "lent": [("who", "qui aida {P} ?", "F"), ("why", "pourquoi {P} était {P.-il} {P.content(e)} ?", "sentence")],
    "ruined": [("what", "qu' abîma [le W] ?", "X"), ("why", "pourquoi {P} était {P.-il} triste ?", "sentence")],
    "thanks": [("what", "{make.que} {make} {P} pour {F} ?", "X")],
    "missed": [("who", "qui espérait recevoir [le X] ?", "F")],
}

TOLD_SHORT: dict[tuple[str, str], str] = {
    ("work", "good"): "{P} , {T~P} , {make} [un adj X] pour {F} .",
    ("work", "bad"): "{P} , {T~P} , ne put achever [le adj X] {X.commandé(e)} par {F} .",
    ("gift", "good"): "{F} reçut [un G] {C~G} pour son anniversaire et en fut {F.ravi(e)} .",
    ("gift", "bad"): "{F} devait recevoir [un G] {C~G} pour son anniversaire , mais n' en profita pas .",
    ("animal", "good"): "{P} , {T~P} , recueillit [un A] {state~A} , qui resta chez {P.lui} .",
    ("animal", "bad"): "{P} , {T~P} , recueillit [un A] {state~A} , mais {A.il} s' enfuit .",
    ("meal", "good"): "{P} , {T~P} , prépara pour {F} [un D] {yum~D} .",
    ("meal", "bad"): "{P} , {T~P} , prépara pour {F} [un D] trop {yuck~D} .",
    ("journey", "good"): "{P} , {T~P} , vendit [un adj X] {Y.à} {Y} .",
    ("journey", "bad"): "{P} , {T~P} , voulut vendre [un adj X] {Y.à} {Y} , mais en vain .",
    ("lost", "good"): "{P} , {T~P} , perdit [son tool] , mais {F} {tool.it} retrouva .",
    ("lost", "bad"): "{P} , {T~P} , perdit [son tool] et dut en racheter {tool.un} .",
    ("contest", "good"): "{P} , {T~P} , remporta le concours pour {X.it} {X.meilleur(e)} {X} .",
    ("contest", "bad"): "{F} , et non {P} , remporta le concours pour {X.it} {X.meilleur(e)} {X} .",
    ("weather", "good"): "{P} , {T~P} , avait oublié [son item] , mais {F} lui en prêta {item.un} .",
    ("weather", "bad"): "{P} , {T~P} , perdit [un adj X] à cause [du W] .",
}

QUESTIONS = {frame: [(kind, expand(line), answer) for kind, line, answer in asked] for frame, asked in ASKED.items()}
SUMMARIES = {told: [expand(line)] for told, line in TOLD_SHORT.items()}
