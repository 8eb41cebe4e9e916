"""Which language an article is written in."""

import json
import time
from pathlib import Path

import pytest
from babel import Locale

from stream import language, text
from stream.evaluation import corpus
from stream.records import Document, Sentence

ROOT = Path(__file__).parents[1]
OTHERS = sorted(path.stem for path in (ROOT / "training" / "others").glob("*.txt"))

PARAGRAPHS = {
    "it": (
        "Il ministro degli Esteri ha incontrato a Roma il collega tedesco. Al centro del colloquio gli aiuti "
        "umanitari e la sicurezza delle frontiere. Una nuova riunione è prevista entro la fine del mese."
    ),
    "en": (
        "The foreign minister met his German colleague in Rome. They talked about humanitarian aid and the "
        "security of borders. A new meeting is expected before the end of the month."
    ),
    "uk": (
        "Міністр закордонних справ зустрівся в Римі з німецьким колегою. Вони говорили про гуманітарну "
        "допомогу та безпеку кордонів. Нова зустріч відбудеться до кінця місяця."
    ),
    "de": (
        "Der Außenminister traf in Rom seinen deutschen Kollegen. Es ging um humanitäre Hilfe und die "
        "Sicherheit der Grenzen. Ein neues Treffen wird noch vor Ende des Monats erwartet."
    ),
    "fr": (
        "Le ministre des Affaires étrangères a rencontré à Rome son collègue allemand. Ils ont parlé de "
        "l'aide humanitaire et de la sécurité des frontières. Une nouvelle réunion est prévue avant la fin "
        "du mois."
    ),
    "es": (
        "El ministro de Exteriores se reunió en Roma con su colega alemán. Hablaron de la ayuda humanitaria "
        "y de la seguridad de las fronteras. Se espera una nueva reunión antes de fin de mes."
    ),
    "ru": (
        "Министр иностранных дел встретился в Риме с немецким коллегой. Они говорили о гуманитарной помощи и "
        "безопасности границ. Новая встреча ожидается до конца месяца."
    ),
    "pl": (
        "Minister spraw zagranicznych spotkał się w Rzymie z niemieckim kolegą. Rozmawiali o pomocy "
        "humanitarnej i bezpieczeństwie granic. Nowe spotkanie ma się odbyć przed końcem miesiąca."
    ),
    "pt": (
        "O ministro dos Negócios Estrangeiros encontrou-se em Roma com o colega alemão. Falaram da ajuda "
        "humanitária e da segurança das fronteiras. Uma nova reunião está prevista até ao fim do mês."
    ),
    "nl": (
        "De minister van Buitenlandse Zaken sprak in Rome met zijn Duitse collega. Het ging over humanitaire "
        "hulp en de veiligheid van de grenzen. Voor het einde van de maand volgt een nieuwe ontmoeting."
    ),
    "bg": (
        "Министърът на външните работи се срещна в Рим с германския си колега. Те говориха за хуманитарната "
        "помощ и сигурността на границите. Нова среща се очаква до края на месеца."
    ),
    "be": (
        "Міністр замежных спраў сустрэўся ў Рыме з нямецкім калегам. Яны гаварылі пра гуманітарную дапамогу "
        "і бяспеку межаў. Новая сустрэча чакаецца да канца месяца."
    ),
    "sr": (
        "Министар спољних послова састао се у Риму са немачким колегом. Разговарали су о хуманитарној помоћи "
        "и безбедности граница. Нови састанак се очекује до краја месеца."
    ),
    "mk": (
        "Министерот за надворешни работи се сретна во Рим со германскиот колега. Тие разговараа за "
        "хуманитарната помош и безбедноста на границите. Нова средба се очекува до крајот на месецот."
    ),
    "cs": (
        "Ministr zahraničí se v Římě setkal se svým německým kolegou. Hovořili o humanitární pomoci a "
        "bezpečnosti hranic. Další schůzka se očekává do konce měsíce."
    ),
    "sk": (
        "Minister zahraničných vecí sa v Ríme stretol so svojím nemeckým kolegom. Hovorili o humanitárnej "
        "pomoci a bezpečnosti hraníc. Ďalšie stretnutie sa očakáva do konca mesiaca."
    ),
    "sl": (
        "Zunanji minister se je v Rimu srečal z nemškim kolegom. Govorila sta o humanitarni pomoči in "
        "varnosti meja. Novo srečanje pričakujejo do konca meseca."
    ),
    "ro": (
        "Ministrul de externe s-a întâlnit la Roma cu omologul său german. Au vorbit despre ajutorul "
        "umanitar și securitatea frontierelor. O nouă reuniune este așteptată până la sfârșitul lunii."
    ),
    "hu": (
        "A külügyminiszter Rómában találkozott német kollégájával. A humanitárius segítségről és a határok "
        "biztonságáról beszéltek. Újabb találkozó várható a hónap vége előtt."
    ),
    "sv": (
        "Utrikesministern träffade sin tyska kollega i Rom. De talade om humanitär hjälp och gränsernas "
        "säkerhet. Ett nytt möte väntas före månadens slut."
    ),
    "da": (
        "Udenrigsministeren mødte sin tyske kollega i Rom. De talte om humanitær hjælp og grænsernes "
        "sikkerhed. Et nyt møde ventes afholdt inden udgangen af måneden."
    ),
    "no": (
        "Utenriksministeren møtte sin tyske kollega i Roma. De snakket om humanitær hjelp og sikkerheten ved "
        "grensene. Et nytt møte ventes før slutten av måneden."
    ),
    "fi": (
        "Ulkoministeri tapasi saksalaisen kollegansa Roomassa. He puhuivat humanitaarisesta avusta ja "
        "rajojen turvallisuudesta. Uutta tapaamista odotetaan ennen kuun loppua."
    ),
    "ca": (
        "El ministre d'Afers Exteriors es va reunir a Roma amb el seu col·lega alemany. Van parlar de "
        "l'ajuda humanitària i de la seguretat de les fronteres. S'espera una nova reunió abans de final de "
        "mes."
    ),
    "gl": (
        "O ministro de Exteriores reuniuse en Roma co seu colega alemán. Falaron da axuda humanitaria e da "
        "seguridade das fronteiras. Agárdase unha nova xuntanza antes de que remate o mes."
    ),
    "tr": (
        "Dışişleri bakanı Roma'da Alman mevkidaşıyla görüştü. İnsani yardım ve sınırların güvenliği hakkında "
        "konuştular. Ay sonundan önce yeni bir toplantı bekleniyor."
    ),
    "el": (
        "Ο υπουργός Εξωτερικών συναντήθηκε στη Ρώμη με τον Γερμανό ομόλογό του. Μίλησαν για την ανθρωπιστική "
        "βοήθεια και την ασφάλεια των συνόρων. Νέα συνάντηση αναμένεται πριν από το τέλος του μήνα."
    ),
    "lt": (
        "Užsienio reikalų ministras Romoje susitiko su kolega iš Vokietijos. Jie kalbėjo apie humanitarinę "
        "pagalbą ir sienų saugumą. Naujo susitikimo laukiama iki mėnesio pabaigos."
    ),
    "lv": (
        "Ārlietu ministrs Romā tikās ar savu Vācijas kolēģi. Viņi runāja par humāno palīdzību un robežu "
        "drošību. Jauna tikšanās gaidāma līdz mēneša beigām."
    ),
    "et": (
        "Välisminister kohtus Roomas oma Saksa kolleegiga. Nad rääkisid humanitaarabist ja piiride "
        "julgeolekust. Uut kohtumist oodatakse enne kuu lõppu."
    ),
    "ar": (
        "التقى وزير الخارجية في روما نظيره الألماني. وتحدثا عن المساعدات الإنسانية وأمن الحدود. ومن المتوقع "
        "عقد اجتماع جديد قبل نهاية الشهر."
    ),
    "fa": ("وزیر امور خارجه در رم با همتای آلمانی خود دیدار کرد. آنها درباره کمک‌های بشردوستانه و امنیت مرزها گفتگو کردند."),
    "he": ("שר החוץ נפגש ברומא עם עמיתו הגרמני. הם שוחחו על סיוע הומניטרי ועל ביטחון הגבולות. פגישה נוספת צפויה עד סוף החודש."),
    "hi": ("विदेश मंत्री ने रोम में अपने जर्मन समकक्ष से मुलाकात की। उन्होंने मानवीय सहायता और सीमाओं की सुरक्षा पर बात की।"),
    "zh": "外交部长在罗马会见了德国外长。他们谈到了人道主义援助和边境安全。预计月底前将举行新的会议。",
    "ja": "外務大臣はローマでドイツの外相と会談した。両者は人道支援と国境の安全について話し合った。",
    "ko": "외무장관은 로마에서 독일 외무장관을 만났다. 두 사람은 인도적 지원과 국경의 안전에 대해 이야기했다.",
    "ka": (
        "საგარეო საქმეთა მინისტრი რომში გერმანელ კოლეგას შეხვდა. მათ ჰუმანიტარულ დახმარებასა და საზღვრების "
        "უსაფრთხოებაზე ისაუბრეს."
    ),
}

