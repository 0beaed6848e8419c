"""The words of French: how each concept is called, with its gender, and how it is bent.

Tables only; `french.py` tells stories with them. A noun's gender is the table that it stands in.
"""


def _table(entries: str) -> dict[str, str]:
    """Read `concept: word; concept: word`."""
    pairs = (entry.split(": ") for entry in " ".join(entries.split()).rstrip(";").split("; "))
    return {concept: shown for concept, shown in pairs}


MASCULINE = _table("""
    studio: atelier; restaurant: restaurant; harbour: embarcadère; theatre: théâtre;
    garage: garage; office: bureau; shop: magasin; laboratory: laboratoire; shipyard: chantier naval;
    bindery: atelier de reliure;
    whisk: fouet; sieve: tamis; hammer: marteau; thimble: dé à coudre; thread: fil; brush: pinceau; easel: chevalet;
    rake: râteau; hose: tuyau; pen: stylo; dictionary: dictionnaire; net: filet; hook: hameçon; scraper: racloir;
    stamp: tampon; violin: violon; jack: cric; camera: appareil photo; tripod: trépied; flash: flash;
    torch: chalumeau; poker: tisonnier; laptop: ordinateur; keyboard: clavier; cable: câble; spindle: fuseau;
    comb: peigne; screwdriver: tournevis; chisel: ciseau; mallet: maillet; rasp: rifloir; funnel: entonnoir;
    magnet: aimant; switch: interrupteur; winch: treuil; crowbar: pied-de-biche; mould: moule; tray: plateau;
    cutter: cutter;
    cake: gâteau; bench: banc; coat: manteau; portrait: portrait; landscape: paysage; curry: curry; stew: ragoût;
    roast: rôti; novel: roman; poem: poème; tale: conte; salmon: saumon; bowl: bol; vase: vase; engine: moteur;
    scooter: scooter; melon: melon; cabbage: chou; necklace: collier; bracelet: bracelet; knife: couteau; game: jeu;
    website: site; carpet: tapis; shawl: châle; timer: minuteur; bust: buste; syrup: sirop; perfume: parfum;
    robot: robot; canoe: canoë; raft: radeau; yacht: yacht; goblet: gobelet; diary: carnet; album: album;
    atlas: atlas;
    kite: cerf-volant; ball: ballon; book: livre; bicycle: vélo; puzzle: puzzle; drum: tambour; umbrella: parapluie;
    dog: chien; cat: chat; horse: cheval; duck: canard; donkey: âne; rabbit: lapin; parrot: perroquet; pig: cochon;
    pigeon: pigeon; owl: hibou; milk: lait; hay: foin; corn: maïs; bread: pain; clover: trèfle; seed: millet;
    bran: son de blé; wheat: blé; basket: panier; coop: poulailler; paddock: enclos; hutch: clapier; loft: pigeonnier;
    attic: grenier;
    fog: brouillard; wind: vent; frost: gel; storm: orage; whistle: sifflet; muffler: cache-nez;
    raincoat: imperméable; helmet: casque;
    winter: hiver; spring: printemps; summer: été; autumn: automne;
    morning: matin; noon: midi; afternoon: après-midi; evening: soir;
    breakfast: petit déjeuner; lunch: déjeuner; tea: thé; dinner: dîner;
    Monday: lundi; Tuesday: mardi; Wednesday: mercredi; Thursday: jeudi; Friday: vendredi; Saturday: samedi;
    Sunday: dimanche;
    village: village; town: bourg; port: port; well: puits; stream: ruisseau; lighthouse: phare; windmill: moulin;
    quay: quai;
    drawer: tiroir; cupboard: placard; curtain: rideau; stairs: escalier; stove: fourneau; sack: sac;
    barrel: tonneau; bucket: seau;
    Portugal: Portugal; Japan: Japon; train: train; plane: avion; bus: bus; airport: aéroport; terminal: terminus;
    risotto: risotto; burger: hamburger; sorbet: sorbet; sandwich: sandwich; crumble: crumble; chowder: velouté;
    egg: œuf; mushroom: champignon; cucumber: concombre; onion: oignon; lemon: citron; pickle: cornichon;
    butter: beurre; cheese: fromage; rice: riz; beef: bœuf; sugar: sucre; ham: jambon; saffron: safran;
    friend (m): ami; neighbour (m): voisin; cousin (m): cousin; brother: frère; uncle: oncle;
    grandfather: grand-père; son: fils; nephew: neveu
""")
FEMININE = _table("""
    bakery: boulangerie; workshop: menuiserie; boutique: boutique; greenhouse: serre; library: bibliothèque;
    pottery: poterie; barn: grange; darkroom: chambre noire; gallery: galerie; forge: forge; mill: filature; yard: cour;
    factory: usine; glassworks: verrerie;
    spatula: spatule; saw: scie; drill: perceuse; needle: aiguille; palette: palette; spade: bêche; pan: poêle;
    ladle: louche; grater: râpe; typewriter: machine à écrire; rod: canne à pêche; sponge: éponge; flute: flûte;
    baton: baguette; wrench: clé anglaise; pump: pompe; sickle: faucille; pitchfork: fourche; hoe: houe;
    loupe: loupe; ruler: règle; file: lime; clamp: pince; shuttle: navette; lens: lentille; oilcan: burette;
    flask: fiole; pipette: pipette; battery: batterie; adze: herminette; blowpipe: canne à souffler;
    stapler: agrafeuse; press: presse;
    pie: tourte; tart: tarte; table: table; chair: chaise; dress: robe; shirt: chemise; icon: icône; rose: rose;
    tulip: tulipe; orchid: orchidée; trout: truite; eel: anguille; jug: cruche; waltz: valse; march: marche;
    song: chanson; motorbike: moto; pumpkin: citrouille; photo: photo; postcard: carte postale; poster: affiche;
    ring: bague; axe: hache; sword: épée; app: application; blanket: couverture; clock: horloge; watch: montre;
    statue: statue; figurine: figurine; lotion: lotion; machine: machine; rocket: fusée; bottle: bouteille;
    lamp: lampe;
    scarf: écharpe; guitar: guitare; lantern: lanterne; doll: poupée; sledge: luge;
    goat: chèvre; hen: poule; meat: viande; grass: herbe; oats: avoine; kennel: niche; stable: écurie;
    shed: cabane; pond: mare; cage: cage; sty: porcherie;
    rain: pluie; snow: neige; heat: chaleur; hail: grêle; parka: parka; hood: capuche; parasol: ombrelle;
    city: ville; valley: vallée; island: île; hill: colline; forest: forêt; bay: baie; mountain: montagne;
    church: église; cathedral: cathédrale; clearing: clairière; pier: jetée; waterfall: cascade;
    box: boîte; shelf: étagère; door: porte; crate: caisse; ladder: échelle; window: fenêtre;
    France: France; Italy: Italie; Germany: Allemagne; Spain: Espagne; England: Angleterre; Austria: Autriche;
    Greece: Grèce; Egypt: Égypte; China: Chine; Norway: Norvège; station: gare;
    omelette: omelette; pizza: pizza; salad: salade; paella: paella; tomato: tomate; apple: pomme; prawn: crevette;
    potato: pomme de terre; oil: huile; flour: farine; cream: crème;
    friend (f): amie; neighbour (f): voisine; cousin (f): cousine; sister: sœur; aunt: tante;
    grandmother: grand-mère; daughter: fille; niece: nièce
""")
PLURAL = {"mice": "souris"}
IRREGULAR_PLURALS = {"potato": "pommes de terre"}  # the others add an s

