"""The words of calendars in the languages that files come in: months, weekdays, and what names a week or a quarter.

English, German, French, Spanish, Italian, Portuguese, Dutch and Polish; Japanese and Chinese dates are written with signs.
Words are compared without accents and in lower case, as ``folded`` gives them.
"""

from __future__ import annotations

import unicodedata

#: Month → its names and short forms, without accents.
_MONTH_WORDS = (
    "jan january januar janner janvier janv enero ene gennaio gen janeiro januari styczen stycznia sty",
    "feb february februar febr fevrier fevr fev febrero febbraio fevereiro februari luty lutego lut",
    "mar march marz mrz mars marzo marco maart mrt marzec marca",
    "apr april avril avr abril abr aprile kwiecien kwietnia kwi",
    "may mai mayo maggio mag maio mei maj maja",
    "jun june juni juin junio giugno giu junho czerwiec czerwca cze",
    "jul july juli juillet juil julio luglio lug julho lipiec lipca lip",
    "aug august aout agosto ago augustus sierpien sierpnia sie",
    "sep sept september septembre septiembre set settembre setembro wrzesien wrzesnia wrz",
    "oct october okt oktober octobre octubre ott ottobre outubro out pazdziernik pazdziernika paz",
    "nov november novembre noviembre novembro listopad listopada lis",
    "dec december dez dezember decembre dic diciembre dicembre dezembro grudzien grudnia gru",
)  # fmt: skip

#: Month's word → its number, 1 … 12.
MONTHS = {word: number for number, words in enumerate(_MONTH_WORDS, start=1) for word in words.split()}

#: Days of the week, which say nothing beside a date.
_WEEKDAY_WORDS = """
mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun sunday
mo montag di dienstag mi mittwoch do donnerstag fr freitag sa samstag sonnabend so sonntag
lun lundi mardi mer mercredi jeu jeudi ven vendredi sam samedi dim dimanche
lunes martes mie miercoles jue jueves vie viernes sab sabado dom domingo
lunedi martedi mercoledi gio giovedi venerdi sabato domenica
seg segunda segunda-feira ter terca terca-feira qua quarta quarta-feira qui quinta quinta-feira sex sexta sexta-feira
ma maandag dinsdag wo woensdag donderdag vr vrijdag za zaterdag zo zondag
pon poniedzialek wt wtorek sr sroda czw czwartek pt piatek sob sobota ndz niedz niedziela
"""
WEEKDAYS = frozenset(_WEEKDAY_WORDS.split())

#: What stands before or after the number of a week, of a quarter.
WEEK_WORDS = "week|weeks|wk|kw|kalenderwoche|woche|semaine|sem|semana|settimana|sett|tydzien|tydz|w|s"
QUARTER_WORDS = "q|quarter|quartal|trimestre|trim|kwartaal|kwartal|kw\\."


def folded(text: str) -> str:
    """The text in lower case without accents, for comparing names."""
    if text.isascii():
        return text.casefold()
    plain = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L").replace("ø", "o"))
    kept = "".join(one for one in plain if not unicodedata.combining(one) or one in "\u3099\u309a")  # voiced kana keep theirs
    return unicodedata.normalize("NFC", kept).casefold()