HEADLINES = [
    ("it", "Zelensky a Roma: «La pace solo con garanzie»"),
    ("it", "Sciopero dei treni venerdì, ecco le fasce protette"),
    ("en", "Earthquake kills three, dozens injured"),
    ("uk", "Землетрус: троє загиблих"),
    ("uk", "ПРЕЗИДЕНТ ЗАЯВИВ ПРО НОВІ САНКЦІЇ"),
    ("de", "Erdbeben: Drei Tote und Dutzende Verletzte"),
    ("fr", "Séisme : trois morts et des dizaines de blessés"),
    ("es", "Terremoto deja tres muertos"),
    ("ru", "Землетрясение: трое погибших"),
    ("pl", "Trzęsienie ziemi: trzy osoby nie żyją"),
    ("pt", "Greve dos comboios na sexta-feira"),
    ("nl", "Kabinet keurt begroting goed"),
]

SISTERS = [
    ("uk", "Унаслідок обстрілу загинули троє людей"),
    ("ru", "В результате обстрела погибли три человека"),
    ("bg", "Преговорите в Женева приключиха без резултат"),
    ("be", "У выніку абстрэлу загінулі тры чалавекі"),
    ("mk", "Тројца загинаа во гранатирањето"),
    ("sr", "Председник је најавио нове санкције против Русије"),
    ("es", "Las negociaciones de Ginebra terminan sin acuerdo"),
    ("pt", "Negociações em Genebra terminam sem acordo"),
    ("ca", "Les negociacions de Ginebra acaben sense acord"),
    ("gl", "As negociacións de Xenebra rematan sen acordo"),
    ("cs", "Při ostřelování zahynuli tři lidé"),
    ("sk", "Pri ostreľovaní zahynuli traja ľudia"),
    ("no", "Forhandlingene i Genève endte uten resultat"),
    ("da", "Forhandlingerne i Genève endte uden resultat"),
    ("sv", "Förhandlingarna i Genève slutade utan resultat"),
]


