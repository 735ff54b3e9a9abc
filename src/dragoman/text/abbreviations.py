"""Full stops that do not end a sentence: what is added, language by language, to the library's own abbreviations.

Each entry is written without its last full stop and in lower case. `NUMERIC` holds only before a number ("Nr. 5", but
"Sie sagte nein zu Nr. Dann"); an entry of `ALWAYS` holds before anything.
"""

from __future__ import annotations

import re

__all__ = ["ends_abbreviation"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON = _words("dr prof mr mrs ms st ph.d m.sc b.sc e.g i.e cf vs ca al dipl ing")

ALWAYS: dict[str, frozenset[str]] = {
    "en": _words(
        "messrs mx rev hon gen col maj capt cpt lt sgt cmdr adm gov sen rep pres supt det insp jr sr mt ft fig figs eq"
        " eqs ref refs ed eds trans ch sec dept univ assn approx est resp viz nat'l int'l"
    ),
    "de": _words(
        "inkl exkl zzgl abzgl bzw bzgl usf evtl ggf ggfs vgl sog u.a z.b d.h z.t u.u o.ä o.g s.o s.u i.d.r i.a m.e v.a"
        " u.ä z.zt v.chr n.chr hr fr frl hrsg prof dr.h.c mag dipl.-ing ing st str jh jhd allg bes betr ehem einschl"
        " entspr erg exkl geb gegr gest verh wg bspw mind max min inkl.mwst mwst.nr tel nebst amtl dt engl frz lat griech"
        " phil med jur rer theol hl abt verf red bearb erw gen gem insb kath ev"
    ),
    "fr": _words(
        "m mm mme mmes mlle mlles mgr me dr pr prof st ste sts cf ex p.ex av apr env éd coll chap fig op cit réf tél"
        " boul ann art bd"
    ),
    "es": _words(
        "sr sra srta sres sras dr dra d dña prof profa ud uds vd vds fdo exmo excmo ilmo rvdo mons lic ing arq gral cnel"
        " cap sto sta av avda pág págs p.ej ej cía dpto apdo c.a ee.uu a.c d.c aprox izq dcha"
    ),
    "it": _words(
        "sig sigg sig.ra sig.na dott dott.ssa prof prof.ssa ing avv arch geom rag on mons egr gent spett ecc.mo s.p.a cfr"
        " es p.es pag pagg art artt fig tav vol voll ed cap sec tel c.so p.za v.le d.c a.c mass min ca all"
    ),
    "pt": _words(
        "sr sra srs sras dr dra drs profa prof exmo exma ilmo ilma eng engª arq gen cel cap sgt d mons pe sto sta av trav"
        " pág págs p.ex ex cia ltda tel art arts fig vol cf obs aprox est mín máx a.c d.c"
    ),
    "nl": _words(
        "dhr mevr mw mej dr drs ir ing mr prof ds st jhr bijv bv d.w.z o.a m.b.t m.n i.v.m t.a.v t.o.v t.n.v n.a.v i.p.v"
        " o.l.v a.u.b enz zgn blz afd art fig tel vgl resp incl excl ca jl vd v.d v.chr n.chr"
    ),
    "cs": _words(
        "např tzv tj tzn resp popř příp apod atp mj aj sv kpt gen plk pplk ing mgr bc mudr judr phdr rndr doc prof dr paní"
        " p st ul nám tř čs čes angl něm fr lat řec tel obr tab kap cca př.n.l n.l vč zejm event hl"
    ),
    "sk": _words("napr tzv t.j tj resp príp sv ing mgr bc mudr judr phdr rndr doc prof dr ul nám tel obr tab kap cca vč"),
    "pl": _words(
        "np tzw tj tzn m.in ok św ks dr prof mgr inż hab lek gen płk ppłk kpt por rtm sierż red dyr prez zob por ul al pl"
        " os im pw wg woj pow gm tel ang niem fr łac gr wł właśc ps ur zm o.o p.o n.p.m p.n.e bł hr"
    ),
    "ru": _words(
        "т.е т.д т.п т.к т.н т.о им г гг ул пр просп пл пер д корп кв стр рис табл гл см ср напр др проф доц акад тов гр"
        " св ред изд тыс руб коп обл р-н респ англ нем фр лат греч итал исп яп кит род ок м.б и.о в.ч нач"
    ),
    "uk": _words(
        "т.д т.п т.з т.зв т.ч тобто напр ім м р рр ст вул просп пл пров буд корп кв стор с рис табл гл див пор проф доц"
        " акад тов гр св ред вид тис грн коп обл р-н англ нім фр лат грец італ ісп"
    ),
    "hu": _words("dr ifj id özv prof st szt pl ill kb ún stb tsz ti fszt em vö ld bp kft u tel gróf br hg ill.etve mgr"),
    "fi": _words("esim mm ks vrt ns ym yms tms jne n.k ts eli.s prof tri toht arkkit dos alk synt os tel puh nro"),
    "sv": _words("t.ex bl.a m.m m.fl d.v.s dvs o.s.v osv s.k f.d p.g.a fr.o.m t.o.m kl ca jfr resp prof dr st tel fig"),
    "da": _words("f.eks bl.a m.m m.fl dvs osv ca jf evt inkl ekskl pr hr fr prof dr st tlf fig vedr mht ift"),
    "nb": _words("f.eks bl.a m.m m.fl dvs osv ca jf evt inkl ekskl pr hr fr prof dr st tlf fig vedr mht ift"),
    "tr": _words("dr prof doç yrd av sn bkz vb vs örn alb gen bnb yzb hz cad sok mah apt tel şti ltd ing fr alm m.ö m.s"),
    "el": _words("κ κκ κα δρ καθ π.χ δηλ κ.λπ κ.ά κ.τ.λ βλ σελ τηλ αρ άρ αγ μ.χ π.χρ λ.χ υπ εκ"),
    "ro": _words("dl d-l dna dr prof ing av gen col lt str bd nr art pag fig vol tel ex de ex cca sf î.hr d.hr"),
    "hr": _words("npr tzv tj dr prof mr ing sv ul br str god st gosp gđa itd usp sl tel"),
    "sl": _words("npr tj t.i dr prof mag ing sv ul št str oz ipd itd g ga tel"),
    "lt": _words("pvz t.y t.t dr prof doc g pr pl al vyt š.m kt p ponas tel nr"),
    "et": _words("nt s.t st dr prof hr pr jne jt vt lk nr tel u"),
}

NUMERIC: dict[str, frozenset[str]] = {
    "": _words("no nos nr art par p pp pg vol fig figs ch sec tab cap ca approx n tel fax az op bd num"),
    "de": _words("nr nrn s bd bde kap abs anm abb art aufl ziff rn rz zi tab tel fax str hnr plz ab bis um vom am zum"),
    "fr": _words("n no nos p pp t vol chap fig art al par env tél"),
    "es": _words("n núm núms pág págs p pp t vol cap fig art tel"),
    "it": _words("n nn nr pag pagg p pp vol cap fig art tel"),
    "pt": _words("n núm pág págs p pp vol cap fig art tel"),
    "nl": _words("nr nrs blz p pp dl hfst art fig tel"),
    "cs": _words("č čp čj str s sv kap obr tab odst čl r tel"),
    "pl": _words("nr str s t tom rozdz art ust pkt poz rys tab r godz tel"),
    "ru": _words("№ с стр т гл рис табл ст п пп г"),
    "uk": _words("№ с стор т гл рис табл ст п пп р"),
    "sv": _words("nr s sid kap fig tab kl"),
    "da": _words("nr s kap fig tab kl stk"),
    "fi": _words("nro nr s ss klo kpl"),
    "hu": _words("sz kb old"),
}

_ORDINAL = re.compile(r"\d{1,3}")
_INITIAL = re.compile(r"(?:[^\W\d_]+[.-])*[^\W\d_a-zà-ÿа-яα-ω]")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,4}\.)+[^\W\d_]{1,4}")
_OPENING = "([{«„“\"'‘’‚‹¿¡"
_GERMAN_STARTS = _words(
    "der die das den dem des ein eine einen einem einer er sie es wir ihr ich du man dies diese dieser dieses diesem"
    " diesen und aber doch denn oder in im am an auf aus bei beim mit nach von vom zu zum zur für durch über unter ohne"
    " um vor seit als wenn weil da daher dann damit dort hier heute jetzt nun so auch noch nur schon sehr alle alles"
    " was wer wie wo warum kein keine mein meine sein seine unser unsere danach dabei trotz trotzdem während jedoch"
    " leider zwar nicht insgesamt außerdem zudem"
)
_BOUNDARY_AFTER = _words("a.m p.m")
_LOOK_BACK = 32


def ends_abbreviation(text: str, end: int, following: str, language: str) -> bool:
    """Whether the single full stop before ``end`` belongs to an abbreviation, an initial or an ordinal.

    Args:
        text: a paragraph.
        end: offset behind the full stop.
        following: the next word, without what opens it.
        language: primary code, such as "de"; others have only what all share.
    """
    token = text[max(0, end - _LOOK_BACK) : end].rpartition(" ")[2].lstrip(_OPENING)
    word = token.removesuffix(".")
    lowered = word.lower()
    if lowered in _BOUNDARY_AFTER or not following:
        return False
    if lowered in _COMMON or lowered in ALWAYS.get(language, ()):
        return True
    if following[0].isdigit():
        return lowered in NUMERIC[""] or lowered in NUMERIC.get(language, ())
    if language == "de" and _ORDINAL.fullmatch(word) and following[0].isupper():
        return following.lower() not in _GERMAN_STARTS
    if _INITIAL.fullmatch(word):
        return not (language == "en" and word == "I")
    return bool(_DOTTED.fullmatch(word)) and word[0].islower()