TRADES = _table("""
    baker: boulanger boulangère; carpenter: menuisier menuisière; tailor: couturier couturière;
    painter: peintre peintre; gardener: jardinier jardinière; chef: cuisinier cuisinière;
    writer: écrivain écrivaine; fisher: pêcheur pêcheuse; potter: potier potière;
    composer: compositeur compositrice; mechanic: mécanicien mécanicienne; farmer: fermier fermière;
    photographer: photographe photographe; jeweller: bijoutier bijoutière; blacksmith: forgeron forgeronne;
    programmer: programmeur programmeuse; weaver: tisserand tisserande; watchmaker: horloger horlogère;
    sculptor: sculpteur sculptrice; chemist: chimiste chimiste; inventor: inventeur inventrice;
    boatbuilder: charpentier_naval charpentière_navale; glassblower: souffleur_de_verre souffleuse_de_verre;
    bookbinder: relieur relieuse
""")
# Names whose French spelling differs; "Cairo" carries its article: "au Caire".
NAMES = _table("""
    Lucy: Lucie; Helen: Hélène; Irene: Irène; Erik: Éric; Felix: Félix; Leo: Léo; Peter: Pierre; Emil: Émile;
    Henry: Henri; Lukas: Lucas; Oliver: Olivier; Sylvia: Sylvie; London: Londres; Vienna: Vienne; Lisbon: Lisbonne;
    Athens: Athènes; Cairo: Caire; Beijing: Pékin
""")
NUMBERS = dict(
    zip(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
        ("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
        strict=True,
    )
)

# Masculine, feminine, masculine before a vowel; one word alone serves for all.
ADJECTIVES = _table("""
    fine: magnifique; beautiful: beau belle bel; splendid: splendide; lovely: joli jolie; special: spécial spéciale;
    perfect: parfait parfaite; elegant: élégant élégante; unusual: insolite;
    old: vieux vieille vieil; new: nouveau nouvelle nouvel; favourite: préféré préférée; trusty: fidèle;
    shiny: brillant brillante; worn: usé usée;
    finer: plus_soigné plus_soignée; better: meilleur meilleure; prettier: plus_joli plus_jolie;
    nicer: plus_réussi plus_réussie; lovelier: plus_beau plus_belle; larger: plus_grand plus_grande;
    small: petit petite; quiet: tranquille; pretty: joli jolie; remote: isolé isolée; famous: célèbre;
    ancient: millénaire; peaceful: paisible; charming: charmant charmante;
    red: rouge; blue: bleu bleue; green: vert verte; yellow: jaune; white: blanc blanche; black: noir noire;
    orange: orange; purple: violet violette; brown: marron; grey: gris grise;
    hungry: affamé affamée; lost: perdu perdue; thirsty: assoiffé assoiffée; tired: fatigué fatiguée;
    frightened: effrayé effrayée; wounded: blessé blessée; abandoned: abandonné abandonnée;
    rainy: pluvieux pluvieuse; snowy: neigeux neigeuse; foggy: brumeux brumeuse; windy: venteux venteuse;
    frosty: glacial glaciale; hot: caniculaire; stormy: orageux orageuse; icy: glacé glacée;
    soaked: trempé trempée; frozen: gelé gelée; confused: désorienté désorientée; dizzy: étourdi étourdie;
    numb: engourdi engourdie; sunburnt: brûlé_par_le_soleil brûlée_par_le_soleil; drenched: trempé_jusqu'aux_os trempée_jusqu'aux_os;
    bruised: couvert_de_bleus couverte_de_bleus;
    delicious: délicieux délicieuse; tasty: savoureux savoureuse; excellent: excellent excellente;
    wonderful: merveilleux merveilleuse; superb: exquis exquise;
    salty: salé salée; bitter: amer amère; greasy: gras grasse; sour: acide; bland: fade;
    happy: heureux heureuse; proud: fier fière; delighted: ravi ravie; cheerful: joyeux joyeuse;
    glad: content contente; merry: gai gaie;
    sad: triste; angry: furieux furieuse; upset: bouleversé bouleversée; gloomy: morose;
    disappointed: déçu déçue; grumpy: grincheux grincheuse
""")
# These stand before their noun, the others after it.
BEFORE_THE_NOUN = frozenset(
    ("fine", "beautiful", "splendid", "lovely", "old", "new", "trusty", "small", "pretty", "charming")
)

VERBS = _table("""
    to bake: confectionner; to slice: trancher; to decorate: décorer; to build: fabriquer; to sand: poncer;
    to varnish: vernir; to sew: coudre; to hem: ourler; to iron: repasser; to paint: peindre; to sign: signer;
    to frame: encadrer; to grow: cultiver; to water: arroser; to prune: tailler; to cook: cuisiner;
    to season: assaisonner; to serve: servir; to write: écrire; to edit: corriger; to revise: remanier;
    to catch: pêcher; to clean: nettoyer; to smoke: fumer; to shape: façonner; to glaze: émailler; to dry: sécher;
    to compose: composer; to practise: répéter; to perform: interpréter; to assemble: assembler; to test: tester;
    to tune: régler; to harvest: récolter; to wash: laver; to weigh: peser; to print: imprimer;
    to enlarge: agrandir; to crop: recadrer; to design: dessiner; to engrave: graver; to polish: polir;
    to hammer: forger; to sharpen: aiguiser; to temper: tremper; to code: programmer; to update: actualiser;
    to debug: déboguer; to weave: tisser; to dye: teindre; to fold: plier; to repair: réparer; to oil: huiler;
    to adjust: ajuster; to carve: sculpter; to smooth: lisser; to measure: mesurer; to mix: mélanger;
    to filter: filtrer; to label: étiqueter; to invent: inventer; to improve: améliorer; to patent: breveter;
    to construct: construire; to tar: goudronner; to launch: mettre à l'eau; to blow: souffler; to tint: teinter;
    to cool: refroidir; to bind: relier; to trim: rogner; to emboss: gaufrer;
    to fly: faire voler; to kick: taper dans; to read: lire; to wear: porter; to ride: enfourcher;
    to strum: gratter; to light: allumer; to hug: câliner; to solve: reconstituer; to beat: battre;
    to pull: tirer; to open: ouvrir;
    to bark: aboyer; to meow: miauler; to neigh: hennir; to bleat: bêler; to cluck: glousser; to quack: cancaner;
    to bray: braire; to squeak: couiner; to screech: jacasser; to grunt: grogner; to coo: roucouler;
    to hoot: hululer;
    to smile: sourire; to beam: rayonner; to dance: danser; to whistle: siffler; to sing: chanter; to laugh: rire;
    to cry: pleurer; to shout: crier; to sob: sangloter; to sigh: soupirer; to frown: froncer les sourcils;
    to grumble: ronchonner
""")
# Third person singular where it does not follow from -er (a, ait) or -ir (it).
PAST = _table("""
    coudre: cousit; peindre: peignit; écrire: écrivit; construire: construisit; teindre: teignit; mettre: mit;
    faire: fit; lire: lut; battre: battit; sourire: sourit; rire: rit
""")
IMPERFECT = _table("hennir: hennissait; braire: brayait; sourire: souriait; rire: riait")
MEALS = {"breakfast": "prendre le petit déjeuner", "lunch": "déjeuner", "tea": "prendre le thé", "dinner": "dîner"}

# Masculine, feminine, masculine before a vowel, feminine before a vowel, plural.
FORMS = {
    "le": ("le", "la", "l'", "l'", "les"),
    "un": ("un", "une", "un", "une", "des"),
    "du": ("du", "de la", "de l'", "de l'", "des"),  # the partitive and the genitive alike
    "au": ("au", "à la", "à l'", "à l'", "aux"),
    "de": ("de", "de", "d'", "d'", "de"),
    "que": ("que", "que", "qu'", "qu'", "que"),
    "son": ("son", "sa", "son", "son", "ses"),
    "mon": ("mon", "ma", "mon", "mon", "mes"),
    "ce": ("ce", "cette", "cet", "cette", "ces"),
    "quel": ("quel", "quelle", "quel", "quelle", "quels"),
    "celui": ("celui", "celle", "celui", "celle", "ceux"),
    "il": ("il", "elle", "il", "elle", "ils"),
    "lui": ("lui", "elle", "lui", "elle", "eux"),
    "it": ("le", "la", "le", "la", "les"),  # the object pronoun before a consonant
}
# Words that a vowel or an h opens, yet nothing is elided before them (the y of yacht is no vowel letter here).
ASPIRATED = frozenset(("hache", "hamburger", "hibou", "houe", "huit", "hugo"))
VOWELS = frozenset("aeiouâàéèêëîïôûœ")

# "In" is "dans" but for these.
PREPOSITIONS = {
    "sur": frozenset(("island", "hill", "mountain", "harbour", "shipyard", "shelf")),
    "derrière": frozenset(("curtain", "door", "stove", "barrel")),
    "sous": frozenset(("stairs", "crate", "ladder", "window")),
}
# Places of work that one is "dans" or "sur" rather than "à".
WITHIN = frozenset(("greenhouse", "harbour", "darkroom", "shipyard", "barn", "yard"))