@pytest.fixture(scope="module")
def model() -> language.Model:
    """Load the model once."""
    return language.load()


def article(text: str, title: str | None = None) -> Document:
    """Return a document of one sentence, and of a title where there is one."""
    sentences = [Sentence(field="title", start=0, end=len(title), text=title)] if title else []
    sentences += [Sentence(field="text", start=0, end=len(text), text=text)] if text else []
    return Document(title=title, text=text, sentences=tuple(sentences))


@pytest.mark.parametrize("code", PARAGRAPHS)
def test_three_sentences_are_enough(code: str, model: language.Model) -> None:
    """A paragraph of agency copy gets its language, with confidence, in ten supported languages and many others."""
    found = language.detect(article(PARAGRAPHS[code]), declared=None, model=model)

    assert found.code == code
    assert found.confidence > 0.6
    assert found.declared is None


@pytest.mark.parametrize("code", OTHERS)
def test_whole_articles_in_thirty_other_languages_are_named_right(code: str, model: language.Model) -> None:
    """Two articles of each, of three hundred characters where there is an alphabet: right, and as good as certain."""
    found = [
        language.detect(text.clean(None, one.text), declared=None, model=model)
        for one in corpus.read(ROOT / "training" / "others" / f"{code}.txt")
    ]

    assert len(OTHERS) == 30
    assert [one.code for one in found] == [code, code]
    assert all(one.confidence > 0.75 for one in found)


@pytest.mark.parametrize("code", language.SUPPORTED)
def test_the_seeds_of_the_ten_languages_are_named_right(code: str, model: language.Model) -> None:
    """Every seed article that is written in one language."""
    rows = [json.loads(line) for line in (ROOT / "seeds" / f"{code}.ndjson").read_text(encoding="utf-8").splitlines()]
    documents = [text.clean(row.get("title"), row["text"]) for row in rows if row.get("text")]

    assert {language.detect(one, declared=None, model=model).code for one in documents} == {code}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "sr",
            "Predsednik je rekao da će posle sednice vlade obezbediti novac za promene zakona, čija je primena počela u sredu.",
        ),
        (
            "hr",
            "Tko će platiti proračun? Veleposlanik je priopćio da suradnja s Europom počinje u siječnju, tjedan dana poslije.",
        ),
        ("bs", "Predsjednik vlade saopćio je da hiljade građana od januara čeka na posao, a sjednica je prije sedmicu dana."),
        ("id", "Polisi mengatakan bahwa uang itu hilang karena kantor perusahaan di Inggris ditutup bulan Agustus."),
        ("ms", "Polis memaklumkan bahawa wang itu hilang kerana pejabat syarikat di Perancis ditutup pada bulan Ogos."),
    ],
)
def test_telling_words_decide_between_twins(code: str, said: str, model: language.Model) -> None:
    """Serbian in Latin letters is Serbian, Malay is not Indonesian: a word that the other does not have says so."""
    assert language.detect(article(said), declared=None, model=model).code == code


@pytest.mark.parametrize(("code", "headline"), [*HEADLINES, *SISTERS])
def test_a_headline_is_enough_between_sisters_too(code: str, headline: str, model: language.Model) -> None:
    """Six words decide where they can: Ukrainian is not Russian, Portuguese not Galician, Slovak not Czech."""
    assert language.detect(article("", headline), declared=None, model=model).code == code


@pytest.mark.parametrize(
    "text", ["", "1234 – 56", "OK", "☃ ☃ ☃", "asdf qwer zxcv", "x" * 5_000, "https://example.org/il/governo/approva"]
)
def test_what_is_no_language_is_undetermined(text: str, model: language.Model) -> None:
    """Neither numbers nor addresses nor a cat on the keyboard are in a language."""
    found = language.detect(article(text), declared=None, model=model)

    assert found.code == "und"
    assert found.confidence < 0.4


def test_the_declared_language_tips_the_balance_of_a_word(model: language.Model) -> None:
    """Roma alone may be anything; a producer who says Italian is believed, one who says Ukrainian is not."""
    assert language.detect(article("Roma"), declared=None, model=model).code == "und"
    assert language.detect(article("Roma"), declared="it-IT", model=model).code == "it"
    assert language.detect(article("Roma"), declared="uk", model=model).code == "und"


def test_the_declared_language_never_beats_the_text(model: language.Model) -> None:
    """A wrong declaration is kept beside the finding, not instead of it."""
    found = language.detect(article(PARAGRAPHS["uk"]), declared="rus", model=model)

    assert (found.code, found.declared) == ("uk", "ru")


def test_a_quotation_at_the_top_does_not_decide(model: language.Model) -> None:
    """A long article is sampled all over: a page of Russian does not make a Ukrainian article Russian."""
    told = [*PARAGRAPHS["ru"].split(". ") * 25, *PARAGRAPHS["uk"].split(". ") * 100]
    text = ". ".join(told)
    starts = [sum(len(s) + 2 for s in told[:i]) for i in range(len(told))]
    sentences = tuple(Sentence(field="text", start=a, end=a + len(s), text=s) for a, s in zip(starts, told, strict=True))

    assert language.detect(Document(title=None, text=text, sentences=sentences), declared=None, model=model).code == "uk"


def test_furniture_has_no_say(model: language.Model) -> None:
    """Only sentences are read: an English cookie notice does not make an Italian brief English."""
    brief = "Il governo approva la manovra"
    text = f"{brief}\nWe use cookies to improve the service that we offer to all of our readers every day"
    sentence = Sentence(field="text", start=0, end=len(brief), text=brief)
    document = Document(title=None, text=text, sentences=(sentence,), furniture=((len(brief) + 1, len(text)),))

    assert language.detect(document, declared=None, model=model).code == "it"


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("it", "it"),
        ("it-IT", "it"),
        ("EN_us", "en"),
        ("en-US,en;q=0.9", "en"),
        ("ita", "it"),
        ("ger", "de"),
        ("deu", "de"),
        ("ukr", "uk"),
        ("nor", "no"),
        ("nob", "no"),
        ("nb-NO", "no"),
        ("nn", "nn"),
        ("zh-Hant", "zh"),
        ("iw", "he"),
        ("Italian", "it"),
        ("українська", "uk"),
        (" Deutsch ", "de"),
        ("xx", None),
        ("unknown", None),
        ("und", None),
        ("mul", None),
        ("", None),
        ("💥" * 10_000, None),
        (None, None),
    ],
)
def test_a_declared_language_is_brought_to_one_code(declared: str | None, code: str | None) -> None:
    """Producers write languages in many ways, and ``nor`` beside ``nob`` must not lose Norway."""
    assert language.normalise(declared) == code


def test_every_label_of_the_library_has_a_code(model: language.Model) -> None:
    """A label that nobody mapped would be a language lost without a word; only "no language" has no code."""
    codes = {label: language.normalise(label) for label in model.identifier.labels}

    assert {label for label, code in codes.items() if code is None} == {"zxx"}
    assert "nb" not in codes.values()
    assert set(language.SUPPORTED) <= set(codes.values())


def test_supported_languages_are_known_to_cldr() -> None:
    """A typing error here would silently switch a language off."""
    assert all(Locale(code).language == code for code in language.SUPPORTED)


def test_the_model_says_what_it_is(model: language.Model) -> None:
    """Every output can be traced to the model that made it."""
    assert model.info.name == "py3langid"
    assert len(model.info.sha256) == 64


def test_detecting_is_fast(model: language.Model) -> None:
    """A long article costs no more than its sample; the best of several runs, since others share the machine."""
    text = PARAGRAPHS["uk"]
    sentences = tuple(Sentence(field="text", start=0, end=len(text), text=text) for _ in range(500))
    best = 1.0
    for _ in range(10):
        before = time.perf_counter()
        language.detect(Document(title=None, text=text, sentences=sentences), declared=None, model=model)
        best = min(best, time.perf_counter() - before)

    assert best < 0.02
